// The straight-line reader of one model: JavaScript with its fields' names and its labels as literals, some ten times as fast as a
// loop over names. Made at run time where the host allows that, or ahead of it by `hedgerow bind`, whose text is this one to the
// letter (src/cli/bind.rs writes it, tests/web/bind.test.mjs compares).
//
//     read(r, t, o)   reads each field of record `r` once, then writes the slots to `t.view` from `o` on, and gives back true. Where a
//                     value is no slot: all values, for the engine's own check. Where `r` is no plain object: false, nothing read.
//     answer(k, p, o, cached, as_of, timestamp)   an answer from the class index and the probabilities in `p` from `o` on.
//
// Everything of the record's (getters, a Proxy) runs before the first slot is written. What a name gives counts unless it is
// inherited from Object.prototype: the same rule as valuesOf in fields.js.

/** Of what a binding is written in; changes when `read` or `answer` do. */
export const FORMAT = 1;

/** Models with more than these get no reader at run time: what compiling it costs grows with them. */
const MAX_FIELDS = 500;
const MAX_CLASSES = 200;

/** The reader and the builder of answers of a model, or null where the host makes no functions from text. */
export function madeReader(schema) {
  if (schema.fields.length > MAX_FIELDS || schema.classes.length > MAX_CLASSES) return null;
  try {
    return new Function(`"use strict";\n${source(schema)}return { read, answer };`)();
  } catch {
    return null;
  }
}

/** The text of both functions. */
export function source({ name, version, id, classes, threshold, fields }) {
  let text = "const P = Object.prototype, own = P.hasOwnProperty, proto = Object.getPrototypeOf;\n";
  text += "function read(r, t, o) {\n  const p = proto(r);\n  if (p !== P && p !== null) return false;\n";
  fields.forEach((field, i) => {
    const key = literal(field.name);
    text += `  let v${i} = r[${key}]; if (v${i} !== undefined && ${key} in P && !own.call(r, ${key})) v${i} = undefined;\n`;
  });
  fields.forEach(({ kind }, i) => {
    if (kind === "time") text += `  const n${i} = t.time(v${i});\n`;
  });
  text += "  const l = t.levels;\n  let s = t.view, n;\n  if (s.length === 0) s = t.fresh();\n  plain: {\n";
  fields.forEach((field, i) => {
    text += `    ${check(field, i)}break plain;\n`;
  });
  text += `    return true;\n  }\n  return [${fields.map((_, i) => `v${i}`).join(", ")}];\n}\n`;
  text += `const L = [${classes.map(literal).join(", ")}];\n`;
  text += "function answer(k, p, o, cached, as_of, timestamp) {\n";
  const probability = classes.map((label, k) => `${label === "__proto__" ? '["__proto__"]' : literal(label)}: p[o + ${k}]`);
  text += `  return { status: "ok", prediction: L[k], class_index: k, probability: { ${probability.join(", ")} }, confidence: p[o + k], ${threshold === undefined ? "" : `threshold: ${threshold}, `}`;
  text += `model: ${literal(name)}, model_version: ${literal(version)}, model_id: ${literal(id)}, as_of, timestamp, cached };\n}\n`;
  return text;
}

/** The statement that writes one slot, up to its `else`. */
function check({ kind, required, min, max }, i) {
  const v = `v${i}`;
  const slot = `s[o + ${i}]`;
  const missing = required ? "" : `if (${v} === undefined || ${v} === null${kind === "number" ? ` || ${v} !== ${v}` : ""}) ${slot} = NaN; else `;
  switch (kind) {
    case "number":
      return `if (typeof ${v} === "number" && ${v} >= ${min ?? "-1.7976931348623157e+308"} && ${v} <= ${max ?? "1.7976931348623157e+308"}) ${slot} = ${v} + 0; else ${missing}`;
    case "category":
      return `if ((n = l[${i}].get(${v})) !== undefined) ${slot} = n; else ${missing}`;
    case "flag":
      return `if (${v} === true || ${v} === 1) ${slot} = 1; else if (${v} === false || ${v} === 0) ${slot} = 0; else ${missing}`;
    default:
      return required ? `if (n${i} < Infinity) ${slot} = n${i}; else ` : `if (n${i} !== Infinity) ${slot} = n${i}; else `;
  }
}

/** A string as JavaScript writes it, in any version of it. */
function literal(text) {
  return JSON.stringify(text).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}
