#!/usr/bin/env node
// Scores a file in Node: the same columns and bytes as `hedgerow predict`, from the engine in WebAssembly. They part where the
// readers of files do: of a name that is twice in a JSON object the last value counts here, while natively the record is
// rejected; and quotes that do not match in a CSV may be read otherwise, or be an error in only one of the two.
//
//   node www/node/score.mjs MODEL.hedge DATA.csv > answers.csv
//
// Exit codes: 0 all records answered, 1 some were rejected, 2 an error.
import { createReadStream, existsSync, fstatSync } from "node:fs";
import { parseArgs } from "node:util";
import { parse } from "csv-parse";

const USAGE = `Usage: score.mjs MODEL.hedge [DATA] [--keep COLUMN,…] [--as-of TIME | --as-of-column COLUMN]

Scores CSV (.csv, .tsv) or JSON Lines (.jsonl, .ndjson, .json); without DATA, or with -, standard input. Writes to standard output.
  --keep COLUMN,…  columns of the records to copy into the answers
  --as-of TIME     what now() means in the model's features: ISO 8601 or epoch milliseconds; by default now
  --as-of-column COLUMN
                   the column that holds, for each record, what now() means
`;
/** Rejected records told in full. */
const SHOWN = 10;
/** Most bytes of one record. */
const MAX_RECORD = 1 << 20;
/** Records scored at once. */
const BATCH = 512;
/** Fields of CSV that need quotes. */
const SPECIAL = /[",\r\n]/;

async function main() {
  const args = arguments_();
  if (args === null) return 0;
  const { load } = await built();
  const model = await load(args.model, { cache: false }).catch((error) => {
    throw fail(`${args.model}: ${error.message}`);
  });
  const { classes, fields } = model.schema;
  try {
    model.predictBatch([], { asOf: args.asOf });
  } catch {
    throw fail(`--as-of is ${JSON.stringify(args.asOf)}: it must be ISO 8601 or epoch milliseconds, in the years 1 to 9999`);
  }
  const input = await open(args.data);
  const scorer = new Scorer(model, args);
  if (input.format === "csv") {
    for await (const { record, info } of csv(input)) {
      if (scorer.columns === null) scorer.header(record.map((name) => name.trim()), fields, classes);
      else await scorer.row(record, info.lines);
    }
    if (scorer.columns === null) throw fail("the file is empty: a header line with the names of the columns is expected");
  } else {
    let line = 0;
    for await (const text of linesOf(input.stream)) {
      line += 1;
      if (text.trim() !== "") await scorer.object(json(text, line), line);
    }
  }
  return scorer.finish();
}

function arguments_() {
  let parsed;
  try {
    const options = { keep: { type: "string", default: "" }, "as-of": { type: "string" }, "as-of-column": { type: "string" }, help: { type: "boolean", short: "h" } };
    parsed = parseArgs({ options, allowPositionals: true });
  } catch (error) {
    throw fail(`${error.message}\n\n${USAGE}`);
  }
  const { values, positionals } = parsed;
  if (values.help) {
    process.stdout.write(USAGE);
    return null;
  }
  if (positionals.length < 1 || positionals.length > 2) throw fail(`a model and at most one file of records are expected\n\n${USAGE}`);
  const asOf = values["as-of"];
  const asOfColumn = values["as-of-column"];
  if (asOf !== undefined && asOfColumn !== undefined) throw fail("--as-of cannot be used with --as-of-column");
  return {
    model: positionals[0],
    data: positionals[1] ?? "-",
    keep: values.keep.split(",").filter((name) => name !== ""),
    asOf: asOf === undefined ? undefined : instant(asOf),
    asOfColumn,
  };
}

/** A time as `asOf` takes it: an integer in a text is epoch milliseconds. */
function instant(value) {
  return typeof value === "string" && /^[+-]?\d+$/.test(value.trim()) ? Number(value) : value;
}

/** The package as www/package/build.mjs makes it. */
async function built() {
  const entry = new URL("../../build/package/node.js", import.meta.url);
  if (!existsSync(entry)) throw fail("the package is not built yet: run `node www/package/build.mjs`");
  return import(entry);
}

/** A file of records or standard input, and how it is written: by its extension, or by its first character. */
async function open(path) {
  const extension = /\.([a-z]+)$/i.exec(path)?.[1].toLowerCase();
  const stream = path === "-" ? process.stdin : createReadStream(path, { highWaterMark: 1 << 16 });
  const size = path === "-" ? 0 : await new Promise((done, failed) => stream.once("open", (fd) => done(fstatSync(fd).size)).once("error", failed));
  const progress = new Progress(stream, size);
  if (extension === "tsv") return { stream, format: "csv", delimiter: "\t", progress };
  if (extension === "csv") return { stream, format: "csv", delimiter: ",", progress };
  if (["jsonl", "ndjson", "json"].includes(extension)) return { stream, format: "json", progress };
  const first = await new Promise((done, failed) => {
    stream.once("error", failed).once("end", () => done("")).once("readable", () => {
      const chunk = stream.read();
      if (chunk !== null) stream.unshift(chunk);
      done(chunk === null ? "" : String(chunk).replace(/^\ufeff/, "").trimStart()[0] ?? "");
    });
  });
  return { stream, format: first === "{" ? "json" : "csv", delimiter: ",", progress };
}

async function* csv({ stream, delimiter }) {
  const parser = parse({ delimiter, bom: true, info: true, relax_quotes: true, skip_empty_lines: true, record_delimiter: ["\r\n", "\n", "\r"], max_record_size: MAX_RECORD });
  stream.once("error", (error) => parser.destroy(error));
  try {
    yield* stream.pipe(parser);
  } catch (error) {
    if (error.code === "CSV_RECORD_INCONSISTENT_FIELDS_LENGTH") throw fail(`line ${error.lines} has ${error.record.length} cells: each must have as many as the header`);
    throw error;
  }
}

/** The lines of a text in UTF-8; only a line feed ends one, with or without a carriage return before it. */
async function* linesOf(stream) {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let line = 1;
  let pending = "";
  const checked = (text) => {
    if (text.length > MAX_RECORD) throw fail(`line ${line}: it is longer than 1 MiB, the most a record may take`);
    line += 1;
    return text.endsWith("\r") ? text.slice(0, -1) : text;
  };
  for await (const chunk of stream) {
    const parts = (pending + decoder.decode(chunk, { stream: true })).split("\n");
    pending = parts.pop();
    for (const text of parts) yield checked(text);
    if (pending.length > MAX_RECORD) checked(pending);
  }
  pending += decoder.decode();
  if (pending !== "") yield checked(pending);
}

function json(text, line) {
  let record;
  try {
    record = JSON.parse(line === 1 ? text.replace(/^\ufeff/, "") : text);
  } catch (error) {
    throw fail(`line ${line}: it is no JSON object: ${error.message}`);
  }
  if (typeof record !== "object" || record === null || Array.isArray(record)) throw fail(`line ${line}: one JSON object per line is expected`);
  return record;
}

/** Records in, answers out, in order and in batches. */
class Scorer {
  columns = null;
  #model;
  #classes;
  #keep;
  #asOfColumn;
  #options;
  #records = [];
  #lines = [];
  #rows = 0;
  #rejected = 0;
  #codes = {};

  constructor(model, { keep, asOf, asOfColumn }) {
    this.#model = model;
    this.#classes = model.schema.classes;
    this.#keep = keep;
    this.#asOfColumn = asOfColumn;
    // One instant for the whole file.
    this.#options = { asOf: asOf ?? Date.now() };
  }

  /** The columns of a CSV; what a model needs and the header has not is wrong in all rows, and said once. */
  header(columns, fields, classes) {
    this.columns = columns;
    this.#options.raw = true;
    const twice = columns.find((name, k) => name !== "" && columns.indexOf(name) !== k);
    if (twice !== undefined) throw fail(`two columns are both named \`${twice}\`: names must differ`);
    for (const field of fields) {
      if (columns.includes(field.name)) continue;
      if (field.required) throw fail(`the records have no column \`${field.name}\`, which the model needs`);
      console.error(`warning: the records have no column \`${field.name}\`: it counts as missing in every row`);
    }
    const absent = [...this.#keep, ...(this.#asOfColumn === undefined ? [] : [this.#asOfColumn])].find((name) => !columns.includes(name));
    if (absent !== undefined) throw fail(`the records have no column \`${absent}\``);
    const answers = ["prediction", ...classes.map((label) => `probability_${label}`)];
    const clash = this.#keep.find((name) => answers.includes(name));
    if (clash !== undefined) throw fail(`the column \`${clash}\` cannot be kept: the answers have one of that name`);
    out.write(csvLine([...this.#keep, ...answers]));
  }

  row(cells, line) {
    const record = Object.create(null);
    this.columns.forEach((name, k) => {
      if (name !== "") record[name] = cells[k];
    });
    return this.object(record, line);
  }

  async object(record, line) {
    this.#records.push(record);
    this.#lines.push(line);
    if (this.#records.length === BATCH) await this.#flush();
  }

  async #flush() {
    const records = this.#records;
    const answers = this.#asOfColumn === undefined ? this.#model.predictBatch(records, this.#options) : records.map((record) => this.#ofItsTime(record));
    let text = "";
    answers.forEach((answer, k) => {
      this.#rows += 1;
      if (answer.status === "rejected") this.#tell(answer.violations, this.#lines[k]);
      text += this.columns === null ? this.#jsonLine(records[k], answer) : this.#csvLine(records[k], answer);
    });
    this.#records = [];
    this.#lines = [];
    Progress.current?.show(this.#rows);
    if (!out.write(text)) await new Promise((drained) => out.once("drain", drained));
  }

  /** The answer at the record's own event time; without one, a rejection that says so with whatever else is wrong. */
  #ofItsTime(record) {
    const field = this.#asOfColumn;
    const value = Object.hasOwn(record, field) ? record[field] : null;
    const missing = value === null || (typeof value === "string" && this.columns !== null && value.trim() === "");
    if (!missing) {
      try {
        return this.#model.predict(record, { ...this.#options, asOf: typeof value === "string" ? instant(value.trim()) : value });
      } catch (error) {
        if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
      }
    }
    const answer = this.#model.predict(record, this.#options);
    const message = missing ? "the record has no event time" : "the event time must be ISO 8601 or epoch milliseconds";
    const violations = [...(answer.violations ?? []), { field, code: missing ? "missing" : "type", message }];
    const { model, model_version, model_id, timestamp } = answer;
    return { status: "rejected", violations, model, model_version, model_id, timestamp };
  }

  #csvLine(record, answer) {
    const kept = this.#keep.map((name) => record[name]);
    if (answer.status === "rejected") return csvLine([...kept, "", ...this.#classes.map(() => "")]);
    return csvLine([...kept, answer.prediction, ...this.#classes.map((label) => String(answer.probability[label]))]);
  }

  #jsonLine(record, answer) {
    if (this.#keep.length === 0) return `${JSON.stringify(answer)}\n`;
    const input = Object.fromEntries(this.#keep.map((name) => [name, Object.hasOwn(record, name) ? record[name] : null]));
    return `${JSON.stringify({ input, ...answer })}\n`;
  }

  #tell(violations, line) {
    this.#rejected += 1;
    for (const { code } of violations) this.#codes[code] = (this.#codes[code] ?? 0) + 1;
    if (this.#rejected > SHOWN) return;
    Progress.current?.clear();
    for (const { field, message } of violations) console.error(`line ${line}: ${field}: ${message}`);
  }

  async finish() {
    await this.#flush();
    Progress.current?.clear();
    if (this.#rejected === 0) return 0;
    const codes = Object.entries(this.#codes).sort().map(([code, n]) => `${code} ${n}`).join(", ");
    const shown = this.#rejected > SHOWN ? `; the first ${SHOWN} are above` : "";
    console.error(`warning: ${this.#rejected} of ${this.#rows} records were rejected (${codes})${shown}`);
    return 1;
  }
}

/** How far it is, on a terminal that does not also show the answers. */
class Progress {
  static current = null;
  #stream;
  #size;
  #shown = 0;

  constructor(stream, size) {
    this.#stream = stream;
    this.#size = size;
    if (process.stderr.isTTY && !process.stdout.isTTY) Progress.current = this;
  }

  show(rows) {
    const now = Date.now();
    if (now - this.#shown < 100) return;
    this.#shown = now;
    const share = this.#size > 0 ? `, ${Math.floor((100 * this.#stream.bytesRead) / this.#size)} %` : "";
    process.stderr.write(`\r\x1b[K${rows.toLocaleString("en")} records${share}`);
  }

  clear() {
    if (this.#shown > 0) process.stderr.write("\r\x1b[K");
  }
}

function csvLine(cells) {
  return `${cells.map((cell) => (SPECIAL.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(",")}\n`;
}

/** An error for a person, without a stack. */
function fail(message) {
  return Object.assign(new Error(message), { expected: true });
}

const out = process.stdout;
// A reader that hangs up (`| head`) has what it wanted.
out.on("error", (error) => process.exit(error.code === "EPIPE" ? 0 : 2));

try {
  process.exitCode = await main();
} catch (error) {
  Progress.current?.clear();
  const known = error.expected || error.code?.startsWith?.("CSV_") || error.syscall !== undefined;
  console.error(`error: ${known ? error.message : error.stack}`);
  process.exitCode = 2;
}
