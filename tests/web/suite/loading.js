// From bytes to a model, and what is refused on the way.
import { fails, ok, same } from "./check.js";

export function tests({ load, bytes, model, fixtures }) {
  const sound = fixtures.demo.record;
  const answers = async (source) => {
    const loaded = await load(source);
    same(loaded.predict(sound).status, "ok");
    same(loaded.health().status, "healthy");
    loaded.free();
  };
  return [
    ["loads from bytes", () => answers(bytes("demo"))],
    ["loads from an ArrayBuffer", () => answers(bytes("demo").buffer)],
    [
      "loads from a view into a larger buffer",
      () => {
        const file = bytes("demo");
        const larger = new Uint8Array(file.length + 20);
        larger.set(file, 7);
        return answers(larger.subarray(7, 7 + file.length));
      },
    ],
    ["loads from a Blob", () => answers(new Blob([bytes("demo")]))],
    ["loads from a Response", () => answers(new Response(bytes("demo")))],
    ["loads from a promise of a Response", () => answers(Promise.resolve(new Response(bytes("demo"))))],
    [
      "keeps a copy of the caller's bytes",
      async () => {
        const file = bytes("demo");
        const loaded = await load(file);
        file.fill(0);
        loaded[Symbol.for("hedgerow.test.trap")]();
        await fails(() => loaded.predict(sound), /the engine stopped/);
        same(loaded.predict(sound).status, "ok");
      },
    ],
    ["refuses a response that is not ok", () => fails(() => load(new Response("no", { status: 404 })), /HTTP status 404/)],
    ["refuses what is no source", () => fails(() => load(42), /cannot be loaded from number/, TypeError)],
    ["refuses null", () => fails(() => load(null), /cannot be loaded from null/, TypeError)],
    ["refuses an empty file", () => fails(() => load(new Uint8Array()), /./)],
    ["refuses a page in place of a model", () => fails(() => load(new Response("<!doctype html><title>Not found</title>")), /hedge/)],
    [
      "refuses a source that is too long",
      () => {
        const blob = new Blob(["x"]);
        Object.defineProperty(blob, "size", { value: 2 ** 40 });
        return fails(() => load(blob), /longer than 268435456 bytes/, RangeError);
      },
    ],
    [
      "refuses every flipped bit that is tried",
      async () => {
        const file = bytes("demo");
        const step = Math.max(1, Math.floor(file.length / 97));
        for (let at = 0; at < file.length; at += step) {
          const damaged = file.slice();
          damaged[at] ^= 1 << at % 8;
          await fails(() => load(damaged), /./);
        }
      },
    ],
    [
      "refuses every cut and tail that is tried",
      async () => {
        const file = bytes("demo");
        for (const length of [1, 8, 31, 32, 63, 64, 65, file.length >> 1, file.length - 1]) await fails(() => load(file.slice(0, length)), /./);
        const longer = new Uint8Array(file.length + 1);
        longer.set(file);
        await fails(() => load(longer), /./);
      },
    ],
    ["refuses a model whose witnesses it cannot repeat", () => fails(() => load(bytes("forged_witness")), /witness/)],
    ["refuses unknown options", () => fails(() => load(bytes("demo"), { cash: false }), /unknown option "cash"/, TypeError)],
    ["refuses unknown options of the cache", () => fails(() => load(bytes("demo"), { cache: { size: 1 } }), /unknown option "size"/, TypeError)],
    ["refuses options of the cache that are no numbers", () => fails(() => load(bytes("demo"), { cache: { entries: "many" } }), /cache.entries is many/, RangeError)],
    [
      "a damaged primary: the fallback answers under its own name and version, and health says why",
      async () => {
        const damaged = bytes("demo");
        damaged[damaged.length - 1] ^= 1;
        const loaded = await load(damaged, { fallback: bytes("other") });
        const other = await load(bytes("other"));
        same(loaded.schema.name, other.schema.name);
        const answer = loaded.predict(fixtures.other.record);
        same([answer.status, answer.model, answer.model_version, answer.model_id], ["ok", other.schema.name, other.schema.version, other.schema.id]);
        const health = loaded.health();
        same(health.status, "degraded");
        same(health.model_id, other.schema.id);
        ok(health.reason.length > 10, `the reason is ${health.reason}`);
      },
    ],
    [
      "an unreachable primary: the fallback answers, and health says why",
      async () => {
        const loaded = await load(Promise.reject(new Error("the network is down")), { fallback: new Response(bytes("other")) });
        same(loaded.health().status, "degraded");
        ok(loaded.health().reason.includes("the network is down"), loaded.health().reason);
        same(loaded.predict(fixtures.other.record).status, "ok");
      },
    ],
    [
      "a sound primary: an unreachable fallback does not matter",
      async () => {
        const loaded = await load(bytes("demo"), { fallback: Promise.reject(new Error("the network is down")) });
        same(loaded.health().status, "healthy");
      },
    ],
    [
      "neither loads: the error names both",
      () => fails(() => load(Promise.reject(new Error("first is down")), { fallback: Promise.reject(new Error("second is down")) }), /first is down.*second is down/),
    ],
    [
      "the schema says what a record is, and is frozen",
      async () => {
        const { schema } = await model("demo");
        same(schema.name, fixtures.demo.name);
        same(schema.version, fixtures.demo.version);
        ok(/^[0-9a-f]{64}$/.test(schema.id), schema.id);
        same(schema.classes, fixtures.demo.classes);
        same(schema.extra, "ignore");
        same(schema.fields.map((field) => [field.name, field.kind, field.required]), fixtures.demo.fields);
        same(schema.derived.map((feature) => feature.name), fixtures.demo.derived);
        ok(Object.isFrozen(schema) && Object.isFrozen(schema.fields[0]), "it is not frozen");
        const levels = schema.fields.find((field) => field.kind === "category").levels;
        ok(levels.length > 1 && levels.every((level) => typeof level === "string"), "it has no levels");
      },
    ],
    [
      "two models do not disturb each other",
      async () => {
        const [a, b] = await Promise.all([model("demo"), model("other")]);
        const first = a.predict(sound);
        b[Symbol.for("hedgerow.test.trap")]();
        await fails(() => b.predict(fixtures.other.record), /the engine stopped/);
        same(a.predict(sound).probability, first.probability);
        b.free();
        same(a.predict(sound).probability, first.probability);
      },
    ],
  ];
}
