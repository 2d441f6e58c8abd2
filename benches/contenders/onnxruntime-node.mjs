// onnxruntime-node: native code behind a Node addon, one thread.
import { require } from "../lib/places.mjs";
import { session } from "./onnxruntime-web.mjs";

export { expected, tolerance } from "./onnxruntime-web.mjs";

export async function open(model, { bytes = model.bytes("model.onnx") } = {}) {
  const ort = require("onnxruntime-node");
  return session(ort, await ort.InferenceSession.create(bytes, { executionProviders: ["cpu"], intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: "sequential" }), model);
}
