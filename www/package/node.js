// The entry for Node, Deno and Bun: the engine is the file beside this one, and a string may be a path.
import { readFile } from "node:fs/promises";
import { compiled, loadWith } from "./load.js";

let engine;

const host = {
  engine(wasm) {
    if (wasm !== undefined) return compiled(wasm, open);
    engine ??= readFile(new URL("./hedgerow_bg.wasm", import.meta.url)).then((bytes) => WebAssembly.compile(bytes));
    // A failure is not kept: the next load tries again.
    engine.catch(() => (engine = undefined));
    return engine;
  },
  open,
};

async function open(source) {
  // Two letters at least: `c:\model.hedge` is a path.
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(String(source))?.[1].toLowerCase();
  if (source instanceof URL ? source.protocol === "file:" : scheme === undefined || scheme === "file") {
    return readFile(scheme === "file" ? new URL(source) : source);
  }
  return fetch(source);
}

export function load(source, options) {
  return loadWith(host, source, options);
}
