// What `hedgerow bind` wrote answers as the loop over names does, and for its own model only.
import { fails, ok, random, same } from "./check.js";

export function tests({ load, bytes, bindings, fixtures }) {
  const asOf = "2026-01-02T03:04:05.678Z";
  const { record: sound, fields } = fixtures.demo;
  return [
    [
      "a binding reads as the engine's own check (2000 records by a seed)",
      async () => {
        const [bound, full] = [await load(bytes("demo"), { cache: false, bind: bindings.demo }), await load(bytes("demo"), { cache: false })];
        full[Symbol.for("hedgerow.test.full")](true);
        const next = random(20260104);
        const pick = (values) => values[Math.floor(next() * values.length)];
        const odd = [null, undefined, NaN, Infinity, -0, 0, 1, 2, -1, 1e308, 120, 120.00000000000001, true, false, "", " ", "1", "web", "EU", "EU ", "2025-03-01", "2025-03-01T00:00+01:00", "2025-02-30", "\ud800", 1n, [], {}, new Date(0), new Date(NaN), new Date(8.64e15), 1.7e12, 1.7e12 + 0.9, -1e300];
        const shapes = [(record) => record, (record) => Object.assign(Object.create(null), record), (record) => Object.create(record), (record) => Object.assign(Object.create({ age: 7 }), record), (record) => new Proxy(record, {}), (record) => Object.assign(new Map(), record)];
        let accepted = 0;
        for (let i = 0; i < 2000; i++) {
          const plain = {};
          const oddness = next() < 0.5 ? 0.5 : 0.05;
          for (const [name] of fields) if (next() > 0.06) plain[name] = next() < oddness ? pick(odd) : sound[name];
          const record = next() < 0.7 ? plain : pick(shapes)(plain);
          const [a, b] = [bound.predict(record, { asOf }), full.predict(record, { asOf })];
          delete a.timestamp;
          delete b.timestamp;
          same(a, b, `record ${i}`);
          if (a.status === "ok") accepted += 1;
        }
        ok(accepted > 200 && accepted < 1800, `${accepted} of 2000 were accepted: the mix is off`);
        same([bound.report().predictions, bound.report().fields], [full.report().predictions, full.report().fields]);
      },
    ],
    [
      "a Proxy of a plain object gives what it gives, however the record is read",
      async () => {
        const record = new Proxy({}, { get: (_, name) => sound[name] });
        for (const bind of [bindings.demo, undefined]) {
          const loaded = await load(bytes("demo"), { cache: false, bind });
          const expected = loaded.predict(sound, { asOf }).probability;
          same(loaded.predict(record, { asOf }).probability, expected);
          same(loaded.predictBatch([record], { asOf })[0].probability, expected);
          await fails(() => loaded.predict(new Proxy(sound, { getPrototypeOf() { throw new Error("trapdoor"); } })), /trapdoor/);
        }
      },
    ],
    [
      "what Object.prototype was given is no field's value, however the record is read",
      async () => {
        for (const bind of [bindings.demo, undefined]) {
          const loaded = await load(bytes("demo"), { cache: false, bind });
          const expected = loaded.predict(sound, { asOf }).probability;
          const { age, ...rest } = sound;
          for (const shape of [{ value: 5 }, { get: () => 5 }]) {
            Object.defineProperty(Object.prototype, "age", { ...shape, configurable: true });
            try {
              same(loaded.predict(rest).violations?.map(({ field, code }) => [field, code]), [["age", "missing"]]);
              same(loaded.predictBatch([rest])[0].status, "rejected");
              same(loaded.predict(sound, { asOf }).probability, expected);
            } finally {
              delete Object.prototype.age;
            }
          }
          // Given while the record is read, after the first field: it is no value all the same.
          const record = { get age() { Object.prototype.income = 1e9; return age; }, region: sound.region };
          try {
            same(loaded.predict(record, { asOf }).probability, loaded.predict({ age, region: sound.region }, { asOf }).probability);
          } finally {
            delete Object.prototype.income;
          }
        }
      },
    ],
    [
      "a binding may be given as a module, and survives a trap",
      async () => {
        const loaded = await load(bytes("demo"), { bind: { default: bindings.demo } });
        const expected = loaded.predict(sound, { asOf }).probability;
        loaded[Symbol.for("hedgerow.test.trap")]();
        await fails(() => loaded.predict(sound), /the engine stopped/);
        same(loaded.predict(sound, { asOf }).probability, expected);
        loaded.free();
        await fails(() => loaded.predict(sound), /was freed/);
      },
    ],
    [
      "without a binding, and with code forbidden, the answers are the same and no code is made",
      async () => {
        const { Function } = globalThis;
        let made = 0;
        globalThis.Function = function (...args) {
          made += 1;
          return Function(...args);
        };
        try {
          const answers = [];
          for (const bind of [false, undefined]) {
            const loaded = await load(bytes("demo"), { cache: false, bind });
            for (let i = 0; i < 100; i++) answers.push(loaded.predict({ ...sound, age: i }, { asOf }).probability);
            same(made, bind === false ? 0 : 1);
          }
          same(answers.slice(0, 100), answers.slice(100));
        } finally {
          globalThis.Function = Function;
        }
      },
    ],
    [
      "a binding of another model is refused, and what is none",
      async () => {
        await fails(() => load(bytes("other"), { bind: bindings.demo }), /the binding is of another model: it was written for [0-9a-f]{64}, this is other 0\.9\.0-beta\.1/);
        await fails(() => load(bytes("demo"), { bind: { ...bindings.demo, format: 99 } }), /for another version of this package/);
        for (const bind of [{}, "demo.js", () => 0]) await fails(() => load(bytes("demo"), { bind }), /the option bind is what/, TypeError);
        // What stands in for the model answers without.
        const degraded = await load(new Uint8Array(3), { fallback: bytes("other"), bind: bindings.demo });
        same([degraded.health().status, degraded.predict(fixtures.other.record).status], ["degraded", "ok"]);
      },
    ],
  ];
}
