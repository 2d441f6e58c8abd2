// The worker that scores a file. It holds its own engine and one piece of the file at a time; what it has written goes into blobs,
// which the browser keeps outside this heap. Messages out: `progress`, then `done` or `failed`.
import { load } from "./engine.js";
import { CsvError, CsvRows, line, MAX_COLUMNS } from "./csv.js";
import Papa from "./papaparse.js";

/** Rows per call of the engine. */
const BATCH = 512;
/** Characters of output gathered before they become a blob. */
const PIECE = 1 << 20;
/** Rows shown of those scored, and of those refused. */
const PREVIEW = 8;
const EXAMPLES = 100;

addEventListener("message", async ({ data: { bytes, file, asOf, keep } }) => {
  try {
    const model = await load(bytes, { cache: false, bind: false });
    postMessage({ type: "done", ...await score(model, file, asOf, keep) });
  } catch (error) {
    postMessage({ type: "failed", message: error.message });
  }
});

async function score(model, file, asOf, keep) {
  const started = performance.now();
  const run = new Run(model, asOf, keep);
  const rows = new CsvRows(Papa, model.schema.fields.map((f) => f.name));
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const reader = file.stream().getReader();
  let read = 0;
  for (;;) {
    const { done, value } = await reader.read();
    read += value?.length ?? 0;
    let text;
    try {
      text = done ? decoder.decode() : decoder.decode(value, { stream: true });
    } catch {
      throw new CsvError(`the file is not UTF-8 text (somewhere after its row ${run.rows}); save it as CSV UTF-8`);
    }
    run.take([...rows.push(text), ...(done ? rows.end() : [])]);
    postMessage({ type: "progress", rows: run.rows, rejected: run.rejected, read });
    if (done) break;
  }
  return { ...run.finish(), seconds: (performance.now() - started) / 1000 };
}

/** One file on its way through. */
class Run {
  rows = 0;
  rejected = 0;
  #model; #asOf; #keep; #fields; #columns = null; #places; #kept; #absent;
  #text = ""; #blobs = []; #predicted; #codes = new Map(); #examples = []; #preview = [];

  constructor(model, asOf, keep) {
    this.#model = model;
    this.#asOf = asOf;
    this.#keep = keep;
    this.#fields = model.schema.fields;
    this.#predicted = new Map(model.schema.classes.map((name) => [name, 0]));
  }

  take(rows) {
    if (!this.#columns && rows.length > 0) this.#header(rows.shift());
    for (let i = 0; i < rows.length; i += BATCH) this.#batch(rows.slice(i, i + BATCH));
  }

  finish() {
    if (!this.#columns) throw new CsvError("the file is empty; expected a header line with the names of the columns");
    if (this.rows === 0) throw new CsvError("the file has a header line but no rows");
    this.#flush();
    return {
      rows: this.rows,
      rejected: this.rejected,
      result: new Blob(this.#blobs, { type: "text/csv;charset=utf-8" }),
      predicted: [...this.#predicted],
      codes: [...this.#codes.values()].sort((a, b) => b.count - a.count),
      examples: this.#examples,
      preview: this.#preview,
      columns: this.#columns,
      absent: this.#absent,
    };
  }

  /** Which column holds which field. */
  #header({ cells }) {
    // A first column without a name (row numbers that another tool wrote) does no harm.
    const names = cells.map((cell) => cell.trim());
    if (names.length > MAX_COLUMNS) throw new CsvError(`the file has ${names.length} columns; the most allowed is ${MAX_COLUMNS}`);
    const place = new Map();
    names.forEach((name, i) => {
      if (name !== "" && place.has(name)) throw new CsvError(`columns ${place.get(name) + 1} and ${i + 1} are both named \`${name}\`: names must differ`);
      place.set(name, i);
    });
    const known = new Set(this.#fields.map((f) => f.name));
    const absent = this.#fields.filter((f) => f.required && !place.has(f.name)).map((f) => f.name);
    this.#absent = this.#fields.filter((f) => !place.has(f.name)).map((f) => f.name);
    if (absent.length > 0) throw new CsvError(`the file lacks ${absent.length === 1 ? "the column" : "the columns"} ${list(absent)}, which the model requires; its columns are ${list(names)}`);
    // Columns that are no field are handed over only where the schema wants to refuse them.
    const wanted = (name) => known.has(name) || (name !== "" && this.#model.schema.extra === "reject");
    this.#places = names.map((name, at) => ({ name, at })).filter(({ name }) => wanted(name));
    this.#columns = names;
    const answers = ["prediction", ...this.#model.schema.classes.map((name) => `probability_${name}`)];
    // A file that was scored before gets new answers in the place of the old.
    this.#kept = this.#keep ? names.map((_, i) => i).filter((i) => !answers.includes(names[i])) : [];
    this.#write([...this.#kept.map((i) => names[i]), ...answers]);
  }

  #batch(rows) {
    const width = this.#columns.length;
    const sound = rows.filter((row) => row.cells.length === width);
    const answers = sound.length > 0 ? this.#answers(sound) : [];
    let next = 0;
    for (const row of rows) this.#row(row, row.cells.length === width ? answers[next++] : ragged(row.cells.length, width));
  }

  /** The answers to rows of the right length: as columns where one is a field. */
  #answers(rows) {
    const options = { asOf: this.#asOf, raw: true };
    const record = ({ cells }) => this.#places.reduce((all, { name, at }) => ((all[name] = cells[at]), all), Object.create(null));
    const { classes } = this.#model.schema;
    if (!this.#fields.some(({ name }) => this.#places.some((place) => place.name === name))) {
      return this.#model.predictBatch(rows.map(record), options).map((answer) => ({ ...answer, probability: classes.map((name) => answer.probability?.[name]) }));
    }
    const columns = Object.create(null);
    for (const { name, at } of this.#places) columns[name] = rows.map(({ cells }) => cells[at]);
    const { class_index, probability, violations } = this.#model.predictColumns(columns, options);
    const reasons = new Map(violations.map(({ row, violations }) => [row, violations]));
    return rows.map((row, i) => {
      const k = class_index[i];
      // The engine tells the reasons of the first refused rows of a call.
      if (k < 0) return { status: "rejected", violations: reasons.get(i) ?? this.#model.predict(record(row), options).violations };
      const p = probability.subarray(i * classes.length, (i + 1) * classes.length);
      return { status: "ok", prediction: classes[k], probability: [...p], confidence: p[k] };
    });
  }

  #row({ cells, line: at }, answer) {
    this.rows += 1;
    const out = this.#kept.map((i) => cells[i] ?? "");
    if (answer.status === "ok") {
      out.push(answer.prediction, ...answer.probability.map(String));
      this.#predicted.set(answer.prediction, this.#predicted.get(answer.prediction) + 1);
    } else {
      out.push("", ...this.#model.schema.classes.map(() => ""));
      this.#refuse(at, answer.violations);
    }
    this.#write(out);
    if (this.#preview.length < PREVIEW) {
      const { status, prediction, confidence } = answer;
      this.#preview.push({ line: at, cells: cells.slice(0, this.#columns.length), status, prediction, confidence });
    }
  }

  #refuse(at, violations) {
    this.rejected += 1;
    for (const { field, code } of violations) {
      // At most one entry per field of the schema and code, and per unknown column where those are refused.
      const key = JSON.stringify([field, code]);
      const entry = this.#codes.get(key) ?? { field, code, count: 0 };
      entry.count += 1;
      this.#codes.set(key, entry);
    }
    if (this.#examples.length < EXAMPLES) this.#examples.push({ line: at, violations });
  }

  #write(cells) {
    this.#text += line(cells);
    if (this.#text.length >= PIECE) this.#flush();
  }

  #flush() {
    if (this.#text) this.#blobs.push(new Blob([this.#text]));
    this.#text = "";
  }
}

/** The refusal of a row that is no record at all. */
const ragged = (have, want) => ({ status: "rejected", violations: [{ field: "", code: "row", message: `the row has ${have} cells, the header line has ${want}` }] });

/** "`a`, `b` and 3 more". */
function list(names) {
  const shown = names.slice(0, 8).map((name) => `\`${name.slice(0, 60)}\``).join(", ");
  return names.length > 8 ? `${shown} and ${names.length - 8} more` : shown;
}
