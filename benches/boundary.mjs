#!/usr/bin/env node
// What a prediction costs besides the model: reading a record of 10, 30 and 100 fields into WebAssembly, and building an answer. The model
// is a logistic regression, which costs next to nothing. All of it is told as a multiple of an empty call into WebAssembly, timed in turn
// with it; the command fails where one is above its bound, which is generous: some three times what it was when it was written.
//
//   node benches/boundary.mjs [--json]
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { binary, ours, work } from "./lib/places.mjs";

const ROUNDS = 40;
const ROUND_MS = 4;
const DISTINCT = 2048;
/** (module (func (export "empty"))) */
const EMPTY = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 9, 1, 5, 101, 109, 112, 116, 121, 0, 0, 10, 4, 1, 2, 0, 11);
const LIMITS = {
  "reading 10 fields": 40,
  "reading 30 fields": 100,
  "reading 100 fields": 400,
  "building an answer": 60,
  "predict, 10 fields": 400,
  "predict, 30 fields": 700,
  "predict, 100 fields": 2000,
  "remembered, 30 fields": 800,
};

const folder = join(work, "boundary");
mkdirSync(folder, { recursive: true });

/** A model of `n` numbers, and as many records as are needed to be distinct. */
function made(n) {
  const artifact = join(folder, `${n}.hedge`);
  const source = join(folder, `${n}.hedge.json`);
  const head = { logistic: { coef: [Array.from({ length: n }, (_, j) => ((j % 7) - 3) / 10)], intercept: [0.1], link: "sigmoid" } };
  const inputs = Array.from({ length: n }, (_, j) => ({ name: `f${j}`, kind: "number", required: true }));
  writeFileSync(source, JSON.stringify({ hedgerow_exchange: 1, inputs, classes: ["no", "yes"], estimator: { columns: inputs.map((_, input) => ({ input })), head } }));
  execFileSync(binary, ["import", source, "--out", artifact], { stdio: ["ignore", "ignore", "pipe"] });
  const records = Array.from({ length: DISTINCT }, (_, i) => Object.fromEntries(inputs.map(({ name }, j) => [name, Math.sin(i * 100 + j)])));
  const bound = join(folder, `${n}.mjs`);
  execFileSync(binary, ["bind", artifact, "--out", bound], { stdio: ["ignore", "ignore", "pipe"] });
  return { bytes: readFileSync(artifact), bound: pathToFileURL(bound), records: JSON.parse(JSON.stringify(records)) };
}

const { load } = await import(pathToFileURL(join(ours, "node.js")));
const { empty } = new WebAssembly.Instance(new WebAssembly.Module(EMPTY)).exports;
let cursor = 0;
let sink = 0;
const asking = (model, records) => (count) => {
  for (let k = 0; k < count; k++) {
    sink += model.predict(records[cursor]).confidence;
    cursor = (cursor + 1) % DISTINCT;
  }
};
const reading = (read, records, target) => (count) => {
  for (let k = 0; k < count; k++) {
    if (read(records[cursor], target, 0) !== true) throw new Error("a record is not plain");
    cursor = (cursor + 1) % DISTINCT;
  }
  sink += target.view[0];
};
const answering = (answer) => {
  const p = Float64Array.from({ length: 2 * DISTINCT }, (_, k) => (k % 2 ? 0.25 : 0.75));
  return (count) => {
    for (let k = 0; k < count; k++) {
      sink += answer(0, p, 2 * cursor, false, "2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z").confidence;
      cursor = (cursor + 1) % DISTINCT;
    }
  };
};
const calling = (count) => {
  for (let k = 0; k < count; k++) empty();
};

if (!existsSync(binary)) throw new Error("there is no native binary: cargo build --release --bin hedgerow");
const parts = [["an empty call into WebAssembly", calling]];
for (const n of [10, 30, 100]) {
  const { bytes, bound, records } = made(n);
  // What `load` does with a binding, without the engine behind it.
  const { read, answer } = (await import(bound)).default;
  const target = { view: new Float64Array(n), levels: [], time: () => NaN, fresh: () => target.view };
  parts.push([`reading ${n} fields`, reading(read, records, target)]);
  if (n === 10) parts.push(["building an answer", answering(answer)]);
  parts.push([`predict, ${n} fields`, asking(await load(bytes, { cache: false }), records)]);
  if (n === 30) {
    const model = await load(bytes, { cache: { entries: 2 * DISTINCT, bytes: 1 << 26 } });
    const ask = asking(model, records);
    ask(DISTINCT);
    if (!model.predict(records[0]).cached) throw new Error("the answer is not remembered");
    parts.push([`remembered, ${n} fields`, ask]);
  }
}

// In turn, many short rounds, the least of each.
const least = parts.map(() => Infinity);
for (let round = 0; round < ROUNDS; round++) {
  parts.forEach(([, run], k) => {
    let count = 0;
    const began = performance.now();
    while (performance.now() - began < ROUND_MS) {
      run(256);
      count += 256;
    }
    if (round > 0) least[k] = Math.min(least[k], ((performance.now() - began) * 1e6) / count);
  });
}
if (!Number.isFinite(sink)) throw new Error("an answer is no number");
const rows = parts.map(([what], k) => ({ what, ns: least[k], ratio: least[k] / least[0], limit: LIMITS[what] }));
const slow = rows.filter(({ ratio, limit }) => ratio > limit);
if (process.argv.includes("--json")) console.log(JSON.stringify({ rows }));
else for (const { what, ns, ratio, limit } of rows) console.log(`${what.padEnd(32)} ${ns.toFixed(1).padStart(9)} ns ${ratio.toFixed(1).padStart(8)} x${limit ? `  (at most ${limit} x)` : ""}`);
for (const { what, ratio, limit } of slow) console.error(`error: ${what} costs ${ratio.toFixed(0)} empty calls, more than ${limit}`);
process.exitCode = slow.length > 0 ? 1 : 0;
