// One row in workerd (Cloudflare Workers): ours and m2cgen's code, the others do not run there. Its clocks stand still while a request
// is answered, so requests for many rows are timed from outside, less those for none.
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { workerd } from "../../tests/web/lib/places.mjs";
import { config } from "../../tests/web/lib/worker.mjs";
import { SINGLE, filler, open, records } from "./model.mjs";
import { ours, require, root, work } from "./places.mjs";
import { spread } from "./stats.mjs";

const MODELS = ["bc-lr", "bc-xgb100d6", "b20-xgb100d6", "b20-rf100d10"];
const folder = join(work, "workerd");

/** The worker: `/CONTENDER?rows=N` answers N rows, compares the last 2,048 and tells how many are wrong. */
function worker(model, bound) {
  return `import { load } from "hedgerow";
import artifact from "model.hedge";
import rows from "rows.json";
import native from "native.f64";
import original from "expected.f64";
import score from "m2cgen.js";
${bound ? 'import * as bind from "bind.js";' : ""}
const CLASSES = ${JSON.stringify(model.classes)};
const EXPECTED = { hedgerow: [new Float64Array(native), 0], "hedgerow-bind": [new Float64Array(native), 0], "m2cgen-literal": [new Float64Array(original), 1e-5] };
const out = new Float64Array(${SINGLE} * CLASSES.length);
const fill = ${filler(model.names).toString().replace("anonymous", "")};
const ask = (engine) => (record, at) => { const { probability } = engine.predict(record); ${model.classes.map((label, c) => `out[at + ${c}] = probability[${JSON.stringify(label)}];`).join(" ")} };
const made = {};
const makers = {
  hedgerow: async () => ask(await load(artifact, { cache: false })),
  ${bound ? '"hedgerow-bind": async () => ask(await load(artifact, { cache: false, bind })),' : ""}
  "m2cgen-literal": async () => (record, at) => { const p = score(fill(record, new Array(${model.features}))); for (let c = 0; c < CLASSES.length; c++) out[at + c] = p[c]; },
};
export default {
  async fetch(request) {
    const url = new URL(request.url);
    const name = url.pathname.slice(1);
    const one = (made[name] ??= await makers[name]());
    const n = Number(url.searchParams.get("rows"));
    for (let i = 0; i < n; i++) one(rows[i % ${SINGLE}], (i % ${SINGLE}) * CLASSES.length);
    let wrong = 0;
    const [expected, tolerance] = EXPECTED[name];
    if (n >= ${SINGLE}) for (let k = 0; k < out.length; k++) if (!(Math.abs(out[k] - expected[k]) <= tolerance)) wrong += 1;
    return Response.json({ wrong });
  },
};
`;
}

export async function inWorkerd(effort, only, say) {
  const names = MODELS.filter((name) => only.includes(name));
  if (names.length === 0) return null;
  try {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(join(folder, "node_modules"), { recursive: true });
    cpSync(ours, join(folder, "node_modules", "hedgerow"), { recursive: true });
    const told = [];
    for (const name of names) told.push({ model: name, figures: await measure(open(name), effort) });
    say(`workerd: ${names.length} models`);
    return { version: `workerd ${require(join(root, "node_modules", "workerd", "package.json")).version}`, contenders: ["hedgerow", "hedgerow-bind", "m2cgen-literal"], models: told };
  } catch (error) {
    say(`workerd: ${error.message}`);
    return { error: error.message.split("\n")[0] };
  }
}

async function measure(model, effort) {
  const bound = model.has("bind.mjs");
  for (const [from, to] of [["model.hedge", "model.hedge"], ["native.f64", "native.f64"], ["expected.f64", "expected.f64"], ["model.mjs", "m2cgen.js"], ...(bound ? [["bind.mjs", "bind.js"]] : [])]) cpSync(model.path(from), join(folder, to));
  writeFileSync(join(folder, "rows.json"), JSON.stringify(records(model, model.rows(), SINGLE)));
  writeFileSync(join(folder, "worker.js"), worker(model, bound));
  const module = (name, kind) => `(name = "${name}", ${kind} = embed "${name}")`;
  const modules = [module("worker.js", "esModule"), module("m2cgen.js", "esModule"), module("model.hedge", "data"), module("native.f64", "data"), module("expected.f64", "data"), module("rows.json", "json"), ...(bound ? [module("bind.js", "esModule")] : [])];
  const server = await workerd(config(folder, "bench.capnp", modules), folder);
  try {
    const request = async (name, rows) => {
      const began = performance.now();
      const response = await fetch(`${server.url}/${name}?rows=${rows}`);
      if (!response.ok) throw new Error(`${name} on ${model.name}: ${(await response.text()).split("\n")[0]}`);
      const { wrong } = await response.json();
      return { ms: performance.now() - began, wrong };
    };
    const names = ["hedgerow", ...(bound ? ["hedgerow-bind"] : []), "m2cgen-literal"];
    const [counts, figures, told] = [{}, {}, {}];
    for (const name of names) {
      try {
        for (let k = 0; k < 4; k++) await request(name, 2 * SINGLE);
        const { ms } = await request(name, 4 * SINGLE);
        // As many rows as take some 150 ms, when compilers have done.
        counts[name] = Math.max(SINGLE, Math.ceil((4 * SINGLE * 150) / ms));
        told[name] = { empty: [], full: [], wrong: 0 };
      } catch (error) {
        figures[name] = { error: error.message };
      }
    }
    for (let round = 0; round < effort.processes * effort.rounds.single; round++) {
      for (const name of Object.keys(counts)) {
        told[name].empty.push((await request(name, 0)).ms);
        const { ms, wrong } = await request(name, counts[name]);
        told[name].wrong = Math.max(told[name].wrong, wrong);
        told[name].full.push(ms);
      }
    }
    for (const name of Object.keys(counts)) {
      const [full, empty] = [spread(told[name].full), spread(told[name].empty)];
      const per = (of) => ((full[of] - empty[of]) * 1000) / counts[name];
      // m2cgen's wrong rows are counted in Node.
      const { wrong } = told[name];
      figures[name] = wrong > 0 && name !== "m2cgen-literal" ? { error: `${wrong} probabilities are not the native ones`, wrong } : { min: per("min"), median: per("median") };
    }
    return figures;
  } finally {
    await server.stop();
  }
}
