// Arrays of records, columns and matrices mean what `predict` means, one record at a time.
import { bits, fails, ok, random, same } from "./check.js";

const asOf = "2026-01-02T03:04:05.678Z";

/** Values that are hard on somebody, for any field. */
const ODD = [null, undefined, NaN, Infinity, -Infinity, -0, 0, 1, 2, -1, 1e308, 120, 120.00000000000001, 5e-324, 99_999, 100_000, 2.5, true, false, "", " ", "1", "2", "web", "EU", "EU ", "Mars", "true", "39", "2025-03-01", "2025-03-01T10:00:00.123+02:00", "2025-02-30", "x".repeat(5000), "\ud800", 1n, [], {}, new Date(0), new Date(1.7e12), new Date(NaN), new Date(8.64e15), 1.7e12, 1.7e12 + 0.7, Number.MAX_VALUE];

/** Columns of the fields, and the records that they mean. */
function made(fields, rows, next, { oddness, sound }) {
  const pick = (values) => values[Math.floor(next() * values.length)];
  const numbers = [NaN, Infinity, -0, -1, 1e308, 120.5, 100_000, 1, 2, 2.5, 1.7e12, 5e-324];
  const columns = {};
  const cells = {};
  for (const [name, kind, required] of fields) {
    const value = () => (next() < oddness ? pick(ODD) : sound[name]);
    const shape = next();
    if (!required && shape < 0.1) continue;
    if (shape < 0.4) {
      const typed = pick([Float64Array, Float32Array, Int32Array, Uint8Array]);
      columns[name] = typed.from({ length: rows }, () => (next() < oddness ? pick(numbers) : kind === "time" ? 1.7e12 : kind === "flag" ? Math.round(next()) : kind === "category" ? pick([1, 2, 2.5, NaN, -0]) : 39));
    } else if (shape < 0.6) {
      const dictionary = Array.from({ length: 20 }, value);
      const codes = Int16Array.from({ length: rows }, () => (next() < oddness / 4 ? -1 : Math.floor(next() * 20)));
      columns[name] = { codes, dictionary };
      cells[name] = (row) => (codes[row] < 0 ? undefined : dictionary[codes[row]]);
      continue;
    } else {
      let last;
      columns[name] = Array.from({ length: rows }, () => (next() < 0.3 ? last : (last = value())));
    }
    cells[name] = (row) => columns[name][row];
  }
  const records = Array.from({ length: rows }, (_, row) => Object.fromEntries(Object.entries(cells).map(([name, cell]) => [name, cell(row)])));
  return { columns, records };
}

/** Holds the results of many rows to the answers of single records. */
function holds(results, answers, classes, what) {
  same([results.rows, results.class_index.length, results.probability.length], [answers.length, answers.length, answers.length * classes.length], what);
  const refused = [];
  answers.forEach((answer, row) => {
    const seen = classes.map((_, k) => bits(results.probability[row * classes.length + k]));
    if (answer.status === "ok") {
      same([results.class_index[row], seen], [answer.class_index, classes.map((label) => bits(answer.probability[label]))], `${what}, row ${row}`);
    } else {
      refused.push({ row, violations: answer.violations });
      same([results.class_index[row], [...results.probability.subarray(row * classes.length, (row + 1) * classes.length)].every(Number.isNaN)], [-1, true], `${what}, row ${row}`);
    }
  });
  same(results.rejected, refused.length, what);
  same(results.violations, refused.slice(0, 100), what);
}

/** What was counted, as far as the order of rows does not matter. */
function counted({ predictions, rejections, rejected, predicted, fields }) {
  const seen = Object.entries(fields).map(([name, { count, min, max, typical, missing_rate }]) => [name, count, min, max, typical, missing_rate]);
  return { predictions, rejections, rejected: Object.entries(rejected).sort(), predicted, seen };
}

export function tests({ load, bytes, model, fixtures }) {
  const sound = { ...fixtures.demo.record, start_date: new Date("2025-03-01") };
  const { fields } = fixtures.demo;
  return [
    [
      "records, arrays of records and columns are one (3000 rows by a seed)",
      async () => {
        const next = random(20260103);
        let accepted = 0;
        for (let round = 0; round < 12; round++) {
          const [single, batch, many] = [await model("demo"), await model("demo"), await model("demo")];
          const { classes } = single.schema;
          const raw = round % 4 === 3;
          const { columns, records } = made(fields, 1 + Math.floor(next() * 520), next, { oddness: round % 2 ? 0.3 : 0.01, sound });
          const answers = records.map((record) => single.predict(record, { asOf, raw }));
          const strip = ({ timestamp, ...answer }) => answer;
          same(batch.predictBatch(records, { asOf, raw }).map(strip), answers.map(strip), `round ${round}`);
          holds(many.predictColumns(columns, { asOf, raw }), answers, classes, `round ${round}`);
          same(counted(batch.report()), counted(single.report()));
          same(counted(many.report()), counted(single.report()));
          accepted += answers.filter((answer) => answer.status === "ok").length;
          for (const loaded of [single, batch, many]) loaded.free();
        }
        ok(accepted > 300, `only ${accepted} rows were accepted`);
      },
    ],
    [
      "a matrix of slots answers as the records that they stand for",
      async () => {
        const loaded = await model("demo");
        const { schema } = loaded;
        const next = random(5);
        const [rows, width] = [700, schema.fields.length];
        const matrix = new Float64Array(rows * width);
        const records = Array.from({ length: rows }, (_, row) => {
          const record = {};
          schema.fields.forEach(({ name, kind, levels, unknown }, j) => {
            let slot;
            if (next() < 0.03) slot = NaN;
            else if (kind === "category") slot = Math.floor(next() * (levels.length + (unknown === "admit" ? 1 : 0)));
            else if (kind === "flag") slot = Math.round(next());
            else if (kind === "time") slot = 1.7e9 + Math.round(next() * 1e6) / 1000;
            else slot = next() < 0.02 ? 1e6 : next() * 100;
            matrix[row * width + j] = slot;
            if (slot === slot) record[name] = kind === "category" ? (levels[slot] ?? "no such level") : kind === "flag" ? slot === 1 : kind === "time" ? new Date(Math.round(slot * 1000)) : slot;
          });
          return record;
        });
        const results = loaded.predictMatrix(matrix, rows, { asOf });
        holds(results, records.map((record) => loaded.predict(record, { asOf })), schema.classes, "matrix");
        ok(results.rejected > 10 && results.rejected < 500, `${results.rejected} were rejected`);
      },
    ],
    [
      "a slot that is none is a violation that says so",
      async () => {
        const loaded = await model("demo");
        const slots = [39, 1, 1, 0, 1, 1.7e9, 5];
        const row = (changes) => Object.entries(changes).reduce((all, [k, v]) => all.with?.(k, v) ?? Object.assign([...all], { [k]: v }), slots);
        const codes = (changes) => loaded.predictMatrix(Float64Array.from(row(changes)), 1, { asOf }).violations.flatMap(({ violations }) => violations.map(({ field, code }) => `${field}: ${code}`));
        same(codes({}), []);
        same(codes({ 2: 4 }), ["region: type"]);
        same(codes({ 2: -1 }), ["region: type"]);
        same(codes({ 2: 0.5 }), ["region: type"]);
        same(codes({ 3: 3 }), []);
        same(codes({ 3: 4 }), ["channel: type"]);
        same(codes({ 2: NaN }), ["region: missing"]);
        same(codes({ 4: 2 }), ["member: type"]);
        same(codes({ 5: 1e15 }), ["start_date: out_of_range"]);
        same(codes({ 0: 121, 6: 1e6 }), ["age: out_of_range", "capital-gain: out_of_range"]);
        same(codes({ 1: Infinity }), []);
        const { violations } = loaded.predictMatrix(Float64Array.from(row({ 2: 9 })), 1);
        ok(violations[0].violations[0].message.includes("no index"), violations[0].violations[0].message);
      },
    ],
    [
      "the caller's arrays take the results",
      async () => {
        const loaded = await model("demo");
        const columns = { age: Float64Array.of(39, 40, 200), region: ["EU", "US", "EU"] };
        const expected = loaded.predictColumns(columns, { asOf });
        const out = { class_index: new Int32Array(3), probability: new Float64Array(9) };
        const results = loaded.predictColumns(columns, { asOf, out });
        ok(results.class_index === out.class_index && results.probability === out.probability, "the results are in other arrays");
        same([[...out.class_index], [...out.probability]], [[...expected.class_index], [...expected.probability]]);
        same([results.rejected, results.violations.map(({ row }) => row)], [1, [2]]);
        const small = { class_index: new Int8Array(3), probability: new Float32Array(9) };
        loaded.predictColumns(columns, { asOf, out: small });
        same([...small.probability.slice(0, 6)], [...Float32Array.from(expected.probability).slice(0, 6)]);
        await fails(() => loaded.predictColumns(columns, { out: { probability: new Float64Array(8) } }), /room for 8 numbers, 9 are to come/, RangeError);
        await fails(() => loaded.predictColumns(columns, { out: { class_index: [] } }), /out\.class_index must be a Int32Array/, TypeError);
      },
    ],
    [
      "columns that do not belong together are refused",
      async () => {
        const loaded = await model("demo");
        const fine = { age: [1, 2], region: ["EU", "EU"] };
        await fails(() => loaded.predictColumns({ ...fine, income: [1] }), /columns differ in length: `age` has 2 rows, `income` has 1/, RangeError);
        await fails(() => loaded.predictColumns({ ...fine, income: "12" }), /the column `income` is a string: it must be an array/, TypeError);
        await fails(() => loaded.predictColumns({ ...fine, income: new BigInt64Array(2) }), /the column `income` is a BigInt64Array/, TypeError);
        await fails(() => loaded.predictColumns({ ...fine, region: { codes: [0, 1], dictionary: ["EU"] } }), /the column `region` is an object/, TypeError);
        await fails(() => loaded.predictColumns({ ...fine, region: { codes: Int8Array.of(0, 1), dictionary: ["EU"] } }), /row 1 of the column `region` has the code 1: its dictionary has 1 entries/, RangeError);
        await fails(() => loaded.predictColumns({ nobody: [1] }), /none of the columns is a field/, TypeError);
        await fails(() => loaded.predictColumns([]), /takes an object of columns/, TypeError);
        await fails(() => loaded.predictColumns(fine, { onProgress: 3 }), /onProgress is a function/, TypeError);
        await fails(() => loaded.predictMatrix(new Float64Array(8), 1), /the matrix holds 8 numbers: for 7 fields it must be 1 x 7 = 7/, RangeError);
        await fails(() => loaded.predictMatrix([1], 1), /takes a Float64Array/, TypeError);
        await fails(() => loaded.predictMatrix(new Int32Array(7), 1), /not an Int32Array/, TypeError);
        const none = [];
        const onProgress = (progress) => none.push(progress);
        same(loaded.predictColumns({ age: [], region: [] }, { onProgress }).rows, 0);
        same(loaded.predictMatrix(new Float64Array(0), 0, { onProgress }).rows, 0);
        same(none, [{ rows: 0, total: 0, rejected: 0 }, { rows: 0, total: 0, rejected: 0 }]);
        same(loaded.predictColumns({ ...fine, nobody: "asks" }).rejected, 0);
        same(loaded.predictColumns(fine).rejected, 0);
      },
    ],
    [
      "names that are no field are refused where the schema says so, in every row",
      async () => {
        const strict = await model("strict");
        const { rejected, violations } = strict.predictColumns({ age: [1, 2], b: [1, 1] });
        same([rejected, violations.map(({ row, violations }) => [row, violations[0].field, violations[0].code])], [2, [[0, "b", "unknown_field"], [1, "b", "unknown_field"]]]);
        same(strict.predictColumns({ age: [1, 2] }).rejected, 0);
        same(strict.predictBatch([{ age: 1 }, { age: 1, b: 1 }]).map((answer) => answer.status), ["ok", "rejected"]);
      },
    ],
    [
      "fields and labels of special names, in columns",
      async () => {
        const loaded = await model("other");
        const { classes } = loaded.schema;
        const records = Array.from({ length: 300 }, (_, i) => JSON.parse(JSON.stringify(fixtures.other.record, (_, v) => (typeof v === "number" ? v + i / 300 : v))));
        const columns = JSON.parse("{}");
        for (const name of fixtures.other.names) Object.defineProperty(columns, name, { value: records.map((record) => record[name]), enumerable: true });
        holds(loaded.predictColumns(columns, { asOf }), records.map((record) => loaded.predict(record, { asOf })), classes, "other");
      },
    ],
    [
      "progress is told, in order, to the end",
      async () => {
        const loaded = await model("demo");
        const rows = 40_000;
        const columns = { age: new Float64Array(rows).fill(39), region: { codes: new Uint8Array(rows), dictionary: ["EU"] } };
        const told = [];
        loaded.predictColumns(columns, { onProgress: (progress) => told.push(progress) });
        same(told.at(-1), { rows, total: rows, rejected: 0 });
        ok(told.length > 1 && told.every(({ rows }, i) => i === 0 || rows > told[i - 1].rows), "progress went backwards");
        const stop = new AbortController();
        await fails(() => loaded.predictColumns(columns, { signal: stop.signal, onProgress: () => stop.abort(new Error("enough")) }), /enough/);
        await fails(() => loaded.predictColumns(columns, { signal: stop.signal }), /enough/);
      },
    ],
    [
      "a column whose buffer the caller shrinks meanwhile is no column, and answers nothing",
      async () => {
        const loaded = await model("demo");
        const rows = 40_000;
        const cut = (buffer) => () => (typeof buffer.resize === "function" ? buffer.resize(8) : structuredClone(buffer, { transfer: [buffer] }));
        const made = (length) => (typeof ArrayBuffer.prototype.resize === "function" ? new ArrayBuffer(length, { maxByteLength: length }) : new ArrayBuffer(length));
        const region = { codes: new Uint8Array(rows), dictionary: ["EU"] };
        const age = new Float64Array(made(8 * rows)).fill(39);
        await fails(() => loaded.predictColumns({ age, region }, { onProgress: cut(age.buffer) }), /the column `age` changed its length while it was read/, RangeError);
        const codes = new Uint8Array(made(rows));
        await fails(() => loaded.predictColumns({ age: new Float64Array(rows), region: { codes, dictionary: ["EU"] } }, { onProgress: cut(codes.buffer) }), /`region`/, RangeError);
        const matrix = new Float64Array(made(8 * 7 * rows));
        await fails(() => loaded.predictMatrix(matrix, rows, { onProgress: cut(matrix.buffer) }), /the matrix changed its length while it was read/, RangeError);
      },
    ],
    [
      "a trap after some pieces is an error, and the same call again answers",
      async () => {
        const loaded = await model("demo");
        const rows = 40_000;
        const columns = { age: Float64Array.from({ length: rows }, (_, i) => i % 100), region: { codes: Uint8Array.from({ length: rows }, (_, i) => i % 2), dictionary: ["EU", "US"] } };
        const expected = loaded.predictColumns(columns, { asOf });
        await fails(() => loaded.predictColumns(columns, { asOf, onProgress: () => loaded[Symbol.for("hedgerow.test.trap")]() }), /the engine stopped/);
        const again = loaded.predictColumns(columns, { asOf });
        ok(again.probability.every((p, i) => Object.is(p, expected.probability[i])) && again.class_index.every((k, i) => k === expected.class_index[i]), "other answers after a trap");
        same(loaded.report().restarts, 1);
      },
    ],
    [
      "code of the caller's that runs while columns are read may call the model",
      async () => {
        const loaded = await model("demo");
        const plain = { age: [30, 39, 50], region: ["EU", "US", "EU"] };
        const expected = loaded.predictColumns(plain, { asOf }).probability;
        const inner = () => loaded.predictColumns({ age: new Float64Array(600).fill(20), region: new Array(600).fill("APAC") }, { asOf });
        const region = [...plain.region];
        Object.defineProperty(region, 1, { get: () => (inner(), loaded.predict(sound), loaded.predictBatch([sound, sound]), "US") });
        same([...loaded.predictColumns({ ...plain, region }, { asOf }).probability], [...expected]);
        const record = (i) => ({ age: plain.age[i], get region() { return inner(), plain.region[i]; } });
        same(loaded.predictBatch([record(0), record(1), record(2)], { asOf }).map(({ probability }) => Object.values(probability)).flat(), [...expected]);
        await fails(() => loaded.predictColumns({ age: [1], region: new Proxy(["EU"], { get(target, name) { if (name === "0") throw new Error("trapdoor"); return target[name]; } }) }), /trapdoor/);
        same([...loaded.predictColumns(plain, { asOf }).probability], [...expected]);
      },
    ],
    [
      "a batch and columns go past the cache",
      async () => {
        const loaded = await load(bytes("demo"));
        loaded.predict(sound, { asOf });
        same(loaded.predictBatch([sound], { asOf })[0].cached, false);
        const { hits, entries } = loaded.report().cache;
        same([hits, entries, loaded.predict(sound, { asOf }).cached], [0, 1, true]);
      },
    ],
    [
      "after a trap columns answer the same",
      async () => {
        const loaded = await model("demo");
        const columns = { age: new Float64Array(600).fill(39), region: new Array(600).fill("EU") };
        const expected = [...loaded.predictColumns(columns, { asOf }).probability];
        loaded[Symbol.for("hedgerow.test.trap")]();
        await fails(() => loaded.predictColumns(columns, { asOf }), /the engine stopped/);
        same([...loaded.predictColumns(columns, { asOf }).probability], expected);
        loaded.free();
        for (const call of [() => loaded.predictColumns(columns), () => loaded.predictMatrix(new Float64Array(7), 1)]) await fails(call, /was freed/);
      },
    ],
  ];
}
