// `hedgerow bind` writes to the letter what the package makes at run time, for every fixture model; and what it refuses.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { holds } from "./lib/binding.mjs";
import { consumer, finished, fixtures, hedgerow } from "./lib/places.mjs";

const { load } = await import(pathToFileURL(join(consumer, "node_modules", "hedgerow", "node.js")));

test("bind", { timeout: 300_000 }, async (t) => {
  const box = join(consumer, "bindings");
  rmSync(box, { recursive: true, force: true });
  mkdirSync(box, { recursive: true });
  const { models } = fixtures();
  // A forged file is a sound one with another answer: no model loads from it.
  const names = Object.keys(models).filter((name) => !/forged/.test(name));
  assert.ok(names.length > 40, `there are only ${names.length} models`);
  await t.test(`the text is the package's own, for ${names.length} models`, async () => {
    for (const name of names) {
      const file = join(box, `${name}.hedge`);
      writeFileSync(file, Buffer.from(models[name], "base64"));
      const { status, stdout, stderr } = await finished(hedgerow, ["bind", file]);
      assert.equal(status, 0, stderr);
      await holds(file, stdout);
    }
  });
  await t.test("a file gets its types beside it, by its own kind of name", async () => {
    for (const [out, types] of [["a.js", "a.d.ts"], ["b.mjs", "b.d.mts"]]) {
      const { status, stdout, stderr } = await finished(hedgerow, ["bind", join(box, "demo.hedge"), "--out", out], { cwd: box });
      assert.deepEqual([status, stdout], [0, ""], stderr);
      assert.match(readFileSync(join(box, types), "utf8"), /export interface Input \{[\s\S]*declare const bind: import\("hedgerow"\)\.Binding<Input, Output>;\nexport default bind;\n$/);
      const { default: bind } = await import(pathToFileURL(join(box, out)));
      assert.equal((await load(join(box, "demo.hedge"), { bind })).predict(fixtures().demo.record).status, "ok");
    }
  });
  await t.test("another name is refused, and nothing is written", async () => {
    const { status, stderr } = await finished(hedgerow, ["bind", join(box, "demo.hedge"), "--out", "c.ts"], { cwd: box });
    assert.equal(status, 2);
    assert.match(stderr, /c\.ts is no name of a module: it must end with \.js or \.mjs/);
    assert.ok(!existsSync(join(box, "c.ts")));
  });
  await t.test("where no code is made at run time, a binding reads and a loop reads too", async () => {
    const script = `import { load } from "hedgerow"; import bind from "./bindings/a.js"; import { readFileSync } from "node:fs";
      const { demo } = JSON.parse(readFileSync("fixtures.json"));
      try { new Function("return 1"); console.log("code is made"); } catch {}
      for (const options of [{ cache: false }, { cache: false, bind }]) {
        const model = await load("demo.hedge", options);
        for (let i = 0; i < 100; i++) model.predict(demo.record, { asOf: 0 });
        console.log(JSON.stringify(model.predict(demo.record, { asOf: 0 }).probability));
      }`;
    const { status, stdout, stderr } = await finished(process.execPath, ["--disallow-code-generation-from-strings", "--input-type=module", "-e", script]);
    assert.equal(status, 0, stderr);
    const [first, second, ...rest] = stdout.trim().split("\n");
    assert.ok(first === second && first.startsWith("{") && rest.length === 0, stdout);
  });
});
