// What the engine's wasm consists of: reads the names that the build leaves in build/wasm, and adds up functions and constants by room
// and crate.
import { gzipSync } from "node:zlib";

/** Sections of a wasm file that are looked into. */
const CUSTOM = 0;
const IMPORT = 2;
const CODE = 10;
const DATA = 11;
const FUNCTION_NAMES = 1;

/**
 * What stands for a part of the whole: the first pattern that a function's name has. Generic code of a crate that is compiled for a type
 * of ours counts as that room's where its name says so.
 */
const PARTS = [
  [/\bhedgerow::(model::[a-z]\w*)::/, null],
  [/\bhedgerow::(model)\b/, null],
  [/\bhedgerow::(\w+)/, null],
  [/\bhashbrown::|LocalKey/, "serde_wasm_bindgen"],
  [/\bcore::slice::sort\b/, "std: sorting"],
  [/\bcore::num::(imp::)?(dec2flt|flt2dec)\b|\bcore::num::.*from_str|fmt::float|float_to_/, "std: floats as text"],
  [/\b(core|std)::(panicking|panic)\b|\bstd::sys::backtrace|rust_panic|begin_panic/, "std: panics"],
  [/\bcore::fmt\b|fmt::num|::fmt\b|alloc::fmt/, "std: formatting"],
  [/\bcore::unicode\b|\bcore::str\b|char::methods/, "std: text"],
  [/\b(alloc|core|std)::/, "std: other"],
  [/\bdlmalloc\b|__rust_(alloc|dealloc|realloc)|__rdl_|\btalc\b/, "allocator"],
  [/\b(wasm_bindgen|js_sys|__wbindgen|__externref|__wbg)/, "wasm_bindgen"],
  [/^runtime_|^(session|block|columns)_/, "wasm"],
  [/\b(bincode|serde_wasm_bindgen|serde_core|serde|sha2|libm|ndarray|digest)\b/, null],
  [/^mem(cpy|set|cmp|move)|compiler_builtins/, "compiler_builtins"],
];

/** The functions of a module with their names, its constants, and the module without its custom sections. */
export function read(bytes) {
  const functions = [];
  const kept = [bytes.subarray(0, 8)];
  let data = bytes.subarray(0, 0);
  let imported = 0;
  let names = new Map();
  const all = reader(bytes, 8);
  while (all.at < bytes.length) {
    const start = all.at;
    const id = all.byte();
    const size = all.number();
    const section = reader(bytes, all.at, all.at + size);
    all.at += size;
    const name = id === CUSTOM ? section.text() : null;
    if (name === "name") names = functionNames(section);
    else if (id !== CUSTOM) kept.push(bytes.subarray(start, all.at));
    if (id === IMPORT) imported = functionImports(section);
    if (id === DATA) data = bytes.subarray(section.at, all.at);
    if (id === CODE) {
      for (let n = section.number(); n > 0; n--) {
        const length = section.number();
        functions.push({ bytes: bytes.subarray(section.at, section.at + length) });
        section.at += length;
      }
    }
  }
  functions.forEach((f, i) => (f.name = names.get(imported + i) ?? "(no name)"));
  return { functions, data, stripped: Buffer.concat(kept) };
}

/** Raw and estimated gzipped bytes per part, largest first. A part's gzipped bytes are its own, scaled so that they add up to the whole. */
export function parts({ functions, data, stripped }) {
  const groups = new Map([["constants", [data]]]);
  for (const f of functions) {
    const part = partOf(f.name);
    if (!groups.has(part)) groups.set(part, []);
    groups.get(part).push(f.bytes);
  }
  const rows = [...groups].map(([part, chunks]) => {
    const whole = Buffer.concat(chunks);
    return [part, { raw: whole.length, gzip: gzipSync(whole, { level: 9 }).length }];
  });
  const scale = gzipSync(stripped, { level: 9 }).length / rows.reduce((sum, [, size]) => sum + size.gzip, 0);
  for (const [, size] of rows) size.gzip = Math.round(size.gzip * scale);
  return new Map(rows.sort(([, a], [, b]) => b.raw - a.raw));
}

/** What of `measured` is more than `budget` has for it, as texts. A part of less than a kilobyte needs no budget. */
export function over(measured, budget) {
  const most = (part) => budget[part] ?? 1000;
  return Object.entries(measured)
    .filter(([part, size]) => size > most(part))
    .map(([part, size]) => `${part} takes ${size} bytes gzipped, ${size - most(part)} more than the ${most(part)} it may`);
}

function partOf(name) {
  // The standard library's crates carry a hash.
  const plain = name.replace(/\[[0-9a-f]{16}\]/g, "");
  for (const [pattern, part] of PARTS) {
    const match = pattern.exec(plain);
    if (match) return part ?? match[1];
  }
  return "other";
}

function functionImports(section) {
  let functions = 0;
  for (let n = section.number(); n > 0; n--) {
    section.text();
    section.text();
    const kind = section.byte();
    if (kind === 0) {
      functions += 1;
      section.number();
    } else if (kind === 1 || kind === 2) {
      if (kind === 1) section.byte();
      const limits = section.byte();
      section.number();
      if (limits & 1) section.number();
    } else {
      section.byte();
      section.byte();
    }
  }
  return functions;
}

function functionNames(section) {
  const names = new Map();
  while (section.at < section.end) {
    const id = section.byte();
    const size = section.number();
    const next = section.at + size;
    if (id === FUNCTION_NAMES) for (let n = section.number(); n > 0; n--) names.set(section.number(), section.text());
    section.at = next;
  }
  return names;
}

/** Reads on from `at`: bytes, LEB128 numbers, texts. */
function reader(bytes, at, end = bytes.length) {
  return {
    at,
    end,
    byte() {
      return bytes[this.at++];
    },
    number() {
      let value = 0;
      for (let shift = 1; ; shift *= 128) {
        const b = bytes[this.at++];
        value += (b & 127) * shift;
        if (b < 128) return value;
      }
    },
    text() {
      const length = this.number();
      this.at += length;
      return Buffer.from(bytes.buffer, bytes.byteOffset + this.at - length, length).toString();
    },
  };
}
