// Many rows at once: arrays of records, columns, matrices. They go through the engine by pieces of some blocks, past the cache; a row that is not
// plain (fields.js) is answered by itself, so that all ways mean what `predict` means.
import { ODD, secondsOf, slotOf, typeName } from "./fields.js";
import { clock } from "./session.js";

/** Most records in one batch. */
const MAX_BATCH = 100_000;
/** Refused rows of which the reasons are kept. */
const MAX_REFUSED = 100;
/** Rows between two words of progress, and two looks at the signal. */
const STRIDE = 64 * 256;

/** The arrays that hold numbers, by their names. */
const NUMBERS = new Map([Float64Array, Float32Array, Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, globalThis.Float16Array].filter((made) => made !== undefined).map((made) => [made.name, made]));
const typed = Object.getPrototypeOf(Int8Array.prototype);
const of = (name) => Object.getOwnPropertyDescriptor(typed, name).get;
const [nameOf, bufferOf, offsetOf, lengthOf] = [Symbol.toStringTag, "buffer", "byteOffset", "length"].map(of);

export function predictBatch(session, records, options) {
  session.alive();
  const now = clock();
  const { asOf, raw } = callOf(session, options, now);
  if (!Array.isArray(records)) throw new TypeError(`predictBatch takes an array of records, not ${typeName(records)}`);
  if (records.length > MAX_BATCH) throw new RangeError(`a batch of ${records.length} records is over the limit of ${MAX_BATCH}: split it`);
  const answers = new Array(records.length);
  const width = session.plan.length;
  // As long as the batch where that is short; each batch within a getter of another has its own.
  const target = { view: EMPTY, levels: session.levels, time: (value) => session.time(value), fresh: () => target.view };
  for (let from = 0; from < answers.length; ) {
    const count = Math.min(session.piece().length, answers.length - from);
    if (target.view.length === 0) target.view = new Float64Array(count * width);
    const odd = [];
    for (let r = 0; r < count; r++) {
      const record = records[from + r];
      if (typeof record !== "object" || record === null || Array.isArray(record)) throw new TypeError(`record ${from + r} of the batch is ${typeName(record)}: it must be an object with the model's fields`);
      const values = session.read(record, raw, target, r * width);
      if (values === true) continue;
      target.view[r * width] = ODD;
      odd.push([r, record, values]);
    }
    session.piece().slots.set(piece(target.view, 0, count * width));
    const { answers: p, indices } = session.run(count, asOf, now, true);
    const classes = session.schema.classes.length;
    for (let r = 0; r < count; r++) if (indices[r] >= 0) answers[from + r] = session.answer(indices[r], p, r * classes, false, asOf, now);
    for (const [r, record, values] of odd) answers[from + r] = session.judge(record, values, asOf, now, raw);
    from += count;
  }
  return answers;
}

export function predictColumns(session, columns, options) {
  const workers = options?.workers ?? null;
  if (workers !== null) return shared(session, columns, options, workers);
  const { table, results, call, now } = begun(session, columns, options);
  for (let from = 0; from < table.rows; ) {
    const count = Math.min(session.piece().length, table.rows - from);
    table.read(from, count);
    const { slots, length } = session.piece();
    table.write(slots, length, from, count);
    const { answers, indices } = session.run(count, call.asOf, now, false);
    const odd = results.take(answers, indices, from, count);
    for (const row of odd) results.judge(row, session.predict(table.record(row), call.asOf, now, call.raw));
    from += count;
    results.progress(from);
  }
  return results.finish();
}

/** By workers: whatever is wrong comes by the promise. */
async function shared(session, columns, options, workers) {
  const { table, results, call } = begun(session, columns, options);
  const { pooled } = await import("./pool.js");
  return pooled(session, table, results, { ...call, workers });
}

function begun(session, columns, options) {
  session.alive();
  const now = clock();
  const call = callOf(session, options, now);
  const table = new Table(session, columns, call.raw);
  return { table, results: new Results(session, table.rows, call, now), call, now };
}

export function predictMatrix(session, matrix, rows, options) {
  session.alive();
  const now = clock();
  const call = callOf(session, options, now);
  const width = session.plan.length;
  const values = ArrayBuffer.isView(matrix) ? clean(matrix) : undefined;
  if (!(values instanceof Float64Array) && !(values instanceof Float32Array)) throw new TypeError(`predictMatrix takes a Float64Array of ${width} slots for each row, not ${what(matrix)}`);
  rows ??= values.length / width;
  if (!Number.isInteger(rows) || rows < 0 || rows * width !== values.length) throw new RangeError(`the matrix holds ${values.length} numbers: for ${width} fields it must be ${Number.isInteger(rows) ? `${rows} x ${width} = ${rows * width}` : `a multiple of ${width}`}`);
  const results = new Results(session, rows, call, now);
  const { length: whole } = values;
  for (let from = 0; from < rows; ) {
    if (values.length !== whole) throw changed("the matrix");
    const { slots, length } = session.piece();
    const count = Math.min(length, rows - from);
    slots.set(piece(values, from * width, count * width));
    const { answers, indices } = session.run(count, call.asOf, now, true);
    for (const row of results.take(answers, indices, from, count)) results.judge(row, session.runRow(row - from, call.asOf, now));
    from += count;
    results.progress(from);
  }
  return results.finish();
}

/** The options of a call on many rows. */
function callOf(session, options, now) {
  if (options === undefined || options === null) return { asOf: now, raw: false };
  const { asOf, raw } = session.callOf(options, now);
  const { out, onProgress, signal } = options;
  if (onProgress !== undefined && typeof onProgress !== "function") throw new TypeError("the option onProgress is a function, which is told { rows, total, rejected }");
  signal?.throwIfAborted();
  return { asOf, raw, out, onProgress, signal };
}

/** What comes of many rows. */
export class Results {
  rejected = 0;
  #session;
  #call;
  #now;
  #rows;
  #classes;
  #index;
  #probability;
  #violations = [];
  #told = 0;

  constructor(session, rows, call, now) {
    this.#session = session;
    this.#call = call;
    this.#now = now;
    this.#rows = rows;
    this.#classes = session.schema.classes.length;
    const { class_index, probability } = call.out ?? {};
    this.#index = room(class_index, "out.class_index", [Int32Array, Int16Array, Int8Array].filter((kind) => this.#classes <= 2 ** (8 * kind.BYTES_PER_ELEMENT - 1)), rows);
    this.#probability = room(probability, "out.probability", [Float64Array, Float32Array], rows * this.#classes);
  }

  /** Takes a piece's answers, and says which rows have none. */
  take(answers, indices, from, count) {
    const classes = this.#classes;
    this.#probability.set(piece(answers, 0, count * classes), from * classes);
    this.#index.set(piece(indices, 0, count), from);
    const odd = [];
    for (let r = 0; r < count; r++) if (indices[r] < 0) odd.push(from + r);
    return odd;
  }

  /** Takes the answer to a row that had none. */
  judge(row, answer) {
    if (answer.status === "ok") {
      this.#index[row] = answer.class_index;
      this.#session.schema.classes.forEach((label, k) => (this.#probability[row * this.#classes + k] = answer.probability[label]));
      return;
    }
    this.rejected += 1;
    this.#violations.push({ row, violations: answer.violations });
    if (this.#violations.length > 2 * MAX_REFUSED) this.#first();
  }

  /** Keeps the first refused rows, in whatever order they came. */
  #first() {
    this.#violations.sort((a, b) => a.row - b.row);
    this.#violations.length = Math.min(this.#violations.length, MAX_REFUSED);
  }

  /** Tells the caller how far it is, now and then; `done` rows are answered. */
  progress(done) {
    if (done - this.#told < STRIDE && done < this.#rows) return;
    this.#told = done;
    this.#call.onProgress?.({ rows: done, total: this.#rows, rejected: this.rejected });
    this.#call.signal?.throwIfAborted();
  }

  finish() {
    if (this.#rows === 0) this.progress(0);
    this.#first();
    const { model, model_version, model_id, as_of, timestamp } = this.#session.stamp(this.#call.asOf, this.#now);
    return {
      rows: this.#rows,
      classes: this.#session.schema.classes,
      class_index: this.#index,
      probability: this.#probability,
      rejected: this.rejected,
      violations: this.#violations,
      model,
      model_version,
      model_id,
      as_of,
      timestamp,
    };
  }

  get now() {
    return this.#now;
  }
}

/** The caller's columns, as the engine reads them. */
export class Table {
  rows = 0;
  #session;
  #raw;
  /** Per field its column, or null. */
  #columns;
  /** Names that are no field and are refused. */
  #extra = [];

  constructor(session, columns, raw) {
    this.#session = session;
    this.#raw = raw;
    if (typeof columns !== "object" || columns === null || Array.isArray(columns) || ArrayBuffer.isView(columns)) {
      throw new TypeError(`predictColumns takes an object of columns like { age: Float64Array, region: ["EU", …] }, not ${what(columns)}`);
    }
    const { plan, schema } = session;
    const given = new Map(Object.keys(columns).map((name) => [name, columns[name]]));
    let first = null;
    const column = (name, field) => {
      const made = columnOf(name, given.get(name), field, raw, session);
      if (made === null) return null;
      if (first === null) first = { name, length: made.length };
      else if (made.length !== first.length) throw new RangeError(`columns differ in length: ${quoted(first.name)} has ${first.length} rows, ${quoted(name)} has ${made.length}`);
      return made;
    };
    this.#columns = plan.map((field) => (given.has(field.name) ? column(field.name, field) : null));
    const fields = new Set(plan.map((field) => field.name));
    if (schema.extra === "reject") for (const name of given.keys()) if (!fields.has(name) && column(name, null) !== null) this.#extra.push(name);
    if (first === null) throw new TypeError(`none of the columns is a field of the model: its fields are ${plan.slice(0, 10).map((field) => quoted(field.name)).join(", ")}${plan.length > 10 ? ", …" : ""}`);
    this.rows = first.length;
  }

  /** Reads what is the caller's code to give (the elements of arrays) of some rows. */
  read(from, count) {
    for (const column of this.#columns) column?.read?.(from, count);
  }

  /** Writes the slots of the rows just read: column `j` from `j * stride` on. */
  write(target, stride, from, count) {
    this.#columns.forEach((column, j) => {
      if (column === null) target.fill(NaN, j * stride, j * stride + count);
      else {
        // The caller's code may resize or transfer a buffer: an array without its elements would leave the slots of other rows.
        if (column.numbers !== undefined && column.numbers.length !== column.length) throw changed(`the column ${quoted(this.#session.plan[j].name)}`);
        column.write(target, j * stride, from, count);
      }
    });
    // Such a row is for `predict`, which says so.
    if (this.#extra.length > 0) target.fill(ODD, 0, count);
  }

  /** A row as the object that means the same. */
  record(row) {
    const record = Object.create(null);
    this.#columns.forEach((column, j) => {
      if (column !== null) record[this.#session.plan[j].name] = column.cell(row);
    });
    for (const name of this.#extra) record[name] = null;
    return record;
  }
}

/** A column of a field (or of none: null), as what reads it: `length`, `read`, `write`, `cell`. */
function columnOf(name, given, field, raw, session) {
  if (given === undefined || given === null) return null;
  if (Array.isArray(given)) return cells(given, field, raw, session);
  if (ArrayBuffer.isView(given)) {
    const numbers = clean(given);
    if (numbers !== undefined) return numeric(numbers, field, session);
  } else if (typeof given === "object" && given.codes !== undefined && Array.isArray(given.dictionary)) {
    const codes = ArrayBuffer.isView(given.codes) ? clean(given.codes) : undefined;
    if (codes !== undefined) return coded(name, codes, given.dictionary, field, raw, session);
  }
  throw new TypeError(`the column ${quoted(name)} is ${what(given)}: it must be an array, a typed array of numbers or { codes, dictionary }`);
}

/** An array of anything: what `predict` takes. */
function cells(array, field, raw, session) {
  let slots = EMPTY;
  return {
    length: array.length,
    cell: (row) => array[row],
    read(from, count) {
      if (slots.length < count) slots = new Float64Array(count);
      // Texts come in runs, or a few of them again and again.
      let last;
      let slot = field.missing;
      for (let r = 0; r < count; r++) {
        const value = array[from + r];
        if (value !== last) {
          last = value;
          slot = slotOf(field, value, raw, session);
        }
        slots[r] = slot;
      }
    },
    write(target, at, _, count) {
      target.set(piece(slots, 0, count), at);
    },
  };
}

/** A typed array: numbers and flags are slots as they are, and what is out of range the engine sees. */
function numeric(numbers, field, session) {
  const column = { numbers, length: numbers.length, cell: (row) => numbers[row] };
  switch (field?.kind) {
    case "category":
    case "time":
      column.write = (target, at, from, count) => {
        for (let r = 0; r < count; r++) target[at + r] = field.kind === "time" ? secondsOf(numbers[from + r], session) : slotOf(field, numbers[from + r], false, session);
      };
      break;
    default:
      column.write = (target, at, from, count) => target.set(piece(numbers, from, count), at);
  }
  return column;
}

/** Indices into a list of values: each value's slot is found once. -1 is missing. */
function coded(name, codes, dictionary, field, raw, session) {
  const slots = field === null ? [] : Float64Array.from(dictionary, (value) => slotOf(field, value, raw, session));
  const values = dictionary.slice();
  const wrong = (row) => new RangeError(`row ${row} of the column ${quoted(name)} has the code ${codes[row]}: its dictionary has ${values.length} entries, and -1 is missing`);
  return {
    numbers: codes,
    length: codes.length,
    cell: (row) => (codes[row] === -1 ? undefined : values[codes[row]]),
    // Before a row of the piece is answered.
    read(from, count) {
      for (let r = from; r < from + count; r++) if (!(codes[r] >= -1 && codes[r] < values.length && codes[r] === Math.trunc(codes[r]))) throw wrong(r);
    },
    write(target, at, from, count) {
      for (let r = 0; r < count; r++) {
        const code = codes[from + r];
        target[at + r] = code === -1 ? field.missing : slots[code];
      }
    },
  };
}

const EMPTY = new Float64Array(0);

/** The numbers of a typed array, whatever a class derived from it does; undefined for one that holds none. */
function clean(given) {
  const made = NUMBERS.get(nameOf.call(given));
  return made === undefined ? undefined : new made(bufferOf.call(given), offsetOf.call(given), lengthOf.call(given));
}

/** What something is that is no array of numbers, or not the right one. */
function what(given) {
  if (!ArrayBuffer.isView(given)) return typeName(given);
  const name = nameOf.call(given) ?? "DataView";
  return `${name.startsWith("I") ? "an" : "a"} ${name}`;
}

function changed(what) {
  return new RangeError(`${what} changed its length while it was read`);
}

/** Some elements of a typed array, which is no subclass. */
function piece(array, from, count) {
  return count === array.length ? array : array.subarray(from, from + count);
}

/** The caller's array for results, or a new one of the first kind. */
function room(given, name, kinds, length) {
  if (given === undefined || given === null) return new kinds[0](length);
  if (!kinds.some((kind) => given instanceof kind)) throw new TypeError(`${name} must be a ${kinds.map((kind) => kind.name).join(", ")}, not ${what(given)}`);
  if (given.length < length) throw new RangeError(`${name} has room for ${given.length} numbers, ${length} are to come`);
  return given;
}

function quoted(name) {
  return `\`${name.length > 60 ? `${name.slice(0, 60)}…` : name}\``;
}
