// The declarations, checked by tsc as a user's project would, under both ways of finding modules.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bin, consumer, finished, hedgerow } from "./lib/places.mjs";

test("types", { timeout: 300_000 }, async (t) => {
  const declared = await finished(hedgerow, ["types", "demo.hedge"]);
  assert.equal(declared.status, 0, declared.stderr);
  writeFileSync(join(consumer, "demo.d.ts"), declared.stdout);
  for (const [module, moduleResolution] of [["nodenext", "nodenext"], ["esnext", "bundler"]]) {
    await t.test(`compile under ${moduleResolution}`, async () => {
      const file = `tsconfig.${moduleResolution}.json`;
      const compilerOptions = { module, moduleResolution, target: "es2022", lib: ["es2022", "dom", "esnext.disposable"], strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false, noEmit: true, types: [] };
      writeFileSync(join(consumer, file), JSON.stringify({ compilerOptions, files: ["types.ts"] }));
      const { status, stdout } = await finished(bin("tsc"), ["-p", file]);
      assert.equal(status, 0, stdout);
    });
    await t.test(`what is wrong does not compile under ${moduleResolution}`, async () => {
      writeFileSync(join(consumer, "wrong.ts"), 'import { load } from "hedgerow";\nconst wrong: number = await load("x");\nconsole.log(wrong);\n');
      const file = `tsconfig.${moduleResolution}.wrong.json`;
      writeFileSync(join(consumer, file), JSON.stringify({ extends: `./tsconfig.${moduleResolution}.json`, files: ["wrong.ts"] }));
      const { status, stdout } = await finished(bin("tsc"), ["-p", file]);
      assert.notEqual(status, 0);
      assert.match(stdout, /wrong\.ts\(2,7\): error TS2322/);
    });
  }
  await t.test("every public method of a model is declared, and no other", async () => {
    const source = `import { load } from "hedgerow"; const m = await load("./demo.hedge");
      console.log(JSON.stringify(Object.getOwnPropertyNames(Object.getPrototypeOf(m)).sort()));`;
    const { stdout } = await finished(process.execPath, ["--input-type=module", "-e", source]);
    assert.deepEqual(JSON.parse(stdout), ["constructor", "free", "health", "predict", "predictBatch", "predictColumns", "predictMatrix", "report", "schema"]);
  });
});
