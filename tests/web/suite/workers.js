// Columns answered by workers: as without, in order, and what stops them. On a host without workers one test holds that
// it says so.
import { bits, fails, ok, random, same } from "./check.js";

const asOf = "2026-01-02T03:04:05.678Z";

export function tests({ model, alone }) {
  const next = random(11);
  const rows = 30_000;
  const levels = ["EU", "US", "APAC", "Mars"];
  const columns = {
    age: Float64Array.from({ length: rows }, () => next() * 121),
    region: Array.from({ length: rows }, () => levels[next() < 0.001 ? 3 : Math.floor(next() * 3)]),
    member: Array.from({ length: rows }, () => (next() < 0.1 ? null : next() < 0.5)),
    income: Float32Array.from({ length: rows }, () => (next() < 0.001 ? Infinity : next() * 1e5)),
    start_date: { codes: Int16Array.from({ length: rows }, () => Math.floor(next() * 5) - 1), dictionary: ["2025-03-01", 1.7e12, new Date(0), null] },
  };
  const told = ({ timestamp, probability, class_index, ...results }) => ({ ...results, index: [...class_index] });
  const all = [
    [
      "workers answer as one does, bit for bit, and what they count is reported",
      async () => {
        const [one, many] = [await model("demo"), await model("demo")];
        const expected = one.predictColumns(columns, { asOf });
        for (const workers of [1, 3]) {
          const results = await many.predictColumns(columns, { asOf, workers });
          same(told(results), told(expected));
          for (let i = 0; i < expected.probability.length; i++) if (!Object.is(results.probability[i], expected.probability[i])) throw new Error(`value ${i}: ${bits(results.probability[i])}, expected ${bits(expected.probability[i])}`);
        }
        ok(expected.rejected > 50 && expected.rejected < 500, `${expected.rejected} were rejected`);
        const [a, b] = [one.report(), many.report()];
        same([b.predictions, b.rejections], [2 * a.predictions, 2 * a.rejections]);
        same([b.fields.age.count, b.fields.age.min, b.fields.age.max, b.predicted], [2 * a.fields.age.count, a.fields.age.min, a.fields.age.max, Object.fromEntries(Object.entries(a.predicted).map(([label, n]) => [label, 2 * n]))]);
        many.free();
      },
    ],
    [
      "progress goes up to the end, and the caller's arrays take the results",
      async () => {
        const loaded = await model("demo");
        const seen = [];
        const out = { probability: new Float64Array(rows * 3), class_index: new Int32Array(rows) };
        const results = await loaded.predictColumns(columns, { workers: 2, out, onProgress: (progress) => seen.push(progress) });
        ok(results.probability === out.probability && results.class_index === out.class_index, "the results are in other arrays");
        same(seen.at(-1), { rows, total: rows, rejected: results.rejected });
        ok(seen.every(({ rows }, i) => i === 0 || rows > seen[i - 1].rows), "progress went backwards");
        const none = [];
        same((await loaded.predictColumns({ age: [], region: [] }, { workers: 2, onProgress: (progress) => none.push(progress) })).rows, 0);
        same(none, [{ rows: 0, total: 0, rejected: 0 }]);
        same(loaded.predictColumns({ age: [39], region: ["EU"] }, { workers: null }).rows, 1);
        const bad = loaded.predictColumns({ age: [39], region: [] }, { workers: 2 });
        ok(bad instanceof Promise, "bad columns do not come by the promise");
        await fails(() => bad, /columns differ in length/, RangeError);
        loaded.free();
      },
    ],
    [
      "an aborted signal stops it with its reason, and the next call answers",
      async () => {
        const loaded = await model("demo");
        const stop = new AbortController();
        await fails(() => loaded.predictColumns(columns, { workers: 2, signal: stop.signal, onProgress: () => stop.abort(new Error("enough")) }), /enough/);
        await fails(async () => loaded.predictColumns(columns, { workers: 2, signal: stop.signal }), /enough/);
        const late = new AbortController();
        let told = 0;
        const running = loaded.predictColumns(columns, { workers: 2, signal: late.signal, onProgress: () => (told += 1) });
        late.abort(new Error("changed my mind"));
        await fails(() => running, /changed my mind/);
        same(told, 0);
        same((await loaded.predictColumns(columns, { workers: 2 })).rows, rows);
        loaded.free();
      },
    ],
    [
      "what a worker answered is counted where the call ends early",
      async () => {
        const loaded = await model("demo");
        const plain = { age: new Float64Array(40_000).fill(39), region: { codes: new Uint8Array(40_000), dictionary: ["EU"] } };
        let done = 0;
        const thrown = loaded.predictColumns(plain, { workers: 1, onProgress({ rows }) { done = rows; throw new Error("enough"); } });
        await fails(() => thrown, /enough/);
        const { predictions } = loaded.report();
        ok(done > 0 && predictions >= done && predictions < 40_000, `${predictions} of ${done} answers were counted`);
        loaded.free();
      },
    ],
    [
      "what the caller's code throws is passed on",
      async () => {
        const loaded = await model("demo");
        const region = [...columns.region];
        Object.defineProperty(region, 20_000, { get() { throw new Error("trapdoor"); } });
        await fails(() => loaded.predictColumns({ ...columns, region }, { workers: 2 }), /trapdoor/);
        await fails(() => loaded.predictColumns(columns, { workers: 2, onProgress() { throw new Error("too much"); } }), /too much/);
        same((await loaded.predictColumns(columns, { workers: 2 })).rows, rows);
        loaded.free();
      },
    ],
    [
      "a trap here while workers answer is an error, and the same call again answers",
      async () => {
        const loaded = await model("demo");
        const expected = told(loaded.predictColumns(columns, { asOf }));
        await fails(() => loaded.predictColumns(columns, { asOf, workers: 1, onProgress: () => loaded[Symbol.for("hedgerow.test.trap")]() }), /the engine stopped/);
        same(told(await loaded.predictColumns(columns, { asOf, workers: 1 })), expected);
        same(loaded.report().restarts, 1);
        loaded.free();
      },
    ],
    [
      "free ends what is under way",
      async () => {
        const loaded = await model("demo");
        const running = loaded.predictColumns(columns, { workers: 2 });
        loaded.free();
        await fails(() => running, /freed/);
        const again = await model("demo");
        const later = again.predictColumns(columns, { workers: 2, onProgress: () => again.free() });
        await fails(() => later, /freed/);
      },
    ],
    [
      "two calls at a time do not mix",
      async () => {
        const loaded = await model("demo");
        const half = { ...columns, age: columns.age.map((age) => age / 2) };
        const expected = [columns, half].map((some) => told(loaded.predictColumns(some, { asOf })));
        const results = await Promise.all([columns, half].map((some) => loaded.predictColumns(some, { asOf, workers: 2 })));
        same(results.map(told), expected);
        loaded.free();
      },
    ],
    [
      "a number of workers that is none is refused",
      async () => {
        const loaded = await model("demo");
        for (const workers of [0, -1, 1.5, "2", NaN, false]) await fails(() => loaded.predictColumns(columns, { workers }), /the option workers is .*: it must be a whole number/, RangeError);
        same((await loaded.predictColumns({ age: [1], region: ["EU"] }, { workers: 1000 })).rows, 1);
        loaded.free();
      },
    ],
  ];
  if (!alone) return all;
  const refused = async () => {
    const loaded = await model("demo");
    await fails(() => loaded.predictColumns(columns, { workers: 2 }), /this host has no workers/);
    same(loaded.predictColumns(columns).rows, rows);
  };
  return [["a host without workers says so", refused]];
}
