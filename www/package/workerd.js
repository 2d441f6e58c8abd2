// The entry for Cloudflare Workers, which compile no wasm at run time: the engine is imported as a module.
import module from "./hedgerow_bg.wasm";
import { compiled, loadWith } from "./load.js";

const host = {
  engine: (wasm) => (wasm === undefined ? module : compiled(wasm, fetch)),
  open: (source) => fetch(source),
};

export function load(source, options) {
  return loadWith(host, source, options);
}
