// After a trap the instance is dropped and the next call answers; after free() nothing does.
import { fails, ok, same } from "./check.js";

const TRAP = Symbol.for("hedgerow.test.trap");

export function tests({ load, bytes, model, fixtures }) {
  const sound = fixtures.demo.record;
  const asOf = "2026-01-02";
  return [
    [
      "a trap is an error once, and the next call answers the same",
      async () => {
        const loaded = await model("demo");
        const expected = loaded.predict(sound, { asOf }).probability;
        for (let times = 1; times <= 3; times++) {
          loaded[TRAP]();
          const error = await fails(() => loaded.predict(sound, { asOf }), /the engine stopped .* the next call gets a new one/);
          ok(error.cause instanceof WebAssembly.RuntimeError, `the cause is ${error.cause}`);
          same(loaded.predict(sound, { asOf }).probability, expected);
          same(loaded.report().restarts, times);
        }
      },
    ],
    [
      "after a trap every method answers",
      async () => {
        const loaded = await model("demo");
        const { id } = loaded.schema;
        for (const call of [() => loaded.predictBatch([sound, {}]).length, () => loaded.health().status, () => loaded.report().predictions, () => loaded.predict({ age: "x" }).status, () => loaded.predict(sound, { asOf: "2026-01-02" }).status]) {
          loaded[TRAP]();
          await fails(call, /the engine stopped/);
          call();
        }
        same(loaded.schema.id, id);
        same(loaded.health().model_id, id);
      },
    ],
    [
      "a trap in a batch ends that batch only",
      async () => {
        const loaded = await model("demo");
        loaded[TRAP]();
        await fails(() => loaded.predictBatch([sound, sound]), /the engine stopped/);
        same(loaded.predictBatch([sound, sound]).map((a) => a.status), ["ok", "ok"]);
      },
    ],
    [
      "after a trap the fallback still answers as the fallback",
      async () => {
        const loaded = await load(new Uint8Array(3), { fallback: bytes("demo") });
        const { reason } = loaded.health();
        loaded[TRAP]();
        await fails(() => loaded.predict(sound), /the engine stopped/);
        same(loaded.predict(sound).status, "ok");
        same([loaded.health().status, loaded.health().reason], ["degraded", reason]);
      },
    ],
    [
      "free ends it, twice does no harm",
      async () => {
        const loaded = await model("demo");
        loaded.free();
        loaded.free();
        for (const call of [() => loaded.predict(sound), () => loaded.predictBatch([sound]), () => loaded.health(), () => loaded.report(), () => loaded.schema]) await fails(call, /this model was freed: load it again/);
      },
    ],
    [
      "free after a trap",
      async () => {
        const loaded = await model("demo");
        loaded[TRAP]();
        await fails(() => loaded.predict(sound), /the engine stopped/);
        loaded.free();
        await fails(() => loaded.predict(sound), /was freed/);
      },
    ],
    [
      "Symbol.dispose frees it",
      async () => {
        if (typeof Symbol.dispose !== "symbol") return;
        const loaded = await model("demo");
        loaded[Symbol.dispose]();
        await fails(() => loaded.predict(sound), /was freed/);
      },
    ],
    [
      "many models, one after another, do not pile up",
      async () => {
        for (let i = 0; i < 100; i++) {
          const loaded = await model("demo");
          same(loaded.predict(sound).status, "ok");
          loaded.free();
        }
      },
    ],
  ];
}
