// Ours, as published: the package's own entry for Node.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ours } from "../lib/places.mjs";

export const expected = "native.f64";
/** The same bits as the native binary. */
export const tolerance = 0;

export async function open(model, { bytes = model.bytes("model.hedge"), options = { cache: false } } = {}) {
  const { load } = await import(pathToFileURL(join(ours, "node.js")));
  const engine = await load(bytes, options);
  // As a program reads an answer: by names that it knows.
  const read = new Function("p", "out", "at", engine.schema.classes.map((label, c) => `out[at + ${c}] = p[${JSON.stringify(label)}];`).join(" "));
  return {
    one(record, out, at) {
      read(engine.predict(record).probability, out, at);
    },
    /** The same; whether the answer was remembered. */
    remembered(record, out, at) {
      const { probability, cached } = engine.predict(record);
      read(probability, out, at);
      return cached;
    },
    batch: typeof engine.predictColumns === "function" ? (rows, from, n) => columns(engine, model, rows, from, n) : null,
    close: () => engine.free(),
  };
}

/** Doubles by columns, answered into arrays of the caller's. */
function columns(engine, model, rows, from, n) {
  const d = model.features;
  const input = Object.fromEntries(model.names.map((name, j) => [name, Float64Array.from({ length: n }, (_, i) => rows[(from + i) * d + j])]));
  const out = { class_index: new Int32Array(n), probability: new Float64Array(n * model.width) };
  return () => {
    engine.predictColumns(input, { out });
    return out.probability;
  };
}
