// From what a program has (bytes, a Response, a URL, a path) to a model. The host's entry file (node.js, workerd.js,
// browser.js) says how to get the compiled engine and how to open a string.
import { Model } from "./model.js";

/** Most bytes of a model; nothing is read further. */
export const MAX_SOURCE = 256 << 20;

/**
 * `host.engine(wasm)`: the compiled engine; `wasm` is the caller's own source of it, mostly undefined.
 * `host.open(text or URL)`: bytes or a Response.
 */
export async function loadWith(host, source, options) {
  const { fallback, cache, wasm, bind } = checked(options);
  // Both files and the engine are fetched at the same time.
  const [module, primary, spare] = await Promise.all([
    host.engine(wasm),
    settled(() => bytesOf(host, source, "the model")),
    fallback === undefined || fallback === null ? null : settled(() => bytesOf(host, fallback, "the fallback model")),
  ]);
  if (primary.error && !spare) throw primary.error;
  if (primary.error && spare.error) throw new Error(`${primary.error.message}; and ${spare.error.message}`, { cause: primary.error });
  const files = {
    primary: primary.error ? null : primary.bytes,
    // A fallback that cannot be read matters only where it is needed.
    fallback: spare && !spare.error ? spare.bytes : null,
    reason: primary.error ? primary.error.message : undefined,
    cache,
  };
  return new Model(module, files, bind, host.spawn);
}

/** The options of `load`, with unknown names refused. */
function checked(options) {
  if (options === undefined || options === null) options = {};
  if (typeof options !== "object") throw new TypeError("the options of load are an object like { cache: false }");
  const { fallback, cache, wasm, bind, ...rest } = options;
  const unknown = Object.keys(rest);
  if (unknown.length > 0) throw new TypeError(`unknown option ${JSON.stringify(unknown[0])} of load: there are fallback, cache, bind and wasm`);
  if (cache === undefined || cache === null || cache === true) return { fallback, cache: {}, wasm, bind };
  if (cache === false) return { fallback, cache: { entries: 0 }, wasm, bind };
  if (typeof cache !== "object") throw new TypeError("the option cache is false or an object like { entries: 1000, bytes: 4194304, ttl: 3600 }");
  const { entries, bytes, ttl, ...others } = cache;
  const other = Object.keys(others);
  if (other.length > 0) throw new TypeError(`unknown option ${JSON.stringify(other[0])} of cache: there are entries, bytes and ttl (seconds)`);
  const kept = {};
  for (const [name, value] of Object.entries({ entries, bytes, ttl })) {
    if (value === undefined) continue;
    const whole = name !== "ttl";
    if (typeof value !== "number" || !(value >= 0 && value <= 2 ** 31) || (whole && !Number.isInteger(value))) {
      throw new RangeError(`the option cache.${name} is ${String(value)}: it must be a ${whole ? "whole " : ""}number from 0 to 2147483648`);
    }
    kept[name] = value;
  }
  return { fallback, cache: kept, wasm, bind };
}

async function settled(work) {
  try {
    return { bytes: await work() };
  } catch (error) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }
}

/** The bytes of a source; a copy where the caller holds them, so that changing theirs changes nothing here. */
async function bytesOf(host, source, what) {
  source = await source;
  if (typeof source === "string" || source instanceof URL) source = await host.open(source);
  if (source instanceof ArrayBuffer) return capped(new Uint8Array(source), what).slice();
  if (ArrayBuffer.isView(source)) return capped(new Uint8Array(source.buffer, source.byteOffset, source.byteLength), what).slice();
  if (typeof Blob === "function" && source instanceof Blob) {
    if (source.size > MAX_SOURCE) throw tooLong(what);
    return new Uint8Array(await source.arrayBuffer());
  }
  if (typeof Response === "function" && source instanceof Response) return body(source, what);
  throw new TypeError(`${what} cannot be loaded from ${source === null ? "null" : typeof source}: give bytes (Uint8Array, ArrayBuffer), a Blob, a Response, a URL or, in Node, Deno and Bun, a path`);
}

/** A response's body, read no further than the limit. */
async function body(response, what) {
  if (!response.ok) throw new Error(`${what} was not found at ${response.url || "its address"}: HTTP status ${response.status}`);
  if (response.body === null) return new Uint8Array();
  const parts = [];
  let length = 0;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > MAX_SOURCE) {
      await reader.cancel();
      throw tooLong(what);
    }
    parts.push(value);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function capped(bytes, what) {
  if (bytes.length > MAX_SOURCE) throw tooLong(what);
  return bytes;
}

export function tooLong(what) {
  return new RangeError(`${what} is longer than ${MAX_SOURCE} bytes, the most that is read`);
}

/** A compiled engine from what the caller gave for it: a Module, bytes, a Response, or (through `open`) a URL. */
export async function compiled(wasm, open) {
  wasm = await wasm;
  if (wasm instanceof WebAssembly.Module) return wasm;
  if (typeof wasm === "string" || wasm instanceof URL) wasm = await open(wasm);
  if (wasm instanceof ArrayBuffer || ArrayBuffer.isView(wasm)) return WebAssembly.compile(wasm);
  if (typeof Response === "function" && wasm instanceof Response) {
    if (!wasm.ok) throw new Error(`the engine was not found at ${wasm.url}: HTTP status ${wasm.status}`);
    // Streaming wants the type application/wasm, which not every server of files sends.
    if (wasm.headers.get("content-type")?.startsWith("application/wasm")) return WebAssembly.compileStreaming(wasm);
    return WebAssembly.compile(await wasm.arrayBuffer());
  }
  throw new TypeError("the option wasm is a WebAssembly.Module, bytes, a Response or a URL of hedgerow_bg.wasm");
}
