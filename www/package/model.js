// The model as a JavaScript program sees it: reads records, enters wasm, builds answers.
//
// A record is read to its end before wasm is entered, because a getter or a Proxy may throw or call back. What each field
// holds is then one of two things: a slot (a finite number in range, a boolean, a known level, a missing value that may be
// missing), which is already what the engine works on, or a cell (anything else), which goes through the engine's own check
// by its type. Tests hold the two ways equal.
import { instantiate } from "./engine.js";

/** The type of a cell; src/wasm.rs has the same list. */
const TAG = { SLOT: 0, MISSING: 1, NUMBER: 2, FLAG: 3, TIME: 4, TEXT: 5, RAW: 6, ARRAY: 7, OBJECT: 8, BIGINT: 9, SYMBOL: 10, FUNCTION: 11, LONG: 12 };

/**
 * Most UTF-16 units of one text that the engine sees. No level and no time is as long, and messages show less of it; a number
 * may be written longer, and is refused as any longer text is: what is cut must not read as another value.
 */
const MAX_TEXT = 4096;
/** Most bytes of text in one record, at three for each UTF-16 unit; a text past that is a violation. */
const MAX_TEXTS = 16 << 20;
/** Most names that are no field reported for one record, and most UTF-16 units of each. */
const MAX_EXTRA = 100;
const MAX_NAME = 200;
/** Most records in one batch. */
const MAX_BATCH = 100_000;
/** The instants a call may name, in milliseconds: 0001-01-01 to 9999-12-31. */
const MIN_TIME = -62_135_596_800_000;
const MAX_TIME = 253_402_300_799_999;

const hasOwn = Object.prototype.hasOwnProperty;
const dateValue = Date.prototype.getTime;
const encoder = new TextEncoder();

/** For tests: the next call traps inside wasm. */
const TRAP = Symbol.for("hedgerow.test.trap");
/** For tests: every field goes through the engine's own check. */
const FULL = Symbol.for("hedgerow.test.full");

export class Model {
  #module;
  #source;
  #runtime = null;
  #memory;
  #slots;
  #marks;
  #out;
  #schema;
  #plan;
  #names;
  #labels;
  #identity;
  #scratch = [];
  #depth = 0;
  #restarts = 0;
  #freed = false;
  #trap = false;
  #full = false;

  /**
   * `module`: the compiled engine. `source`: what `Runtime` is made of: `primary` and `fallback` (bytes or null),
   * `reason` (why there is no primary) and `cache`; kept, because a new engine is made of it after a trap.
   */
  constructor(module, source) {
    this.#module = module;
    this.#source = source;
    this.#start();
    this.#schema = deepFreeze(this.#runtime.schema());
    const { name, version, id, classes, fields } = this.#schema;
    this.#identity = { model: name, model_version: version, model_id: id };
    this.#labels = classes;
    this.#plan = fields.map(planOf);
    this.#names = new Set(fields.map((field) => field.name));
  }

  get schema() {
    this.#alive();
    return this.#schema;
  }

  predict(record, options) {
    const call = this.#callOf(options);
    if (Array.isArray(record)) throw new TypeError("a record is an object with the model's fields: for an array of records call predictBatch");
    return this.#predict(record, call);
  }

  predictBatch(records, options) {
    const call = this.#callOf(options);
    if (!Array.isArray(records)) throw new TypeError(`predictBatch takes an array of records, not ${typeName(records)}`);
    if (records.length > MAX_BATCH) throw new RangeError(`a batch of ${records.length} records is over the limit of ${MAX_BATCH}: split it`);
    const answers = new Array(records.length);
    for (let i = 0; i < records.length; i++) {
      const record = records[i];
      if (typeof record !== "object" || record === null || Array.isArray(record)) throw new TypeError(`record ${i} of the batch is ${typeName(record)}: it must be an object with the model's fields`);
      answers[i] = this.#predict(record, call);
    }
    return answers;
  }

  health() {
    return this.#enter((runtime) => runtime.health());
  }

  report() {
    return { ...this.#enter((runtime) => runtime.report()), restarts: this.#restarts };
  }

  free() {
    this.#freed = true;
    const runtime = this.#runtime;
    this.#drop();
    this.#source = null;
    runtime?.free();
  }

  [TRAP]() {
    this.#trap = true;
  }

  [FULL](on) {
    this.#full = on;
  }

  #alive() {
    if (this.#freed) throw new Error("this model was freed: load it again");
  }

  /** Makes the engine, and the views through which records go in and answers come out. */
  #start() {
    const { Runtime, memory } = instantiate(this.#module);
    const { primary, fallback, reason, cache } = this.#source;
    this.#runtime = new Runtime(primary, fallback, reason, cache.entries, cache.bytes, cache.ttl);
    this.#memory = memory;
    this.#views();
  }

  /** Views die when wasm memory grows, silently: their length becomes 0. */
  #views() {
    const runtime = this.#runtime;
    const { buffer } = this.#memory;
    const fields = runtime.fields();
    this.#slots = new Float64Array(buffer, runtime.slots(), fields);
    this.#marks = new Uint32Array(buffer, runtime.marks(), 3 * fields);
    this.#out = new Float64Array(buffer, runtime.out(), runtime.out_len());
  }

  #drop() {
    this.#runtime = this.#memory = this.#slots = this.#marks = this.#out = null;
  }

  /**
   * Calls the engine. Nothing that runs in there throws on purpose, so whatever comes out is a trap: that instance may be in
   * any state and is dropped; the next call gets a new one.
   */
  #enter(work) {
    this.#alive();
    if (this.#runtime === null) this.#start();
    try {
      if (this.#trap) {
        this.#trap = false;
        this.#runtime.trap();
      }
      return work(this.#runtime);
    } catch (cause) {
      this.#drop();
      this.#restarts += 1;
      throw new Error(`the engine stopped (${cause?.message ?? cause}); the next call gets a new one`, { cause });
    }
  }

  /** What the options of a call mean: `asOf` in milliseconds, `now` likewise. */
  #callOf(options) {
    this.#alive();
    const now = Date.now();
    if (!(now >= MIN_TIME && now <= MAX_TIME)) throw new RangeError(`the host's clock says ${now}: it must be in the years 1 to 9999`);
    if (options === undefined || options === null) return { asOf: now, now, raw: false };
    if (typeof options !== "object") throw new TypeError(`the options of a prediction are an object like { asOf: "2026-01-02" }, not ${typeName(options)}`);
    const { asOf, raw } = options;
    return { asOf: asOf === undefined || asOf === null ? now : this.#instant(asOf), now, raw: raw === true };
  }

  #instant(asOf) {
    let ms;
    if (typeof asOf === "number") ms = Math.trunc(asOf);
    else if (typeof asOf === "string") ms = asOf.length > 64 ? NaN : this.#enter((runtime) => runtime.millis(asOf));
    else if (asOf instanceof Date) ms = dateValue.call(asOf);
    if (!(ms >= MIN_TIME && ms <= MAX_TIME)) {
      const shown = typeof asOf === "string" ? JSON.stringify(asOf.slice(0, 64)) : typeof asOf === "number" ? String(asOf) : typeName(asOf);
      throw new RangeError(`asOf is ${shown}: it must be a valid Date, an ISO 8601 text or epoch milliseconds, in the years 1 to 9999`);
    }
    return ms + 0;
  }

  #predict(record, call) {
    if (typeof record !== "object" || record === null) throw new TypeError(`a record is an object with the model's fields, not ${typeName(record)}`);
    // A getter may call this model again: each depth reads into its own slots.
    const depth = this.#depth;
    const slots = (this.#scratch[depth] ??= new Float64Array(this.#plan.length));
    this.#depth = depth + 1;
    let cells;
    let extra;
    try {
      cells = this.#read(record, slots, call.raw);
      // Asked where such names are refused, and to say what a missing field may have been called instead.
      extra = this.#schema.extra === "reject" || (cells !== null && this.#lacks(cells)) ? this.#extra(record) : null;
    } finally {
      this.#depth = depth;
    }
    this.#alive();
    return this.#enter((runtime) => {
      if (this.#slots.length !== slots.length) this.#views();
      this.#slots.set(slots);
      if (cells !== null) this.#write(runtime, cells);
      if (extra !== null) for (const name of extra) runtime.extra(name);
      const status = runtime.run(call.asOf / 1000, call.now / 1000, cells !== null || extra !== null);
      if (this.#out.length === 0) this.#views();
      if (status === 1) return this.#prediction(call);
      return { status: "rejected", violations: runtime.violations(), ...this.#identity, timestamp: iso(call.now) };
    });
  }

  /** Reads every field once: slots where the value is already one, and the rest as cells (field, tag, value), or null. */
  #read(record, slots, raw) {
    const plan = this.#plan;
    let cells = null;
    for (let i = 0; i < plan.length; i++) {
      const field = plan[i];
      const value = hasOwn.call(record, field.name) ? record[field.name] : undefined;
      if (!this.#full) {
        switch (field.kind) {
          case "number":
            if (typeof value === "number" && value >= field.min && value <= field.max) {
              slots[i] = value + 0;
              continue;
            }
            break;
          case "category":
            if (typeof value === "string" && !raw) {
              const level = field.levels.get(value);
              if (level !== undefined) {
                slots[i] = level;
                continue;
              }
            }
            break;
          case "flag":
            if (typeof value === "boolean") {
              slots[i] = value ? 1 : 0;
              continue;
            }
            break;
        }
        if ((value === undefined || value === null) && !field.required) {
          slots[i] = NaN;
          continue;
        }
      }
      slots[i] = NaN;
      (cells ??= []).push(i, ...cellOf(value, raw));
    }
    return cells;
  }

  /** Whether one of the cells may be a missing value where one is required. */
  #lacks(cells) {
    for (let k = 0; k < cells.length; k += 3) {
      const field = this.#plan[cells[k]];
      const value = cells[k + 2];
      if (!field.required) continue;
      if (value === null ? cells[k + 1] === TAG.MISSING : typeof value === "number" ? !Number.isFinite(value) : value.trim() === "" || (field.kind === "number" && !Number.isFinite(Number(value)))) return true;
    }
    return false;
  }

  /** The names in the record that are no field, shortened and capped. */
  #extra(record) {
    const names = [];
    for (const name of Object.keys(record)) {
      if (this.#names.has(name)) continue;
      if (names.length === MAX_EXTRA) break;
      names.push(name.length > MAX_NAME ? `${name.slice(0, MAX_NAME)}…` : name);
    }
    return names.length > 0 ? names : null;
  }

  /** Writes cells to where the engine's check reads them; every other field keeps the tag SLOT. */
  #write(runtime, cells) {
    let bytes = 0;
    for (let k = 0; k < cells.length; k += 3) {
      const tag = cells[k + 1];
      if (tag !== TAG.TEXT && tag !== TAG.RAW) continue;
      // A UTF-16 unit is at most three bytes of UTF-8.
      const most = 3 * cells[k + 2].length;
      if (bytes + most > MAX_TEXTS) cells[k + 1] = TAG.LONG;
      else bytes += most;
    }
    let arena = null;
    if (bytes > 0) {
      const start = runtime.arena(bytes);
      // Where that made the memory grow, what was written is in it all the same.
      if (this.#slots.length === 0) this.#views();
      arena = new Uint8Array(this.#memory.buffer, start, bytes);
    }
    const slots = this.#slots;
    const marks = this.#marks;
    let at = 0;
    for (let k = 0; k < cells.length; k += 3) {
      const i = cells[k];
      const tag = cells[k + 1];
      const value = cells[k + 2];
      marks[3 * i] = tag;
      if (tag === TAG.TEXT || tag === TAG.RAW) {
        const end = value === "" ? at : at + encoder.encodeInto(value, arena.subarray(at)).written;
        marks[3 * i + 1] = at;
        marks[3 * i + 2] = end;
        at = end;
      } else if (typeof value === "number") {
        slots[i] = value;
      }
    }
  }

  #prediction(call) {
    const out = this.#out;
    const labels = this.#labels;
    const probability = {};
    for (let k = 0; k < labels.length; k++) {
      if (labels[k] === "__proto__") Object.defineProperty(probability, labels[k], { value: out[3 + k], enumerable: true, configurable: true, writable: true });
      else probability[labels[k]] = out[3 + k];
    }
    const { model, model_version, model_id } = this.#identity;
    return {
      status: "ok",
      prediction: labels[out[0]],
      class_index: out[0],
      probability,
      confidence: out[1],
      model,
      model_version,
      model_id,
      as_of: iso(call.asOf),
      timestamp: iso(call.now),
      cached: out[2] === 1,
    };
  }
}

if (typeof Symbol.dispose === "symbol") {
  Object.defineProperty(Model.prototype, Symbol.dispose, { value: Model.prototype.free, configurable: true, writable: true });
}

/** What reading a field needs. Numbers outside `min..max` and times are left to the engine. */
function planOf(field) {
  return {
    name: field.name,
    kind: field.kind,
    required: field.required,
    min: field.min ?? -Number.MAX_VALUE,
    max: field.max ?? Number.MAX_VALUE,
    levels: new Map((field.levels ?? []).map((level, index) => [level, index])),
  };
}

/** A value as a tag and what it carries. */
function cellOf(value, raw) {
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
function millisOf(value) {
  try {
    return dateValue.call(value);
  } catch {
    return undefined;
  }
}

function typeName(value) {
  return value === null ? "null" : Array.isArray(value) ? "an array" : typeof value === "object" ? "an object" : `a ${typeof value}`;
}

let lastMillis = NaN;
let lastText = "";
/** ISO 8601 in UTC with milliseconds; most calls ask for the same one again. */
function iso(ms) {
  if (ms !== lastMillis) {
    lastText = new Date(ms).toISOString();
    lastMillis = ms;
  }
  return lastText;
}

function deepFreeze(value) {
  if (typeof value === "object" && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}
