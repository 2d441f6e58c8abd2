// A few assertions for hosts that have none.

/** Throws unless both show the same. */
export function same(actual, expected, what = "value") {
  const a = show(actual);
  const b = show(expected);
  if (a !== b) throw new Error(`${short(what)}: expected ${short(b)}, got ${short(a)}`);
}

export function ok(condition, what) {
  if (!condition) throw new Error(what);
}

/** The error that `work` throws; its message must match. */
export async function fails(work, pattern, kind = Error) {
  let error;
  try {
    await work();
  } catch (thrown) {
    error = thrown;
  }
  if (error === undefined) throw new Error(`nothing was thrown, expected ${pattern}`);
  if (!(error instanceof kind)) throw new Error(`a ${error?.constructor?.name} was thrown, expected a ${kind.name}: ${error}`);
  if (!pattern.test(error.message)) throw new Error(`expected ${pattern}, thrown was: ${error.message}`);
  return error;
}

/** The bits of a number, in hex. */
export function bits(number) {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, number);
  return view.getBigUint64(0).toString(16).padStart(16, "0");
}

/** Numbers in 0..1 that a seed repeats (mulberry32). */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function short(text) {
  return text.length > 1000 ? `${text.slice(0, 1000)}… (${text.length} characters)` : text;
}

function show(value) {
  return JSON.stringify(value, (_, v) => (typeof v === "number" && !Number.isFinite(v) ? `number ${v}` : typeof v === "bigint" ? `bigint ${v}` : v === undefined ? "undefined" : v));
}
