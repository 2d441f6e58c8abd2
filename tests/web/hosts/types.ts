// Types as a user meets them; tests/web/types.test.mjs checks that this compiles, and that what must not compile does not.
import { load, type Answer, type ColumnsOptions, type Model, type Prediction, type Rejected, type Results, type Schema, type Violation } from "hedgerow";
import type { Input, Output } from "./demo.js";
import bind from "./demo.bind.js";

const model: Model = await load("model.hedge", { cache: { entries: 10, bytes: 1 << 20, ttl: 60 }, fallback: new URL("https://example.com/old.hedge") });
await load(fetch("model.hedge"), { cache: false });
await load(new Uint8Array(8), { fallback: Promise.resolve(new Response()) });
await load(new Blob([]), { wasm: new URL("https://example.com/hedgerow_bg.wasm") });

const answer: Answer = model.predict({ age: 39 }, { asOf: new Date(), raw: true });
if (answer.status === "ok") {
  const sound: Prediction = answer;
  const label: string = sound.prediction;
  const p: number | undefined = sound.probability[label];
  console.log(p, sound.confidence.toFixed(3), sound.cached, sound.as_of);
} else {
  const rejected: Rejected = answer;
  const first: Violation | undefined = rejected.violations[0];
  if (first?.code === "unknown_level") console.log(first.message);
}
const all: Answer[] = model.predictBatch([{ age: 1 }, {}], { asOf: 0 });
const results: Results = model.predictColumns({ age: new Float64Array(2), region: { codes: Uint8Array.of(0, 0), dictionary: ["EU"] }, member: [true, null] }, { out: { class_index: new Int32Array(2) }, onProgress: ({ rows }) => console.log(rows) });
console.log(results.probability[1], results.violations[0]?.row, model.predictMatrix(new Float64Array(7), 1, { asOf: 0 }).rejected);
const pooled: Promise<Results> = model.predictColumns({ age: [39] }, { workers: 2, signal: new AbortController().signal });
console.log((await pooled).rows, (await model.predictColumns({ age: [39] }, { workers: true })).rows);
const chosen: ColumnsOptions = { asOf: 0 };
const either: Results | Promise<Results> = model.predictColumns({ age: [39] }, chosen);
console.log((await either).rows);
const schema: Schema = model.schema;
for (const field of schema.fields) console.log(field.name, field.levels?.length, field.observed?.typical);
const { status, reason } = model.health();
console.log(status === "degraded", reason, model.report().cache.hits, model.report().rejected.missing, all.length);
{
  using scoped = await load("model.hedge");
  console.log(scoped.schema.classes);
}
model.free();

// The types that `hedgerow types` writes for one model.
const typed = await load<Input, Output>("demo.hedge");
const typedAnswer = typed.predict({ age: 39, region: "EU" });
if (typedAnswer.status === "ok") {
  const label: "high" | "low" | "mid" = typedAnswer.prediction;
  const p: number = typedAnswer.probability.high;
  console.log(label, p);
}

// A binding brings the types along.
const bound = await load("demo.hedge", { bind, cache: false });
const boundAnswer = bound.predict({ age: 39, region: "EU" });
if (boundAnswer.status === "ok") console.log(boundAnswer.probability.high);
// @ts-expect-error: a level that the model does not have
bound.predict({ age: 39, region: "Mars" });
// @ts-expect-error: no binding
await load("demo.hedge", { bind: "demo.bind.js" });

// @ts-expect-error: an option that does not exist
await load("model.hedge", { cash: false });
// @ts-expect-error: no source
await load(42);
// @ts-expect-error: a level that the model does not have
typed.predict({ age: 39, region: "Mars" });
typed.predictColumns({ age: [39], region: ["EU"] });
// @ts-expect-error: no such column
typed.predictColumns({ aeg: [39] });
// @ts-expect-error: a required field is not there
typed.predict({ age: 39 });
// @ts-expect-error: no such label
console.log(typedAnswer.status === "ok" && typedAnswer.probability.none);
// @ts-expect-error: the schema is not for writing
schema.fields[0].required = false;
// @ts-expect-error: an answer is checked for its status first
console.log(answer.confidence);
