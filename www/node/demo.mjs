#!/usr/bin/env node
// What ./build.sh demo ends with: scores the same held-out rows natively and in WebAssembly, compares the files byte by byte, and
// prints what was measured. Every figure is of this run on this machine.
//
//   node www/node/demo.mjs         after the binary, the package and the demo models are built
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, openSync, closeSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const at = (...parts) => join(root, ...parts);
const native = at("target/release/hedgerow");
const out = at("build/demo");
/** Where a model needs a clock and its rows have no event time: the same instant on both sides. */
const AS_OF = "2026-01-01T00:00:00Z";

/** The demo models; Adult is too large to carry and joins where the data lies beside the project. */
const DEMOS = [
  { model: "models/innovation_classifier-2.3.0.hedge", data: "models/data/innovation_test.csv", target: "outcome", asOfColumn: "scored_at" },
  { model: "models/innovation_classifier-2.3.1.hedge", data: "models/data/innovation_test.csv", target: "outcome", asOfColumn: "scored_at" },
  { model: "models/breast_cancer-1.0.0.hedge", data: "models/data/breast_cancer_test.csv", target: "diagnosis" },
  { model: "build/demo/adult.hedge", data: "../shared/data/adult_test.csv", target: "income", train: "../shared/data/adult_train.csv" },
];

async function main() {
  mkdirSync(out, { recursive: true });
  const rows = [];
  for (const demo of DEMOS) {
    if (demo.train) {
      if (!existsSync(at(demo.train))) continue;
      execFileSync(native, ["train", at(demo.train), "--target", demo.target, "--out", at(demo.model)], { stdio: "ignore" });
    }
    rows.push(await score(demo));
  }
  table(rows);
  weigh();
  const same = rows.every((row) => row.same);
  console.log(`\nbit-identical: ${same ? "yes" : "NO"} (${sum(rows, "rows").toLocaleString("en")} rows scored by the native binary and by WebAssembly in Node ${process.version}, files compared byte by byte)`);
  if (!same) process.exitCode = 1;
}

/** One model: its held-out rows on both sides, and what that took. */
async function score({ model, data, target, asOfColumn }) {
  const name = model.replace(/^.*\//, "").replace(".hedge", "");
  const [nativeOut, wasmOut] = [join(out, `${name}.native.csv`), join(out, `${name}.wasm.csv`)];
  const args = [at(model), at(data), "--keep", target, ...(asOfColumn ? ["--as-of-column", asOfColumn] : ["--as-of", AS_OF])];
  run(native, ["predict", ...args, "--out", nativeOut]);
  run(process.execPath, [at("www/node/score.mjs"), ...args], wasmOut);
  const bytes = readFileSync(nativeOut);
  const answers = parse(bytes, { columns: true });
  const classes = Object.keys(answers[0]).filter((column) => column.startsWith("probability_")).map((column) => column.slice("probability_".length));
  return {
    name,
    rows: answers.length,
    accuracy: answers.filter((row) => row[target] === row.prediction).length / answers.length,
    auc: areaUnderRoc(answers, target, classes),
    size: statSync(at(model)).size,
    coldStart: median(Array.from({ length: 5 }, () => coldStart(model, data))),
    perPrediction: await perPrediction(model, data),
    same: bytes.equals(readFileSync(wasmOut)),
  };
}

/** A command whose standard output may go to a file. Rejected rows (exit code 1) would be an error here: all rows are sound. */
function run(program, args, file) {
  const stdout = file ? openSync(file, "w") : "ignore";
  const { status, stderr, error } = spawnSync(program, args, { stdio: ["ignore", stdout, "pipe"], encoding: "utf8" });
  if (file) closeSync(stdout);
  if (error) throw error;
  if (status !== 0) throw new Error(`${relative(root, program)} ${args.join(" ")} ended with ${status}:\n${stderr}`);
}

/** Two classes: of the last one. More: the mean over classes, each against the rest. */
function areaUnderRoc(answers, target, classes) {
  const of = classes.length === 2 ? classes.slice(1) : classes;
  const areas = of.map((label) => {
    const scored = answers.map((row) => ({ score: Number(row[`probability_${label}`]), is: row[target] === label })).sort((a, b) => a.score - b.score);
    const positive = scored.filter(({ is }) => is).length;
    let ranks = 0;
    for (let i = 0; i < scored.length; ) {
      let end = i;
      while (end < scored.length && scored[end].score === scored[i].score) end += 1;
      // Equal scores share their mean rank.
      ranks += ((i + 1 + end) / 2) * scored.slice(i, end).filter(({ is }) => is).length;
      i = end;
    }
    return (ranks - (positive * (positive + 1)) / 2) / (positive * (scored.length - positive));
  });
  return areas.reduce((a, b) => a + b) / areas.length;
}

/** Milliseconds from the package's import to the first answer, in a process of its own. */
function coldStart(model, data) {
  const script = `
    const [entry, model, record] = process.argv.slice(1);
    const start = performance.now();
    const { load } = await import(entry);
    const answer = (await load(model)).predict(JSON.parse(record), { raw: true });
    const took = performance.now() - start;
    if (answer.status !== "ok") throw new Error(JSON.stringify(answer));
    console.log(took);`;
  const [record] = records(data);
  const entry = pathToFileURL(at("build/package/node.js")).href;
  return Number(execFileSync(process.execPath, ["--input-type=module", "-e", script, entry, at(model), JSON.stringify(record)], { encoding: "utf8" }));
}

/** Microseconds of one `predict` in WebAssembly, records as JavaScript objects, no cache: the best of five rounds over all rows. */
async function perPrediction(path, data) {
  const { load } = await import(pathToFileURL(at("build/package/node.js")).href);
  const model = await load(at(path), { cache: false });
  const typed = records(data).map((record) => Object.fromEntries(model.schema.fields.map(({ name, kind }) => [name, value(record[name], kind)])));
  let best = Infinity;
  for (let round = 0; round < 6; round += 1) {
    const start = performance.now();
    for (const record of typed) if (model.predict(record).status !== "ok") throw new Error(`a row of ${data} was rejected`);
    // The first round is for the compiler.
    if (round > 0) best = Math.min(best, (performance.now() - start) / typed.length);
  }
  model.free();
  return best * 1000;
}

function value(text, kind) {
  if (text === "") return null;
  return kind === "number" ? Number(text) : kind === "flag" ? text === "true" : text;
}

function records(data) {
  return parse(readFileSync(at(data)), { columns: true, bom: true });
}

function table(rows) {
  const columns = [
    ["model", ({ name }) => name],
    ["rows", ({ rows }) => rows.toLocaleString("en")],
    ["accuracy", ({ accuracy }) => accuracy.toFixed(4)],
    ["ROC AUC", ({ auc }) => auc.toFixed(4)],
    ["model file", ({ size }) => kb(size)],
    ["cold start", ({ coldStart }) => `${coldStart.toFixed(1)} ms`],
    ["one prediction", ({ perPrediction }) => `${perPrediction.toFixed(1)} µs`],
    ["same bits", ({ same }) => (same ? "yes" : "NO")],
  ];
  const cells = [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, show]) => show(row)))];
  const widths = columns.map((_, k) => Math.max(...cells.map((line) => line[k].length)));
  for (const line of cells) console.log(line.map((cell, k) => (k === 0 ? cell.padEnd(widths[k]) : cell.padStart(widths[k]))).join("  "));
  console.log("(held-out rows; cold start: import, load and first answer in a fresh Node process; one prediction: object in, answer out, in WebAssembly, without the cache)");
}

function weigh() {
  const files = ["hedgerow_bg.wasm", "browser.js"].map((name) => readFileSync(at("build/package", name)));
  const [wasm, ...script] = files.map((bytes) => [bytes.length, gzipSync(bytes, { level: 9 }).length]);
  const js = script.reduce(([a, b], [c, d]) => [a + c, b + d], [0, 0]);
  console.log(`\nthe engine: wasm ${kb(wasm[0])} (${kb(wasm[1])} gzip) + JavaScript ${kb(js[0])} (${kb(js[1])} gzip)`);
}

const kb = (bytes) => `${(bytes / 1000).toFixed(1)} KB`;
const sum = (rows, key) => rows.reduce((total, row) => total + row[key], 0);
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

await main().catch((error) => {
  console.error(`error: ${error.message}`);
  process.exitCode = 2;
});
