// One model's engine and the views of its memory: reads records, enters wasm, builds answers.
//
// A record is read to its end before wasm is entered, because a getter or a Proxy may throw or call back. Its values are slots
// or cells (fields.js says which); a record of slots alone takes the straight way.
import { instantiate } from "./engine.js";
import { MAX_TIME, MIN_TIME, ODD, TAG, cellOf, millisOf, planOf, secondsOf, slotOf, typeName, valuesOf } from "./fields.js";
import { FORMAT, madeReader } from "./reader.js";

/** Most bytes of text in one record, at three for each UTF-16 unit; a text past that is a violation. */
const MAX_TEXTS = 16 << 20;
/** Most names that are no field reported for one record, and most UTF-16 units of each. */
const MAX_EXTRA = 100;
const MAX_NAME = 200;
/** Records read by a loop before a reader is made: making it takes longer than reading so many. */
const PATIENCE = 32;
/** Most texts of times whose instants are kept, and most UTF-16 units of each. */
const MAX_INSTANTS = 1000;
const MAX_INSTANT = 64;

const EMPTY = new Float64Array(0);
const encoder = new TextEncoder();

export class Session {
  // The target of a reader: where it writes slots to, and what it asks while it does.
  view = EMPTY;
  levels;

  plan;
  schema;
  runtime = null;
  restarts = 0;
  /** Starts a worker, where the host has them. */
  spawn;
  /** The workers, once there are any. */
  pool = null;
  /** For tests: the next call traps inside wasm; every field goes through the engine's own check. */
  trap = false;
  full = false;

  #module;
  #source;
  #memory = null;
  #marks;
  #out = EMPTY;
  #piece = null;
  #freed = false;
  #names;
  #strict;
  #identity;
  #read = null;
  #answer = null;
  #patience = PATIENCE;
  #instants = new Map();
  /** Room for a record's values and slots, for each depth of calls from within getters. */
  #frames = [];
  #depth = 0;

  /**
   * `module`: the compiled engine. `source`: what `Runtime` is made of: `primary` and `fallback` (bytes or null), `reason` (why
   * there is no primary) and `cache`; kept, because a new engine is made of it after a trap. `bind`: what `hedgerow bind` wrote,
   * or false: no code is made at run time.
   */
  constructor(module, source, bind, spawn) {
    this.spawn = spawn;
    this.#module = module;
    this.#source = source;
    this.#start();
    this.schema = deepFreeze(this.runtime.schema());
    const { name, version, id, fields, extra } = this.schema;
    this.#identity = { model: name, model_version: version, model_id: id };
    this.#strict = extra === "reject";
    this.plan = fields.map(planOf);
    this.levels = this.plan.map((field) => field.levels);
    this.#names = new Set(fields.map((field) => field.name));
    if (bind === false) this.#patience = 0;
    else if (bind !== undefined && bind !== null) this.#bind(bind);
  }

  /** What a worker needs to answer as this one does. */
  get parts() {
    const { primary, fallback, reason } = this.#source;
    return { module: this.#module, source: { primary, fallback, reason, cache: { entries: 0 } } };
  }

  free() {
    this.#freed = true;
    const { runtime } = this;
    this.#drop();
    this.#source = null;
    this.pool?.end(new Error("the model was freed"));
    runtime?.free();
  }

  alive() {
    if (this.#freed) throw new Error("this model was freed: load it again");
  }

  /** Calls the engine, in whatever way. */
  enter(work) {
    this.#ready();
    try {
      return work(this.runtime);
    } catch (cause) {
      throw this.#stopped(cause);
    }
  }

  /** What the options of a call mean: `asOf` in milliseconds. */
  callOf(options, now) {
    if (typeof options !== "object") throw new TypeError(`the options of a prediction are an object like { asOf: "2026-01-02" }, not ${typeName(options)}`);
    const { asOf, raw } = options;
    return { asOf: asOf === undefined || asOf === null ? now : this.#instant(asOf), raw: raw === true };
  }

  /** The answer to one record. */
  predict(record, asOf, now, raw) {
    if (typeof record !== "object" || record === null) {
      this.alive();
      throw new TypeError(`a record is an object with the model's fields, not ${typeName(record)}`);
    }
    const read = this.reader(raw);
    let values = false;
    if (read !== null && !(this.#strict && this.#extra(record) !== null)) {
      values = read(record, this, 0);
      if (values === true) return this.#plain(asOf, now);
    }
    if (values === false && Array.isArray(record)) throw new TypeError("a record is an object with the model's fields: for an array of records call predictBatch");
    return this.judge(record, values, asOf, now, raw);
  }

  /** The reader for records of typed values, once it is worth having one. */
  reader(raw) {
    if (raw || this.full) return null;
    if (this.#read === null && this.#patience > 0 && --this.#patience === 0) {
      const made = madeReader(this.schema);
      if (made !== null) ({ read: this.#read, answer: this.#answer } = made);
    }
    return this.#read;
  }

  /**
   * Reads a record of a batch: writes its slots to `target.view` from `at` on and gives back true, or all its values where one is
   * no slot or one of its names is refused.
   */
  read(record, raw, target, at) {
    const refused = this.#strict && this.#extra(record) !== null;
    const read = refused ? null : this.reader(raw);
    let values = read === null ? false : read(record, target, at);
    if (values !== false) return values;
    values = valuesOf(this.plan, record, new Array(this.plan.length));
    return !refused && !this.full && this.slots(values, raw, target.view, at) ? true : values;
  }

  /** The answer to one record whose `values` were read, or (false) were not; past the reader. */
  judge(record, values, asOf, now, raw) {
    const depth = this.#depth;
    const frame = (this.#frames[depth] ??= { values: new Array(this.plan.length), slots: new Float64Array(this.plan.length) });
    this.#depth = depth + 1;
    try {
      if (values === false) values = valuesOf(this.plan, record, frame.values);
      const plain = this.slots(values, raw, frame.slots, 0) && !this.full;
      const cells = plain ? null : this.#cells(values, frame.slots, raw);
      // Asked where such names are refused, and to say what a missing field may have been called instead.
      const extra = this.#strict || (cells !== null && this.#lacks(cells)) ? this.#extra(record) : null;
      (this.view.length === 0 ? this.fresh() : this.view).set(frame.slots);
      if (cells === null && extra === null) return this.#plain(asOf, now);
      return this.#full(cells ?? [], extra, asOf, now);
    } finally {
      this.#depth = depth;
      frame.values.fill(undefined);
    }
  }

  /** Writes the slots of a record's values to `view` from `at` on; whether there is one for each. */
  slots(values, raw, view, at) {
    const { plan } = this;
    let plain = true;
    for (let i = 0; i < plan.length; i++) {
      const slot = slotOf(plan[i], values[i], raw, this);
      view[at + i] = slot;
      if (slot === ODD) plain = false;
    }
    return plain;
  }

  /** A reader's, for the value of a time field. */
  time(value) {
    return secondsOf(value, this);
  }

  /** A reader's, where the view is none: it is made again. */
  fresh() {
    this.#ready();
    if (this.view.length === 0) this.#views();
    return this.view;
  }

  /** The instant that a text names, or ODD. */
  seconds(text) {
    if (text.length > MAX_INSTANT) return ODD;
    let seconds = this.#instants.get(text);
    if (seconds === undefined) {
      const ms = this.enter((runtime) => runtime.millis(text));
      seconds = ms !== ms ? ODD : ms / 1000 + 0;
      if (this.#instants.size >= MAX_INSTANTS) this.#instants.clear();
      this.#instants.set(text, seconds);
    }
    return seconds;
  }

  /**
   * The buffers for a piece of many rows, with views that hold: `slots` in, by columns of `length` or row by row; `answers` and
   * `indices` out. Whatever enters the engine may end the views.
   */
  piece() {
    this.#ready();
    if (this.#piece === null || this.#piece.slots.length === 0) {
      this.enter((runtime) => runtime.make_room());
      const { runtime } = this;
      const { buffer } = this.#memory;
      const length = runtime.piece();
      this.#piece = {
        length,
        slots: new Float64Array(buffer, runtime.rows(), length * this.plan.length),
        answers: new Float64Array(buffer, runtime.answers(), length * this.schema.classes.length),
        indices: new Int32Array(buffer, runtime.indices(), length),
      };
    }
    return this.#piece;
  }

  /** Answers the first `rows` rows of the piece, of which some may not be plain; gives back the piece. */
  run(rows, asOf, now, byRows) {
    const { runtime } = this;
    try {
      runtime.run_piece(rows, asOf / 1000, now / 1000, byRows);
    } catch (cause) {
      throw this.#stopped(cause);
    }
    return this.piece();
  }

  /** Answers a row of the piece by itself. */
  runRow(row, asOf, now) {
    const status = this.enter((runtime) => runtime.run_row(row, asOf / 1000, now / 1000));
    if (this.#out.length === 0) this.#views();
    return this.#told(status, asOf, now);
  }

  /** An answer from a class index and the probabilities in `p` from `at` on. */
  answer(k, p, at, cached, asOf, now) {
    if (this.#answer !== null) return this.#answer(k, p, at, cached, isoAsOf(asOf), isoNow(now));
    const { classes, threshold } = this.schema;
    const probability = {};
    for (let c = 0; c < classes.length; c++) {
      if (classes[c] === "__proto__") Object.defineProperty(probability, classes[c], { value: p[at + c], enumerable: true, configurable: true, writable: true });
      else probability[classes[c]] = p[at + c];
    }
    const { model, model_version, model_id } = this.#identity;
    return { status: "ok", prediction: classes[k], class_index: k, probability, confidence: p[at + k], ...(threshold !== undefined && { threshold }), model, model_version, model_id, as_of: isoAsOf(asOf), timestamp: isoNow(now), cached };
  }

  /** Who answers, at which instants: part of every result. */
  stamp(asOf, now) {
    return { ...this.#identity, as_of: isoAsOf(asOf), timestamp: isoNow(now) };
  }

  #bind(bind) {
    if (typeof bind === "object" && bind !== null && "default" in bind) bind = bind.default;
    if (typeof bind !== "object" || bind === null || typeof bind.read !== "function" || typeof bind.answer !== "function") {
      throw new TypeError("the option bind is what `hedgerow bind model.hedge --out model.js` writes: import it, and give it here");
    }
    if (bind.format !== FORMAT) throw new Error("the binding was written for another version of this package: write it again with `hedgerow bind`");
    if (bind.model_id !== this.schema.id) {
      // What stands in for the model has no binding, and needs none to answer.
      if (this.runtime.health().status === "degraded") return;
      throw new Error(`the binding is of another model: it was written for ${String(bind.model_id)}, this is ${this.schema.name} ${this.schema.version}, ${this.schema.id}; write it again with \`hedgerow bind\``);
    }
    this.#read = bind.read;
    this.#answer = bind.answer;
  }

  /** Makes the engine, and the views through which records go in and answers come out. */
  #start() {
    const { Runtime, memory } = instantiate(this.#module);
    const { primary, fallback, reason, cache } = this.#source;
    this.runtime = new Runtime(primary, fallback, reason, cache.entries, cache.bytes, cache.ttl);
    this.#memory = memory;
    this.#views();
  }

  /** Views die when wasm memory grows, silently: their length becomes 0. */
  #views() {
    const { runtime } = this;
    const { buffer } = this.#memory;
    const fields = runtime.fields();
    this.view = new Float64Array(buffer, runtime.slots(), fields);
    this.#marks = new Uint32Array(buffer, runtime.marks(), 3 * fields);
    this.#out = new Float64Array(buffer, runtime.out(), runtime.out_len());
  }

  #drop() {
    this.runtime = this.#memory = this.#piece = null;
    this.view = this.#out = EMPTY;
  }

  #ready() {
    this.alive();
    if (this.runtime === null) this.#start();
    if (this.trap) {
      this.trap = false;
      try {
        this.runtime.trap();
      } catch (cause) {
        throw this.#stopped(cause);
      }
    }
  }

  /**
   * Nothing that runs in the engine throws on purpose, so whatever comes out is a trap: that instance may be in any state and is
   * dropped; the next call gets a new one.
   */
  #stopped(cause) {
    this.#drop();
    this.restarts += 1;
    return new Error(`the engine stopped (${cause?.message ?? cause}); the next call gets a new one`, { cause });
  }

  /** Answers the slots in `view`. */
  #plain(asOf, now) {
    if (this.trap || this.runtime === null) this.#ready();
    let status;
    try {
      const seconds = now / 1000;
      status = this.runtime.run(asOf === now ? seconds : asOf / 1000, seconds, false);
    } catch (cause) {
      throw this.#stopped(cause);
    }
    if (this.#out.length === 0) this.#views();
    return this.#told(status, asOf, now);
  }

  /** Answers a record with cells (field, tag, what it carries) beside the slots in `view`. */
  #full(cells, extra, asOf, now) {
    const status = this.enter((runtime) => {
      this.#write(runtime, cells);
      if (extra !== null) for (const name of extra) runtime.extra(name);
      return runtime.run(asOf / 1000, now / 1000, true);
    });
    if (this.#out.length === 0) this.#views();
    return this.#told(status, asOf, now);
  }

  /** The answer that the engine has just given. */
  #told(status, asOf, now) {
    const out = this.#out;
    if (status === 1) return this.answer(out[0], out, 3, out[2] === 1, asOf, now);
    return { status: "rejected", violations: this.enter((runtime) => runtime.violations()), ...this.#identity, timestamp: isoNow(now) };
  }

  /** The values that are no slots. */
  #cells(values, slots, raw) {
    const cells = [];
    for (let i = 0; i < slots.length; i++) if (this.full || slots[i] === ODD) cells.push(i, ...cellOf(values[i], raw));
    return cells;
  }

  /** Whether one of the cells may be a missing value where one is required. */
  #lacks(cells) {
    for (let k = 0; k < cells.length; k += 3) {
      const field = this.plan[cells[k]];
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
      if (this.view.length === 0) this.#views();
      arena = new Uint8Array(this.#memory.buffer, start, bytes);
    }
    const { view } = this;
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
        view[i] = value;
      }
    }
  }

  #instant(asOf) {
    let ms;
    if (typeof asOf === "number") ms = Math.trunc(asOf);
    else if (typeof asOf === "string") ms = asOf.length > MAX_INSTANT ? NaN : this.enter((runtime) => runtime.millis(asOf));
    else if (asOf instanceof Date) ms = millisOf(asOf);
    if (!(ms >= MIN_TIME && ms <= MAX_TIME)) {
      const shown = typeof asOf === "string" ? JSON.stringify(asOf.slice(0, MAX_INSTANT)) : typeof asOf === "number" ? String(asOf) : typeName(asOf);
      throw new RangeError(`asOf is ${shown}: it must be a valid Date, an ISO 8601 text or epoch milliseconds, in the years 1 to 9999`);
    }
    return ms + 0;
  }
}

/** The host's clock, in milliseconds. */
export function clock() {
  const now = Date.now();
  if (!(now >= MIN_TIME && now <= MAX_TIME)) throw new RangeError(`the host's clock says ${now}: it must be in the years 1 to 9999`);
  return now;
}

/** A function to ISO 8601 in UTC with milliseconds; most calls ask for the same instant again. */
function iso() {
  let last = NaN;
  let text = "";
  return (ms) => {
    if (ms !== last) {
      text = new Date(ms).toISOString();
      last = ms;
    }
    return text;
  };
}
const isoAsOf = iso();
const isoNow = iso();

function deepFreeze(value) {
  if (typeof value === "object" && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}
