// What an answer holds, how answers are remembered and counted.
import { fails, ok, same } from "./check.js";

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Runs `work` with the clock in its hand. */
function withClock(start, work) {
  const { now } = Date;
  const clock = { ms: start };
  Date.now = () => clock.ms;
  try {
    return work(clock);
  } finally {
    Date.now = now;
  }
}

export function tests({ load, bytes, model, fixtures }) {
  const sound = fixtures.demo.record;
  const asOf = "2026-01-02T03:04:05.678Z";
  return [
    [
      "an answer holds what it should, in order",
      async () => {
        const loaded = await model("demo");
        const answer = loaded.predict(sound, { asOf });
        same(Object.keys(answer), ["status", "prediction", "class_index", "probability", "confidence", "model", "model_version", "model_id", "as_of", "timestamp", "cached"]);
        const { name, version, id, classes } = loaded.schema;
        same([answer.status, answer.model, answer.model_version, answer.model_id, answer.as_of, answer.cached], ["ok", name, version, id, asOf, false]);
        same(Object.keys(answer.probability), classes);
        const p = Object.values(answer.probability);
        ok(Math.abs(p.reduce((a, b) => a + b) - 1) < 1e-12, "probabilities do not add up to 1");
        same(answer.confidence, Math.max(...p));
        same(answer.class_index, p.indexOf(answer.confidence));
        same(answer.prediction, classes[answer.class_index]);
        ok(ISO.test(answer.timestamp), answer.timestamp);
      },
    ],
    [
      "a model with a threshold predicts the second class from there on, in all ways",
      async () => {
        const loaded = await model("threshold");
        const { threshold, classes } = loaded.schema;
        ok(threshold > 0.1 && threshold < 0.4, String(threshold));
        const records = [{ age: -3, size: 1.5 }, { age: -3.0000001, size: 1.5 }, { age: -2, size: 1.5 }, { age: 5, size: 0 }];
        const expected = [1, 0, 1, 1];
        for (const full of [false, true]) {
          loaded[Symbol.for("hedgerow.test.full")](full);
          // More than it takes until code is made for the model.
          for (let k = 0; k < 40; k++) {
            const answer = loaded.predict(records[k % 4], { asOf });
            same(Object.keys(answer), ["status", "prediction", "class_index", "probability", "confidence", "threshold", "model", "model_version", "model_id", "as_of", "timestamp", "cached"]);
            same([answer.threshold, answer.class_index, answer.prediction], [threshold, expected[k % 4], classes[expected[k % 4]]]);
            same(answer.confidence, answer.probability[answer.prediction]);
          }
          same(loaded.predictBatch(records).map((answer) => [answer.class_index, answer.threshold]), expected.map((k) => [k, threshold]));
        }
        loaded[Symbol.for("hedgerow.test.full")](false);
        same([...loaded.predictColumns({ age: records.map((r) => r.age), size: records.map((r) => r.size) }).class_index], expected);
        const fresh = await load(bytes("threshold"));
        fresh.predictColumns({ age: records.map((r) => r.age), size: records.map((r) => r.size) });
        records.forEach((record) => fresh.predict(record));
        same(fresh.report().predicted, { no: 2, yes: 6 });
      },
    ],
    [
      "a rejected record is an answer with every violation in order",
      async () => {
        const loaded = await model("demo");
        const answer = loaded.predict(fixtures.demo.bad.record);
        same(Object.keys(answer), ["status", "violations", "model", "model_version", "model_id", "timestamp"]);
        same(answer.status, "rejected");
        same(answer.violations.map((v) => [v.field, v.code]), fixtures.demo.bad.violations);
        for (const v of answer.violations) ok(typeof v.message === "string" && v.message.length > 5, "a violation has no message");
        same(answer.model_id, loaded.schema.id);
      },
    ],
    [
      "without asOf the host's clock is meant",
      async () => {
        const loaded = await model("demo");
        withClock(1_767_323_045_678, () => {
          const answer = loaded.predict(sound);
          same([answer.as_of, answer.timestamp], [asOf, asOf]);
        });
      },
    ],
    [
      "asOf may be a Date, a text or a number, and means the same",
      async () => {
        const loaded = await model("demo");
        const expected = loaded.predict(sound, { asOf }).probability;
        for (const same_instant of [new Date(asOf), Date.parse(asOf), "2026-01-02T04:04:05.678+01:00", "2026-01-02 03:04:05.678"]) {
          const answer = loaded.predict(sound, { asOf: same_instant });
          same([answer.as_of, answer.probability], [asOf, expected]);
        }
        const later = loaded.predict(sound, { asOf: "2031-01-02" });
        same(later.as_of, "2031-01-02T00:00:00.000Z");
        ok(JSON.stringify(later.probability) !== JSON.stringify(expected), "a feature that depends on now() did not change");
      },
    ],
    [
      "an asOf that is no instant is refused",
      async () => {
        const loaded = await model("demo");
        for (const bad of ["soon", "2026-02-30", new Date(NaN), NaN, Infinity, 1e18, {}, true, "9".repeat(100000)]) await fails(() => loaded.predict(sound, { asOf: bad }), /^asOf is .*: it must be a valid Date/, RangeError);
        await fails(() => loaded.predict(sound, "2026"), /the options of a prediction are an object/, TypeError);
      },
    ],
    [
      "a batch answers as single calls do, in order, sound or not",
      async () => {
        const loaded = await model("demo");
        const records = [sound, fixtures.demo.bad.record, { ...sound }, {}];
        const batch = withClock(1_767_323_045_678, () => loaded.predictBatch(records, { asOf }));
        const single = withClock(1_767_323_045_678, () => records.map((record) => loaded.predict(record, { asOf })));
        same(batch, single);
        same(loaded.predictBatch([]), []);
      },
    ],
    [
      "a batch has a limit, and names the record that is none",
      async () => {
        const loaded = await model("demo");
        await fails(() => loaded.predictBatch(new Array(100_001)), /over the limit of 100000/, RangeError);
        await fails(() => loaded.predictBatch([sound, null]), /record 1 of the batch is null/, TypeError);
        await fails(() => loaded.predictBatch({}), /takes an array of records, not an object/, TypeError);
      },
    ],
    [
      "what is no record is refused",
      async () => {
        const loaded = await model("demo");
        for (const bad of [null, undefined, 3, "text", true, 1n, Symbol("s"), () => 0]) await fails(() => loaded.predict(bad), /a record is an object/, TypeError);
        await fails(() => loaded.predict([sound]), /call predictBatch/, TypeError);
      },
    ],
    [
      "answers are remembered, for as long as was asked",
      async () => {
        const loaded = await load(bytes("demo"), { cache: { ttl: 60 } });
        withClock(1_767_323_045_000, (clock) => {
          const first = loaded.predict(sound, { asOf });
          const second = loaded.predict({ ...sound, nobody: "asks" }, { asOf });
          same([first.cached, second.cached], [false, true]);
          same(second.probability, first.probability);
          clock.ms += 59_000;
          same(loaded.predict(sound, { asOf }).cached, true);
          clock.ms += 2_000;
          same(loaded.predict(sound, { asOf }).cached, false);
        });
      },
    ],
    [
      "a feature that depends on now() is never remembered for another instant",
      async () => {
        const loaded = await load(bytes("demo"));
        const now = loaded.predict(sound, { asOf: "2026-01-02" });
        const later = loaded.predict(sound, { asOf: "2027-01-02" });
        same([now.cached, later.cached], [false, false]);
        same(loaded.predict(sound, { asOf: "2026-01-02" }).cached, true);
      },
    ],
    [
      "the cache is bounded, and can be turned off",
      async () => {
        const two = await load(bytes("demo"), { cache: { entries: 2 } });
        const days = ["2026-01-01", "2026-02-01", "2026-03-01"];
        for (const day of days) two.predict(sound, { asOf: day });
        const { cache } = two.report();
        same([cache.entries, cache.evictions, cache.misses, cache.hits], [2, 1, 3, 0]);
        const none = await load(bytes("demo"), { cache: false });
        none.predict(sound, { asOf });
        same(none.predict(sound, { asOf }).cached, false);
        same(none.report().cache.entries, 0);
      },
    ],
    [
      "the report counts answers, refusals by code and labels",
      async () => {
        const loaded = await load(bytes("demo"));
        const answer = loaded.predict(sound, { asOf });
        loaded.predict(sound, { asOf });
        loaded.predict(fixtures.demo.bad.record);
        const report = loaded.report();
        same(report.predictions, 2);
        same(report.predicted[answer.prediction], 2);
        for (const [, code] of fixtures.demo.bad.violations) ok(report.rejected[code] > 0, `no refusal is counted for ${code}`);
        same([report.cache.hits, report.cache.misses, report.restarts], [1, 1, 0]);
        ok(report.cache.bytes > 0, "the cache takes no bytes");
      },
    ],
  ];
}
