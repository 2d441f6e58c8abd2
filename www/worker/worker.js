// A minimal Cloudflare Worker around one model, which is deployed with the code: `model.hedge` is a Data module.
//
//   POST /predict[?as_of=2026-01-02]  a record, or an array of records  ->  an answer, or an array of answers
//   GET  /schema                      what a record is
//   GET  /health                      whether the model answers
import { load } from "hedgerow";
import file from "./model.hedge";

/** Most bytes of a request's body. */
const MAX_BODY = 1 << 20;

let model;

/** The model, loaded with the first request: a Worker may not spend long on starting. A failure is tried again. */
function loaded() {
  model ??= load(file);
  model.catch(() => (model = undefined));
  return model;
}

export default {
  async fetch(request) {
    try {
      const url = new URL(request.url);
      const answers = ROUTES[url.pathname];
      if (answers === undefined) return failure(404, `there is no ${url.pathname}: there are POST /predict, GET /schema and GET /health`);
      const answer = answers[request.method];
      if (answer === undefined) return failure(405, `${url.pathname} takes ${Object.keys(answers).join(", ")}`, { allow: Object.keys(answers).join(", ") });
      return await answer(request, url);
    } catch (error) {
      if (error instanceof Refusal) return failure(error.status, error.message);
      console.error(error);
      return failure(500, "the model could not answer; the next request is not affected");
    }
  },
};

const ROUTES = {
  "/predict": { POST: predict },
  "/schema": { GET: async () => Response.json((await ready()).schema) },
  "/health": { GET: async () => Response.json((await ready()).health()) },
};

async function predict(request, url) {
  const input = parsed(await body(request));
  const options = { asOf: url.searchParams.get("as_of") };
  const model = await ready();
  if (typeof input !== "object" || input === null) throw new Refusal(400, "the body must be a record (a JSON object) or an array of records");
  try {
    if (Array.isArray(input)) return Response.json(model.predictBatch(input, options));
    const answer = model.predict(input, options);
    return Response.json(answer, { status: answer.status === "ok" ? 200 : 422 });
  } catch (error) {
    // What the package says of a wrong call is meant for the caller; anything else is not.
    if (error instanceof TypeError || error instanceof RangeError) throw new Refusal(400, error.message);
    throw error;
  }
}

async function ready() {
  try {
    return await loaded();
  } catch (error) {
    throw new Refusal(503, `the model does not load: ${error.message}`);
  }
}

/** The body as text, read no further than the limit. */
async function body(request) {
  const chunks = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.length;
    if (length > MAX_BODY) throw new Refusal(413, `the body is longer than ${MAX_BODY} bytes`);
    chunks.push(chunk);
  }
  return new Blob(chunks).text();
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Refusal(400, `the body is no JSON: ${error.message}`);
  }
}

class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

function failure(status, error, headers) {
  return Response.json({ error }, { status, headers });
}
