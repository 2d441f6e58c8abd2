// The entry for browsers, with and without a bundler: the engine is fetched from beside this file.
import { compiled, loadWith } from "./load.js";

let engine;

const host = {
  engine(wasm) {
    if (wasm !== undefined) return compiled(wasm, open);
    engine ??= compiled(new URL("./hedgerow_bg.wasm", import.meta.url), open);
    // A failure is not kept: the next load tries again.
    engine.catch(() => (engine = undefined));
    return engine;
  },
  open,
  spawn() {
    const worker = new Worker(new URL("./browser-worker.js", import.meta.url), { type: "module" });
    return {
      post: (message, transfer) => worker.postMessage(message, transfer),
      listen(take, failed) {
        worker.addEventListener("message", ({ data }) => take(data));
        worker.addEventListener("error", (event) => failed(new Error(`a worker failed: ${event.message ?? "it did not start"}`)));
        worker.addEventListener("messageerror", () => failed(new Error("a worker's message cannot be read")));
      },
      keep() {},
      end: () => worker.terminate(),
    };
  },
};

function open(source) {
  return fetch(source);
}

export function load(source, options) {
  return loadWith(host, source, options);
}
