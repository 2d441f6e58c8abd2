// TensorFlow.js with its CPU backend, as the package is: dense layers only.
import { filler } from "../lib/model.mjs";
import { require } from "../lib/places.mjs";

export const expected = "expected.f64";
export const tolerance = 1e-5;

export async function open(model) {
  const layers = JSON.parse(model.text("net.json"));
  const { mean, scale } = JSON.parse(model.text("scaler.json"));
  // It advises, in so many words, to install another package.
  const { log, warn } = console;
  console.log = console.warn = () => {};
  const tf = require("@tensorflow/tfjs");
  await tf.setBackend("cpu");
  await tf.ready();
  Object.assign(console, { log, warn });
  const { features } = model;
  const net = tf.sequential({
    layers: layers.map(({ bias }, k) => tf.layers.dense({ units: bias.length, activation: k === layers.length - 1 ? "sigmoid" : "relu", ...(k === 0 ? { inputShape: [features] } : {}) })),
  });
  net.layers.forEach((layer, k) => layer.setWeights([tf.tensor2d(layers[k].weights), tf.tensor1d(layers[k].bias)]));
  const fill = filler(model.names);
  const ask = (values, n) => tf.tidy(() => net.predict(tf.tensor2d(values, [n, features]), { batchSize: n }).dataSync());
  const scaled = (values, n) => {
    for (let i = 0; i < n; i++) for (let j = 0; j < features; j++) values[i * features + j] = (values[i * features + j] - mean[j]) / scale[j];
    return values;
  };
  return {
    one(record, out, at) {
      const [p] = ask(Float32Array.from(scaled(fill(record, new Float64Array(features)), 1)), 1);
      out[at] = 1 - p;
      out[at + 1] = p;
    },
    batch(rows, from, n) {
      const input = Float32Array.from(scaled(rows.slice(from * features, (from + n) * features), n));
      const out = new Float64Array(2 * n);
      return () => {
        const answer = ask(input, n);
        for (let i = 0; i < n; i++) {
          out[2 * i] = 1 - answer[i];
          out[2 * i + 1] = answer[i];
        }
        return out;
      };
    },
    close: () => net.dispose(),
  };
}
