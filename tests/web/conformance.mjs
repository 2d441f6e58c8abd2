#!/usr/bin/env node
// Imported models in the built package, beside the native engine's answers, by bits: all of them in Node, a sample in workerd and in
// Chromium. `node tests/web/conformance.mjs DIR`, where DIR is what `cargo run --example conformance` wrote: index.json
// (`[{ name, library, file }]`), and per case FILE.hedge and FILE.json.
import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { results as pageResults, serve } from "./lib/browser.mjs";
import { install } from "./lib/install.mjs";
import { root, workerd } from "./lib/places.mjs";
import { config } from "./lib/worker.mjs";

/** Of each library, in workerd and Chromium. */
const SAMPLE = 10;
/** Rows of a case there. */
const SAMPLE_ROWS = 200;

const folder = process.argv[2];
if (folder === undefined) {
  console.error("usage: node tests/web/conformance.mjs DIR");
  process.exit(2);
}
const index = JSON.parse(readFileSync(join(folder, "index.json"), "utf8"));
const consumer = join(root, "build", "conformance-web");

function prepare() {
  install(consumer);
  cpSync(join(root, "tests", "web", "conformance"), consumer, { recursive: true });
  copyFileSync(join(root, "tests", "web", "suite", "check.js"), join(consumer, "check.js"));
  writeFileSync(join(consumer, "index.html"), '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>hedgerow</title>\n<body>\n<script type="module" src="/page.js"></script>\n</body>\n</html>\n');
  mkdirSync(join(consumer, "cases"));
  const sample = sampled();
  for (const { file } of sample) {
    copyFileSync(join(folder, `${file}.hedge`), join(consumer, "cases", `${file}.hedge`));
    const { columns, rows, bits } = about(file);
    // Spread over the rows: the first are random ones, the last stand at thresholds.
    const kept = spread(rows.map((_, i) => i), SAMPLE_ROWS);
    writeFileSync(join(consumer, "cases", `${file}.json`), JSON.stringify({ columns, rows: kept.map((i) => rows[i]), bits: kept.map((i) => bits[i]) }));
  }
  writeFileSync(join(consumer, "sample.json"), JSON.stringify(sample));
  return sample;
}

const about = (file) => JSON.parse(readFileSync(join(folder, `${file}.json`), "utf8"));

/** At most `n`, from all over the list. */
function spread(list, n) {
  return list.length <= n ? list : Array.from({ length: n }, (_, k) => list[Math.floor((k * list.length) / n)]);
}

function sampled() {
  const libraries = new Map();
  for (const entry of index) libraries.set(entry.library, [...(libraries.get(entry.library) ?? []), entry]);
  return [...libraries.values()].flatMap((cases) => spread(cases, SAMPLE));
}

async function inNode() {
  const { load } = await import(pathToFileURL(join(consumer, "node_modules", "hedgerow", "node.js")).href);
  const { all } = await import(pathToFileURL(join(consumer, "compare.js")).href);
  const results = [];
  for (const [k, { name, file }] of index.entries()) {
    results.push(...(await all(load, [[name, () => readFileSync(join(folder, `${file}.hedge`)), () => about(file)]])));
    if ((k + 1) % 50 === 0) console.log(`node: ${k + 1} of ${index.length} models`);
  }
  return results;
}

async function inWorkerd(sample) {
  const imports = sample.map(({ file }, k) => `import bytes${k} from "cases/${file}.hedge";\nimport about${k} from "cases/${file}.json";`);
  const cases = sample.map(({ name }, k) => `[${JSON.stringify(name)}, () => new Uint8Array(bytes${k}), () => about${k}]`);
  writeFileSync(join(consumer, "cases.js"), `${imports.join("\n")}\nexport default [\n${cases.join(",\n")}\n];\n`);
  const embedded = ["worker.js", "compare.js", "check.js", "cases.js"].map((name) => `(name = "${name}", esModule = embed "${name}")`);
  const data = sample.flatMap(({ file }) => [`(name = "cases/${file}.hedge", data = embed "cases/${file}.hedge")`, `(name = "cases/${file}.json", json = embed "cases/${file}.json")`]);
  const server = await workerd(config(consumer, "conformance.capnp", [...embedded, ...data]), consumer);
  try {
    const response = await fetch(server.url, { signal: AbortSignal.timeout(240_000) });
    if (response.status !== 200) throw new Error(`workerd answered ${response.status}: ${await response.text()}`);
    return await response.json();
  } finally {
    await server.stop();
  }
}

async function inChromium() {
  const server = await serve(consumer);
  try {
    return (await pageResults(server.url)).results;
  } finally {
    await server.stop();
  }
}

const sample = prepare();
let failed = 0;
let passed = 0;
for (const [host, expected, run] of [
  ["node", index.length, inNode],
  ["workerd", sample.length, () => inWorkerd(sample)],
  ["chromium", sample.length, inChromium],
]) {
  const results = await run();
  let bad = 0;
  for (const { name, error } of results) {
    if (error === null) continue;
    bad += 1;
    console.log(`FAILED ${host}: ${name}: ${error.slice(0, 600)}`);
  }
  if (results.length !== expected || expected === 0) {
    console.log(`FAILED ${host}: ${results.length} models were asked, ${expected} are there`);
    bad += 1;
  }
  const answers = results.reduce((sum, result) => sum + result.answers, 0);
  console.log(`${host}: ${results.length} models, ${answers} answers, each as texts and as values, ${bad === 0 ? "the same bits as native" : `${bad} models differ`}`);
  failed += bad;
  passed += results.length - Math.min(bad, results.length);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
