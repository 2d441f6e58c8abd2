// libsvm-js: LIBSVM 3.22 in WebAssembly.
import { filler } from "../lib/model.mjs";
import { require } from "../lib/places.mjs";

export const expected = "expected.f64";
export const tolerance = 1e-5;

export async function open(model, { bytes = model.text("model.svm") } = {}) {
  const { mean, scale } = JSON.parse(model.text("scaler.json"));
  const SVM = await require("libsvm-js");
  const svm = SVM.load(bytes);
  const { features, width } = model;
  const fill = filler(model.names);
  const scaled = (values) => {
    for (let j = 0; j < features; j++) values[j] = (values[j] - mean[j]) / scale[j];
    return values;
  };
  const read = ({ estimates }, out, at) => {
    for (let c = 0; c < width; c++) out[at + estimates[c].label] = estimates[c].probability;
  };
  return {
    one(record, out, at) {
      read(svm.predictOneProbability(scaled(fill(record, new Array(features)))), out, at);
    },
    batch(rows, from, n) {
      const input = Array.from({ length: n }, (_, i) => scaled(Array.from(rows.subarray((from + i) * features, (from + i + 1) * features))));
      const out = new Float64Array(n * width);
      return () => {
        svm.predictProbability(input).forEach((answer, i) => read(answer, out, i * width));
        return out;
      };
    },
    close: () => svm.free(),
  };
}
