// The package in workerd (Cloudflare Workers), and www/worker behind HTTP.
import assert from "node:assert/strict";
import { copyFileSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { consumer, fixtures, root, workerd } from "./lib/places.mjs";
import { report } from "./lib/report.mjs";
import { PACKAGE, config } from "./lib/worker.mjs";

test("workerd", { timeout: 300_000 }, async (t) => {
  const suite = [...readdirSync(join(consumer, "suite")).map((name) => `suite/${name}`), "demo.bind.js", "other.bind.js"].map((name) => `(name = "${name}", esModule = embed "${name}")`);
  const server = await workerd(config(consumer, "suite.capnp", [`(name = "worker.js", esModule = embed "worker.js")`, `(name = "fixtures.json", json = embed "fixtures.json")`, ...suite]));
  try {
    const response = await fetch(server.url, { signal: AbortSignal.timeout(240_000) });
    assert.equal(response.status, 200, await response.clone().text());
    await report(t, await response.json(), [], true);
  } finally {
    await server.stop();
  }
});

test("www/worker", { timeout: 120_000 }, async (t) => {
  copyFileSync(join(root, "www", "worker", "worker.js"), join(consumer, "predict.js"));
  const worker = (model) => [`(name = "worker.js", esModule = embed "predict.js")`, `(name = "model.hedge", data = embed "${model}")`];
  const server = await workerd(config(consumer, "predict.capnp", worker("demo.hedge")));
  const { demo } = fixtures();
  const post = (body, query = "") => fetch(`${server.url}/predict${query}`, { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) });
  const refused = async (response, status, pattern) => {
    assert.equal(response.status, status);
    const answer = await response.json();
    assert.deepEqual(Object.keys(answer), ["error"]);
    assert.match(answer.error, pattern);
  };
  try {
    await t.test("a record gets an answer", async () => {
      const response = await post(demo.record, "?as_of=2026-01-02");
      assert.equal(response.status, 200);
      const answer = await response.json();
      assert.deepEqual([answer.status, answer.model, answer.as_of], ["ok", "demo", "2026-01-02T00:00:00.000Z"]);
    });
    await t.test("a refused record is 422 with every violation", async () => {
      const response = await post(demo.bad.record);
      assert.equal(response.status, 422);
      assert.deepEqual((await response.json()).violations.map((v) => [v.field, v.code]), demo.bad.violations);
    });
    await t.test("an array gets an array", async () => {
      const response = await post([demo.record, demo.bad.record]);
      assert.equal(response.status, 200);
      assert.deepEqual((await response.json()).map((a) => a.status), ["ok", "rejected"]);
    });
    await t.test("GET /schema and GET /health", async () => {
      const schema = await (await fetch(`${server.url}/schema`)).json();
      assert.deepEqual(schema.fields.map((f) => f.name), demo.fields.map(([name]) => name));
      assert.equal((await (await fetch(`${server.url}/health`)).json()).status, "healthy");
    });
    await t.test("what is wrong with a request is said as JSON", async () => {
      await refused(await post("{"), 400, /the body is no JSON/);
      await refused(await post("3"), 400, /the body must be a record/);
      await refused(await post([3]), 400, /record 0 of the batch is a number/);
      await refused(await post(demo.record, "?as_of=soon"), 400, /asOf is "soon"/);
      await refused(await post(`"${"x".repeat(2_000_000)}"`), 413, /longer than 1048576 bytes/);
      await refused(await fetch(`${server.url}/predict`), 405, /takes POST/);
      await refused(await fetch(`${server.url}/absent`), 404, /there is no \/absent/);
    });
    await t.test("__proto__ in a body is a name like others", async () => {
      const response = await post(`{"__proto__": {"age": 1}, "constructor": 2, "region": "EU"}`);
      assert.deepEqual((await response.json()).violations.map((v) => [v.field, v.code]), [["age", "missing"]]);
    });
  } finally {
    await server.stop();
  }
  await t.test("a model that does not load is 503, and says why", async () => {
    writeFileSync(join(consumer, "damaged.hedge"), readFileSync(join(consumer, "demo.hedge")).subarray(0, 100));
    const damaged = await workerd(config(consumer, "damaged.capnp", worker("damaged.hedge")));
    try {
      const response = await fetch(`${damaged.url}/health`);
      assert.equal(response.status, 503);
      assert.match((await response.json()).error, /the model does not load: /);
    } finally {
      await damaged.stop();
    }
  });
  await t.test("its config names every file of the package that it needs", () => {
    const text = readFileSync(join(root, "www", "worker", "config.capnp"), "utf8");
    for (const name of [...PACKAGE, "hedgerow_bg.wasm"]) assert.ok(text.includes(`embed "../../build/package/${name}"`), name);
  });
});
