// The bench's harness with ours alone: contenders in processes, slices, comparison of answers, report. What it says of speed is not looked at.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { hedgerow, root } from "./lib/places.mjs";

const work = join(root, "build", "bench-test");
process.env.HEDGEROW_BENCH = work;
const { Contender } = await import("../../benches/lib/process.mjs");
const { contenders } = await import("../../benches/lib/plan.mjs");
const { failures, report } = await import("../../benches/lib/report.mjs");
const { downloaded } = await import("../../benches/lib/sizes.mjs");

const ROWS = 2048;
const NAMES = ["a", "b c", "d"];
const bytes = (numbers) => new Uint8Array(Float64Array.from(numbers).buffer);

/** A model's folder as train.py and prepare.mjs would leave it, under the name of one that the tables know. */
function made(name) {
  const folder = join(work, "models", name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const path = (file) => join(folder, file);
  const rows = Array.from({ length: ROWS * NAMES.length }, (_, i) => Math.sin(i));
  const inputs = NAMES.map((name) => ({ name, kind: "number" }));
  const head = { logistic: { coef: [[0.5, -1.5, 2]], intercept: [0.25], link: "sigmoid" } };
  const required = inputs.map((input) => ({ ...input, required: true }));
  writeFileSync(path("source.hedge.json"), JSON.stringify({ hedgerow_exchange: 1, inputs: required, classes: ["0", "1"], estimator: { columns: inputs.map((_, input) => ({ input })), head } }));
  writeFileSync(path("rows.csv"), [NAMES.join(","), ...Array.from({ length: ROWS }, (_, i) => rows.slice(3 * i, 3 * i + 3).join(","))].join("\n"));
  const run = (...args) => execFileSync(hedgerow, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  run("import", path("source.hedge.json"), "--out", path("model.hedge"), "--name", name);
  const answers = run("predict", path("model.hedge"), path("rows.csv"), "--out", "-", "--format", "csv");
  const native = answers.trimEnd().split("\n").slice(1).flatMap((line) => line.split(",").slice(1).map(Number));
  assert.equal(native.length, 2 * ROWS);
  writeFileSync(path("rows.f64"), bytes(rows));
  for (const file of ["native.f64", "expected.f64"]) writeFileSync(path(file), bytes(native));
  writeFileSync(path("meta.json"), JSON.stringify({ name, names: NAMES, features: 3, rows: ROWS, classes: ["0", "1"], nodes: 0, native: {}, tolerance: 1e-12, missing: { m2cgen: "is not needed here" } }));
  return { path, native };
}

async function slices(name, measures) {
  const { there, missing } = contenders(name);
  const ours = there.find(({ contender }) => contender === "hedgerow");
  const process = await Contender.start(ours, name);
  try {
    const told = [];
    for (const measure of measures) told.push({ model: name, contender: "hedgerow", measure, process: 0, round: 0, ...(await process.ask({ measure, ms: 5 })) });
    return { told, missing, ours };
  } finally {
    await process.stop();
  }
}

test("bench", { timeout: 120_000 }, async (t) => {
  const name = "bc-xgb100d6";
  const { path, native } = made(name);
  let measurements;

  await t.test("every way in is timed, and every answer is the native one", async () => {
    const { told, ours } = await slices(name, ["single", "batch1000", "cached"]);
    assert.deepEqual(ours.measures, ["single", "batch1000", "batch10000", "cached"]);
    for (const { measure, cpu, calls, checked, wrong, worst } of told) {
      assert.ok(cpu > 0 && calls > 0 && checked > 0, measure);
      assert.deepEqual([wrong, worst], [0, 0], measure);
    }
    measurements = told;
  });

  await t.test("a wrong answer is counted", async () => {
    // Of every row: a slice this short does not come to all.
    writeFileSync(path("native.f64"), bytes(native.map((p, k) => (k % 2 ? p + 1e-12 : p))));
    const { told } = await slices(name, ["single", "batch1000", "cached"]);
    writeFileSync(path("native.f64"), bytes(native));
    for (const { measure, wrong } of told) assert.ok(wrong > 0, measure);
  });

  await t.test("a contender that does not start says why", async () => {
    await assert.rejects(Contender.start({ contender: "onnxruntime-web", native: false }, name), /onnxruntime-web|model\.onnx/);
  });

  await t.test("a contender that has ended is not waited for", async () => {
    const process = await Contender.start(contenders(name).there.find(({ contender }) => contender === "hedgerow"), name);
    await process.stop();
    await assert.rejects(process.ask({ measure: "single", ms: 5 }), /it ended with null/);
  });

  await t.test("the report has a line for each bar, and says what was not measured", async () => {
    const libraries = Object.fromEntries(["xgboost-cpu", "lightgbm", "onnxruntime", "scikit-learn", "lleaves", "skl2onnx", "onnxmltools", "m2cgen", "ydf"].map((name) => [name, "1"]));
    const facts = { hedgerow: "0", commit: "0", rustc: "0", node: "0", v8: "0", python: "0", cpu: "0", cores: 1, memory: "0", system: "0", date: "0", peers: {}, libraries };
    const effort = { processes: 1, rounds: { single: 1 }, ms: 5, fresh: 0 };
    // The runtimes of the others are not there.
    const artifacts = { [name]: { hedge: { raw: 3, gzip: 2, brotli: 1 }, onnx: { raw: 6, gzip: 4, brotli: 2 } } };
    const results = { facts, quick: true, effort, only: [name], measurements, missing: { [name]: { m2cgen: "is not needed here" } }, sizes: { runtimes: { hedgerow: { raw: 3, gzip: 100_000, brotli: 1 } }, artifacts }, fresh: [], workerd: null, boundary: null, seconds: 1 };
    const { text, bars } = report(results);
    assert.match(text, /\| bc-xgb100d6 \| [\d.]+ \/ [\d.]+ \|/);
    assert.match(text, /bc-xgb100d6: m2cgen: is not needed here/);
    assert.match(bars, /remembered answer, 30 fields .* bar <= 0\.5: (met|missed)/);
    assert.match(bars, /every artifact, gzip .* bar <= 1: met/);
    assert.match(bars, /runtime, wasm and JavaScript .*bar <= 72: missed/);
    assert.match(bars, /batch 10k, bc-svc .* not measured/);
    assert.doesNotMatch(text, /undefined|NaN|null/);
    assert.deepEqual(failures(results), []);

    const cold = (told) => ({ mode: "cold", model: name, contender: "hedgerow", ...told });
    const bad = report({
      ...results,
      effort: { ...effort, fresh: 3 },
      measurements: measurements.map((one) => (one.measure === "cached" ? { ...one, wrong: 1 } : one)),
      fresh: [cold({ cpu: 1, wall: 2 }), cold({ error: "it is off" }), cold({ error: "it is off" })],
      boundary: { rows: [{ what: "an empty call", ns: 1, ratio: 1 }, { what: "reading", ns: 9, ratio: 9, limit: 5 }] },
    });
    assert.match(bad.bars, /remembered answer, 30 fields .* bar <= 0\.5: wrong answers/);
    assert.match(bad.text, /\| hedgerow \(1 of 3 processes\) \| 1\.00 \/ 1\.00 \|/);
    assert.match(bad.text, /bc-xgb100d6: hedgerow, cold: it is off \(2 of 3 processes\)/);
    assert.match(bad.text, /\| reading \| 9\.00 \| 9\.00 \| <= 5 \*\*exceeded\*\* \|/);
    assert.doesNotMatch(bad.text, /undefined|NaN|null/);
    const wrong = failures({ measurements: [{ model: name, measure: "single", contender: "hedgerow-bind", wrong: 1 }, { model: name, measure: "single", contender: "ydf", wrong: 1 }], fresh: [cold({ error: "it is off" })], workerd: null });
    assert.deepEqual(wrong, [`hedgerow-bind, ${name} (single): answers are not the native binary's`, `hedgerow, ${name} (cold): it is off`]);
  });

  await t.test("what a page downloads of ours is one file besides the engine", () => {
    assert.deepEqual(downloaded().map((file) => basename(file)), ["hedgerow_bg.wasm", "browser.js"]);
  });
});
