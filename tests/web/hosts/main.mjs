// Node, Deno and Bun: the suite, and what only a host with files and a network can do.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { load } from "hedgerow";
import demo from "./demo.bind.js";
import other from "./other.bind.js";
import { fails, ok, same } from "./suite/check.js";
import { run } from "./suite/index.js";

const fixtures = JSON.parse(readFileSync(new URL("./fixtures.json", import.meta.url), "utf8"));
const results = await run(load, fixtures, { demo, other });

const file = new URL("./demo.hedge", import.meta.url);
const answers = async (source) => same((await load(source)).predict(fixtures.demo.record).status, "ok");
const more = [
  ["loads from a path", () => answers(fileURLToPath(file))],
  ["loads from a relative path", () => answers("./demo.hedge")],
  ["loads from a file: URL", () => answers(file)],
  ["loads from the text of a file: URL", () => answers(file.href)],
  ["a path that is not there is an error that names it", () => fails(() => load("./absent.hedge"), /absent\.hedge/)],
  [
    "loads from an http: URL, and says when it is not there",
    async () => {
      const server = createServer((request, response) => {
        response.statusCode = request.url === "/demo.hedge" ? 200 : 404;
        response.end(request.url === "/demo.hedge" ? readFileSync(file) : "no");
      });
      await new Promise((done) => server.listen(0, "127.0.0.1", done));
      try {
        const url = `http://127.0.0.1:${server.address().port}`;
        await answers(`${url}/demo.hedge`);
        await answers(new URL(`${url}/demo.hedge`));
        await answers(fetch(`${url}/demo.hedge`));
        await fails(() => load(`${url}/absent.hedge`), /absent\.hedge: HTTP status 404/);
        const degraded = await load(`${url}/absent.hedge`, { fallback: file });
        same(degraded.health().status, "degraded");
        ok(degraded.health().reason.includes("HTTP status 404"), degraded.health().reason);
      } finally {
        server.close();
        server.closeAllConnections?.();
      }
    },
  ],
];
for (const [name, work] of more) {
  try {
    await work();
    results.push({ name, error: null });
  } catch (error) {
    results.push({ name, error: String(error.stack ?? error) });
  }
}
console.log(`RESULTS ${JSON.stringify(results)}`);
