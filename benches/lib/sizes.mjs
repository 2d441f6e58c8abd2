// What is downloaded: runtimes and models, in bytes as they are, with gzip -9 and, runtimes, with brotli.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { open } from "./model.mjs";
import { ours, work } from "./places.mjs";

const installed = (name) => join(work, "node_modules", name);
/** The files that a page needs besides the model. */
const RUNTIMES = {
  "onnxruntime-web": ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"].map((name) => installed(`onnxruntime-web/dist/${name}`)),
  "ydf-inference": ["ydf-inference/dist/inference.js", "ydf-inference/dist/inference.wasm", "jszip/dist/jszip.min.js"].map(installed),
  "@tensorflow/tfjs": ["@tensorflow/tfjs/dist/tf.min.js"].map(installed),
  "libsvm-js": ["libsvm-js/dist/browser/wasm/libsvm.js", "libsvm-js/dist/browser/wasm/libsvm.wasm"].map(installed),
};
/** Ours: the engine, and what the entry for browsers imports at once. */
export function downloaded() {
  const seen = new Set(["browser.js"]);
  for (const name of seen) for (const [, other] of readFileSync(join(ours, name), "utf8").matchAll(/\b(?:from|import)\s*"\.\/([\w-]+\.js)"/g)) seen.add(other);
  return ["hedgerow_bg.wasm", ...seen].map((name) => join(ours, name));
}

/** The forms of a model, by their columns. */
const FORMS = { hedge: "model.hedge", onnx: "model.onnx", m2cgen: "model.mjs", ydf: "model.zip" };

export function sizes(models) {
  const runtimes = {};
  for (const [name, files] of Object.entries({ hedgerow: downloaded(), ...RUNTIMES })) {
    const parts = files.map((file) => readFileSync(file));
    runtimes[name] = { ...total(parts), brotli: brotli(parts) };
  }
  const artifacts = {};
  for (const name of models) {
    const model = open(name);
    artifacts[name] = { nodes: model.nodes, ydf_nodes: model.ydf_nodes };
    for (const [form, file] of Object.entries(FORMS)) if (model.has(file)) artifacts[name][form] = total([Buffer.from(model.bytes(file))]);
  }
  return { runtimes, artifacts };
}

const sum = (parts, size) => parts.reduce((total, part) => total + size(part), 0);

/** Each file compressed by itself, as servers do. */
const total = (parts) => ({ raw: sum(parts, (b) => b.length), gzip: sum(parts, (b) => gzipSync(b, { level: 9 }).length) });

function brotli(parts) {
  // The highest quality takes a minute for ten megabytes; what it would still win there changes nothing.
  const quality = (b) => (b.length > 2_000_000 ? 9 : 11);
  return sum(parts, (b) => brotliCompressSync(b, { params: { [constants.BROTLI_PARAM_QUALITY]: quality(b), [constants.BROTLI_PARAM_SIZE_HINT]: b.length } }).length);
}
