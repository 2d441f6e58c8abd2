// What `hedgerow types` and `hedgerow bind` write for a model whose columns, levels and labels have every name that a CSV can hold.
import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { holds } from "./lib/binding.mjs";
import { bin, consumer, finished, hedgerow, root } from "./lib/places.mjs";

const box = join(consumer, "declarations");
const NAMES = ["plain", "two words", 'quo"te', "*/ evil: never; /*", "1st", "__proto__", "constructor", "größe", "back\\slash", "new\nline", "a\u2028b"];
const LABELS = ['no "never"', "yes\\\n*/"];

test("names that are no identifiers, and levels that are numerals, typecheck", { timeout: 120_000 }, async () => {
  rmSync(box, { recursive: true, force: true });
  mkdirSync(box, { recursive: true });
  const cell = (text) => `"${text.replaceAll('"', '""')}"`;
  const rows = Array.from({ length: 120 }, (_, i) => [...NAMES.map((_, k) => (k % 2 === 0 ? String((i * (k + 3)) % 17) : `${NAMES[k]} ${i % 3}`)), LABELS[(i * 7) % 5 > 2 ? 0 : 1]]);
  writeFileSync(join(box, "rows.csv"), [[...NAMES, "label"], ...rows].map((row) => `${row.map(cell).join(",")}\n`).join(""));
  const trained = await finished(hedgerow, ["train", "rows.csv", "--target", "label", "--set", "n_estimators=2", "--no-report", "--out", "m.hedge"], { cwd: box });
  assert.equal(trained.status, 0, trained.stderr);
  const typed = await finished(hedgerow, ["types", "m.hedge", "--out", "m.d.ts"], { cwd: box });
  assert.equal(typed.status, 0, typed.stderr);
  const bound = await finished(hedgerow, ["bind", "m.hedge"], { cwd: box });
  assert.equal(bound.status, 0, bound.stderr);
  await holds(join(box, "m.hedge"), bound.stdout);
  const value = (k) => JSON.stringify(k % 2 === 0 ? 3 : `${NAMES[k]} 1`);
  const source = `import type { Input, Label, Output } from "./m.js";
export const input: Input = { ${NAMES.map((name, k) => `[${JSON.stringify(name)}]: ${value(k)}`).join(", ")} };
export const label: Label = ${JSON.stringify(LABELS[0])};
export const of = (output: Output) => (output.status === "ok" ? output.probability[${JSON.stringify(LABELS[1])}] : output.violations[0]?.code);
// @ts-expect-error no such label
export const none: Label = "maybe";
// @ts-expect-error fields are missing
export const empty: Input = {};
`;
  writeFileSync(join(box, "use.ts"), source);
  const { status, stdout } = await finished(bin("tsc"), ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--types", "node", "--typeRoots", join(root, "node_modules/@types"), "use.ts", "m.d.ts"], { cwd: box });
  assert.equal(status, 0, stdout);
});
