// Answers of the package beside native ones, by bits. Runs on every host.
import { bits } from "./check.js";

const TRUE = new Set(["true", "1", "yes", "t", "y"]);
/** Records asked for at a time. */
const BATCH = 2000;

/**
 * `bytes`: a model file. `about`: `{ columns, rows, bits }`: names, rows of texts (null: missing), and per row the hexadecimal bits of
 * the native probabilities. `now()` means 1970. Every row is asked
 * as texts and as typed values. Gives `{ answers, failures }`.
 */
export async function compare(load, bytes, { columns, rows, bits: expected }) {
  const model = await load(bytes, { cache: false });
  const failures = [];
  let answers = 0;
  try {
    const { classes, fields } = model.schema;
    const kinds = new Map(fields.map(({ name, kind }) => [name, kind]));
    const record = (row, value) => Object.fromEntries(columns.map((name, k) => [name, row[k] === null ? null : value(row[k], kinds.get(name))]));
    for (const [way, value] of [["texts", (text) => text], ["values", typed]]) {
      for (let at = 0; at < rows.length; at += BATCH) {
        const records = rows.slice(at, at + BATCH).map((row) => record(row, value));
        model.predictBatch(records, { asOf: 0, raw: way === "texts" }).forEach((answer, k) => {
          const seen = answer.status === "ok" ? classes.map((label) => bits(answer.probability[label])).join("") : JSON.stringify(answer.violations);
          answers += 1;
          if (seen !== expected[at + k]) failures.push(`row ${at + k}, as ${way}: ${seen}, native ${expected[at + k]}: ${JSON.stringify(records[k])}`);
        });
      }
    }
  } finally {
    model.free();
  }
  return { answers, failures };
}

function typed(text, kind) {
  if (kind === "number") return Number(text);
  if (kind === "flag") return TRUE.has(text.toLowerCase());
  return text;
}

/** `cases`: `[name, bytes, about]`, the last two as functions that give them. Gives `{ name, answers, error }` of each. */
export async function all(load, cases) {
  const results = [];
  for (const [name, bytes, about] of cases) {
    let [answers, error] = [0, null];
    try {
      const { answers: asked, failures } = await compare(load, await bytes(), await about());
      answers = asked;
      if (asked === 0) error = "no row was asked";
      else if (failures.length > 0) error = `${failures.length} of ${asked} answers differ; ${failures[0]}`;
    } catch (thrown) {
      error = String(thrown?.message ?? thrown);
    }
    results.push({ name, answers, error });
  }
  return results;
}
