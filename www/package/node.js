// The entry for Node, Deno and Bun: the engine is the file beside this one, and a string may be a path.
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { compiled, loadWith, MAX_SOURCE, tooLong } from "./load.js";

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
  async spawn() {
    const { Worker } = await import("node:worker_threads");
    const worker = new Worker(new URL("./node-worker.js", import.meta.url));
    // Without work it keeps no program from ending.
    worker.unref();
    return {
      post: (message, transfer) => worker.postMessage(message, transfer),
      listen(take, failed) {
        worker.on("message", take);
        worker.on("error", failed);
        worker.on("messageerror", failed);
        worker.on("exit", (code) => failed(new Error(`a worker ended with ${code}`)));
      },
      keep: (on) => (on ? worker.ref() : worker.unref()),
      end: () => worker.terminate(),
    };
  },
};

// Node 20 has no navigator to ask.
host.spawn.processors = async () => (await import("node:os")).availableParallelism();

async function open(source) {
  // Two letters at least: `c:\model.hedge` is a path.
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(String(source))?.[1].toLowerCase();
  if (source instanceof URL ? source.protocol === "file:" : scheme === undefined || scheme === "file") {
    return file(scheme === "file" ? new URL(source) : source);
  }
  return fetch(source);
}

async function file(path) {
  const info = await stat(path);
  if (info.size > MAX_SOURCE) throw tooLong(path);
  // A pipe or a device has no size to ask for: as a stream it is read no further than the limit.
  return info.isFile() ? readFile(path) : new Response(Readable.toWeb(createReadStream(path)));
}

export function load(source, options) {
  return loadWith(host, source, options);
}
