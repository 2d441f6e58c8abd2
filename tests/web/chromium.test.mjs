// The package in Chromium, from a plain folder of files, and bundled by Vite.
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { results, serve } from "./lib/browser.mjs";
import { consumer } from "./lib/places.mjs";
import { report } from "./lib/report.mjs";

test("chromium, a folder of files", { timeout: 300_000 }, async (t) => {
  const server = await serve(consumer, { "/plain/hedgerow_bg.wasm": join(consumer, "node_modules", "hedgerow", "hedgerow_bg.wasm") });
  try {
    const { results: found, more, said } = await results(server.url);
    await report(t, found, more);
    await t.test("nothing is refused by the policy, nothing fails unseen", () => {
      // The files that are asked for in vain on purpose are all that the console tells of.
      const other = said.filter((line) => !/Failed to load resource.*404/.test(line));
      assert.deepEqual(other, []);
    });
  } finally {
    await server.stop();
  }
});

test("chromium, bundled by vite", { timeout: 300_000 }, async (t) => {
  const app = join(consumer, "vite");
  mkdirSync(join(app, "public"), { recursive: true });
  writeFileSync(join(app, "index.html"), '<!doctype html><html lang="en"><title>app</title><body><script type="module" src="/main.js"></script></body></html>\n');
  writeFileSync(
    join(app, "main.js"),
    `import { load } from "hedgerow";
const model = await load("/demo.hedge");
const { demo } = await (await fetch("/fixtures.json")).json();
const element = document.createElement("pre");
element.id = "results";
element.textContent = JSON.stringify({ answer: model.predict(demo.record, { asOf: "2026-01-02" }) });
document.body.append(element);
`,
  );
  for (const name of ["demo.hedge", "fixtures.json"]) copyFileSync(join(consumer, name), join(app, "public", name));
  const vite = await import("vite");
  await vite.build({ root: app, configFile: false, logLevel: "error", build: { emptyOutDir: true } });
  await t.test("the engine is carried along", () => {
    assert.ok(readdirSync(join(app, "dist", "assets")).some((name) => name.endsWith(".wasm")), "no .wasm in the output");
    assert.ok(existsSync(join(app, "dist", "index.html")));
  });
  await t.test("it answers", async () => {
    const server = await serve(join(app, "dist"));
    try {
      const { answer, said } = await results(server.url);
      assert.equal(answer.status, "ok");
      assert.deepEqual(said.filter((line) => line.startsWith("error") && !/favicon/.test(line) && !/404/.test(line)), []);
    } finally {
      await server.stop();
    }
  });
  await t.test("it answers from vite's development server", async () => {
    const server = await vite.createServer({ root: app, configFile: false, logLevel: "error", optimizeDeps: { exclude: ["hedgerow"] }, server: { host: "127.0.0.1" } });
    try {
      await server.listen();
      const { answer } = await results(server.resolvedUrls.local[0]);
      assert.equal(answer.status, "ok");
    } finally {
      await server.close();
    }
  });
});
