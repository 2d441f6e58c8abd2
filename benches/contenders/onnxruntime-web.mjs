// onnxruntime-web in Node: its WebAssembly backend, one thread.
import { filler, singles } from "../lib/model.mjs";
import { peer } from "../lib/places.mjs";

export const expected = "expected.f64";
export const tolerance = 1e-5;
const OUTPUT = "probabilities";

export async function open(model, { bytes = model.bytes("model.onnx") } = {}) {
  const ort = await peer("onnxruntime-web/dist/ort.node.min.mjs");
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  return session(ort, await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] }), model);
}

/** The same calls for both of its packages. */
export function session(ort, session, model) {
  const [name] = session.inputNames;
  const { width, features } = model;
  const fill = filler(model.names);
  return {
    asynchronous: true,
    async one(record, out, at) {
      const input = new ort.Tensor("float32", fill(record, new Float32Array(features)), [1, features]);
      const { [OUTPUT]: answer } = await session.run({ [name]: input }, [OUTPUT]);
      for (let c = 0; c < width; c++) out[at + c] = answer.data[c];
    },
    batch(rows, from, n) {
      const input = new ort.Tensor("float32", singles(model, rows, from, n), [n, features]);
      return async () => (await session.run({ [name]: input }, [OUTPUT]))[OUTPUT].data;
    },
    close: () => session.release(),
  };
}
