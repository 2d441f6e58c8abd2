// A page: the suite, and what only a browser does. The results go into the document.
import { load } from "/node_modules/hedgerow/browser.js";
import demo from "/demo.bind.js";
import other from "/other.bind.js";
import { fails, same } from "/suite/check.js";
import { run } from "/suite/index.js";

const fixtures = await (await fetch("/fixtures.json")).json();
const results = await run(load, fixtures, { demo, other });
const answers = async (source, options) => same((await load(source, options)).predict(fixtures.demo.record).status, "ok");
const more = [
  ["loads from a URL", () => answers("/demo.hedge")],
  ["loads from a URL object", () => answers(new URL("/demo.hedge", location.href))],
  ["loads from fetch", () => answers(fetch("/demo.hedge"))],
  ["a URL that is not there is an error that names it", () => fails(() => load("/absent.hedge"), /absent\.hedge: HTTP status 404/)],
  ["the engine may come from elsewhere, and of a type that is not application/wasm", () => answers("/demo.hedge", { wasm: "/plain/hedgerow_bg.wasm" })],
  ["the engine may come compiled", async () => answers("/demo.hedge", { wasm: await WebAssembly.compileStreaming(fetch("/node_modules/hedgerow/hedgerow_bg.wasm")) })],
  ["an engine that is not there is an error that names it", () => fails(() => load("/demo.hedge", { wasm: "/absent.wasm" }), /absent\.wasm: HTTP status 404/)],
];
for (const [name, work] of more) {
  try {
    await work();
    results.push({ name, error: null });
  } catch (error) {
    results.push({ name, error: String(error.stack ?? error) });
  }
}
const element = document.createElement("pre");
element.id = "results";
element.textContent = JSON.stringify({ results, more: more.map(([name]) => name) });
document.body.append(element);
