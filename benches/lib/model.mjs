// A model's folder as train.py and prepare.mjs leave it.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { models } from "./places.mjs";

/** Rows that single predictions cycle over: branchy code learns a hundred that are repeated. */
export const SINGLE = 2048;

export function doubles(path) {
  const bytes = readFileSync(path);
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

/** `expected` names the file of the answers that a contender is held to. */
export function open(name) {
  const folder = join(models, name);
  const path = (file) => join(folder, file);
  const meta = JSON.parse(readFileSync(path("meta.json"), "utf8"));
  return {
    ...meta,
    folder,
    path,
    has: (file) => existsSync(path(file)),
    bytes: (file) => new Uint8Array(readFileSync(path(file))),
    text: (file) => readFileSync(path(file), "utf8"),
    width: meta.classes.length,
    rows: () => doubles(path("rows.f64")),
    expected: (file) => doubles(path(file)),
  };
}

/** The first `n` rows as objects, as they come from JSON. */
export function records(model, rows, n) {
  const { names } = model;
  return JSON.parse(JSON.stringify(Array.from({ length: n }, (_, i) => Object.fromEntries(names.map((name, j) => [name, rows[i * names.length + j]])))));
}

/** A function of a record and an array that fills the array, with literal names: the fastest way for a peer to read an object. */
export function filler(names) {
  return new Function("o", "a", `${names.map((name, j) => `a[${j}] = o[${JSON.stringify(name)}];`).join(" ")} return a;`);
}

/** Rows `from .. from + n` as 32-bit floats, row by row. */
export function singles(model, rows, from, n) {
  const d = model.features;
  return Float32Array.from(rows.subarray(from * d, (from + n) * d));
}
