// What a value is to a field. Either a slot, which is what the engine works on: a number in range, a level's index, 0 or 1 for a
// flag, seconds for a time, NaN for a missing value that may be missing. Or `ODD`: a cell for the engine's own check, by its type.
// Tests hold the two ways equal.

/** No slot is infinite. Among many rows the engine leaves one with such a slot unanswered. */
export const ODD = Infinity;

/** The type of a cell; src/wasm.rs has the same list. */
export const TAG = { SLOT: 0, MISSING: 1, NUMBER: 2, FLAG: 3, TIME: 4, TEXT: 5, RAW: 6, ARRAY: 7, OBJECT: 8, BIGINT: 9, SYMBOL: 10, FUNCTION: 11, LONG: 12 };

/** The instants that there are, in milliseconds: 0001-01-01 to 9999-12-31. */
export const MIN_TIME = -62_135_596_800_000;
export const MAX_TIME = 253_402_300_799_999;

/**
 * Most UTF-16 units of one text that the engine sees. No level and no time is as long, and messages show less of it; a number
 * may be written longer, and is refused as any longer text is: what is cut must not read as another value.
 */
const MAX_TEXT = 4096;

const KEYS = Object.prototype;
const hasOwn = KEYS.hasOwnProperty;
const protoOf = Object.getPrototypeOf;
const dateValue = Date.prototype.getTime;

/** A number as text: what the engine reads as one, with ASCII spaces around it. */
const DECIMAL = /^[ \t\n\f\r]*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[ \t\n\f\r]*$/;
/** The spellings of a flag in text that need no second look. */
const FLAGS = new Map([["true", 1], ["false", 0], ["1", 1], ["0", 0], ["yes", 1], ["no", 0], ["True", 1], ["False", 0]]);

/** What reading a field needs. */
export function planOf(field) {
  return {
    name: field.name,
    kind: field.kind,
    required: field.required,
    min: field.min ?? -Number.MAX_VALUE,
    max: field.max ?? Number.MAX_VALUE,
    levels: field.kind === "category" ? levelsOf(field.levels) : null,
    /** The slot of an unknown level. */
    unknown: field.unknown === "admit" ? field.levels.length : ODD,
    /** The slot of a missing value. */
    missing: field.required ? ODD : NaN,
  };
}

/** Levels to their indices, and the numbers that they read as; of several levels that are one number the first. */
function levelsOf(levels) {
  const map = new Map(levels.map((level, index) => [level, index]));
  levels.forEach((level, index) => {
    const number = DECIMAL.test(level) ? Number(level) : NaN;
    if (Number.isFinite(number) && !map.has(number)) map.set(number, index);
  });
  return map;
}

/**
 * What the record holds for each field, read once each. A field is an own property of the record; what a Proxy without a
 * prototype of its own says that it has counts as its own.
 */
export function valuesOf(plan, record, values) {
  const proto = protoOf(record);
  const plain = proto === KEYS || proto === null;
  for (let i = 0; i < plan.length; i++) {
    const { name } = plan[i];
    if (!plain) values[i] = hasOwn.call(record, name) ? record[name] : undefined;
    else {
      const value = record[name];
      values[i] = value !== undefined && name in KEYS && !hasOwn.call(record, name) ? undefined : value;
    }
  }
  return values;
}

/** The slot of a value, or ODD. `raw`: a string is untyped text. `instants`: reads the texts of times. */
export function slotOf(field, value, raw, instants) {
  if (value === undefined || value === null) return field.missing;
  switch (field.kind) {
    case "number":
      if (typeof value === "string" && raw && value.length <= MAX_TEXT && DECIMAL.test(value)) value = Number(value);
      if (typeof value !== "number") return ODD;
      if (value >= field.min && value <= field.max) return value + 0;
      return value !== value ? field.missing : ODD;
    case "category": {
      const level = field.levels.get(value);
      if (level !== undefined) return level;
      if (value !== value) return field.missing;
      // A lone surrogate is another character once it is in the engine, which may be a level's.
      const stranger = typeof value === "string" ? !raw && trimmed(value) !== "" && !/\p{Surrogate}/u.test(value) : typeof value === "number" && Number.isFinite(value);
      return stranger ? field.unknown : ODD;
    }
    case "flag":
      if (value === true || value === 1) return 1;
      if (value === false || value === 0) return 0;
      return (raw ? FLAGS.get(value) : undefined) ?? ODD;
    default: {
      const seconds = secondsOf(value, instants);
      return seconds !== seconds ? field.missing : seconds;
    }
  }
}

/** The seconds since 1970 that a value of a time field names, NaN where it is missing, or ODD. */
export function secondsOf(value, instants) {
  let ms;
  if (typeof value === "number") ms = Math.trunc(value);
  else if (typeof value === "string") return instants.seconds(value);
  else if (value === undefined || value === null) return NaN;
  else if (typeof value === "object") ms = millisOf(value) ?? Infinity;
  else return ODD;
  if (ms >= MIN_TIME && ms <= MAX_TIME) return ms / 1000 + 0;
  return ms !== ms || typeof value === "number" && !Number.isFinite(value) ? NaN : ODD;
}

/** A value as a tag and what it carries. */
export function cellOf(value, raw) {
  switch (typeof value) {
    case "undefined":
      return [TAG.MISSING, null];
    case "number":
      return [TAG.NUMBER, value];
    case "boolean":
      return [TAG.FLAG, value ? 1 : 0];
    case "string":
      if (value.length > MAX_TEXT) value = shortened(value, raw);
      return [raw ? TAG.RAW : TAG.TEXT, value];
    case "bigint":
      return [TAG.BIGINT, null];
    case "symbol":
      return [TAG.SYMBOL, null];
    case "function":
      return [TAG.FUNCTION, null];
  }
  if (value === null) return [TAG.MISSING, null];
  if (Array.isArray(value)) return [TAG.ARRAY, null];
  const ms = millisOf(value);
  return ms === undefined ? [TAG.OBJECT, null] : [TAG.TIME, ms / 1000];
}

/** A long text as the engine sees it: without the space around it where that does not count, and no value once it is cut. */
function shortened(text, raw) {
  const inner = trimmed(text);
  if (inner === "") return "";
  const whole = raw ? inner : text;
  return whole.length > MAX_TEXT ? `${whole.slice(0, MAX_TEXT)}…` : whole;
}

/** Without ASCII white space at both ends, which is what the engine trims; in one pass, however long. */
function trimmed(text) {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start += 1;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isSpace(unit) {
  return unit === 32 || unit === 9 || unit === 10 || unit === 12 || unit === 13;
}

/** A Date's milliseconds (NaN for an invalid one), of any realm; undefined for anything else. */
export function millisOf(value) {
  try {
    return dateValue.call(value);
  } catch {
    return undefined;
  }
}

export function typeName(value) {
  return value === null ? "null" : Array.isArray(value) ? "an array" : typeof value === "object" ? "an object" : `a ${typeof value}`;
}
