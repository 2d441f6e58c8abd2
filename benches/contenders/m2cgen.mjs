// m2cgen: the model as JavaScript source, a function of an array. Reading the object is left to its user, who loops over names.
import { pathToFileURL } from "node:url";

export const expected = "expected.f64";
export const tolerance = 1e-5;

const looping = (names) => (record, values) => {
  for (let j = 0; j < names.length; j++) values[j] = record[names[j]];
  return values;
};

/** `reader`: of the names a function of a record and an array that fills the array. */
export async function open(model, { reader = looping } = {}) {
  const { default: score } = await import(pathToFileURL(model.path("model.mjs")));
  const fill = reader(model.names);
  const { width, features } = model;
  return {
    one(record, out, at) {
      const answer = score(fill(record, new Array(features)));
      for (let c = 0; c < width; c++) out[at + c] = answer[c];
    },
    batch(rows, from, n) {
      const input = Array.from({ length: n }, (_, i) => Array.from(rows.subarray((from + i) * features, (from + i + 1) * features)));
      const out = new Float64Array(n * width);
      return () => {
        for (let i = 0; i < n; i++) {
          const answer = score(input[i]);
          for (let c = 0; c < width; c++) out[i * width + c] = answer[c];
        }
        return out;
      };
    },
    close() {},
  };
}
