// Imports the trained models with the native binary, binds them, and asks that binary for the answers to which the package is held.
//
//   node prepare.mjs [MODEL…]
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { open } from "./lib/model.mjs";
import { binary, models } from "./lib/places.mjs";
import { REFERENCED } from "./lib/plan.mjs";

const SOURCES = ["source.json", "source.txt", "source.hedge.json"];
const hash = (...files) => files.reduce((sum, file) => sum.update(readFileSync(file)), createHash("sha256")).digest("hex");
const run = (args) => execFileSync(binary, args, { encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "pipe"] });

function prepare(name) {
  const model = open(name);
  const source = SOURCES.find((file) => model.has(file));
  const stamp = hash(binary, model.path(source), model.path("rows.f64"), new URL(import.meta.url));
  if (model.has("prepared-by") && model.text("prepared-by") === stamp) return;
  const artifact = model.path("model.hedge");
  const classes = source === "source.hedge.json" ? [] : ["--classes", model.classes.join(",")];
  run(["import", model.path(source), "--out", artifact, "--name", name, ...classes]);
  if (binds()) run(["bind", artifact, "--out", model.path("bind.mjs")]);

  const rows = model.rows();
  const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = [model.names.map(quoted).join(",")];
  for (let at = 0; at < rows.length; at += model.features) lines.push(rows.subarray(at, at + model.features).join(","));
  writeFileSync(model.path("rows.csv"), `${lines.join("\n")}\n`);
  run(["predict", artifact, model.path("rows.csv"), "--out", model.path("answers.csv")]);
  const [header, ...answers] = model.text("answers.csv").trimEnd().split("\n");
  const labels = header.split(",").slice(1);
  const wanted = model.classes.map((label) => `probability_${label}`);
  if (labels.join() !== wanted.join()) throw new Error(`${name}: the native answers have the columns ${labels.join()}, not ${wanted.join()}`);
  const native = Float64Array.from(answers.flatMap((line) => line.split(",").slice(1).map(Number)));

  if (REFERENCED.includes(name)) {
    writeFileSync(model.path("sample.csv"), `${lines.slice(0, 2001).join("\n")}\n`);
    run(["import", model.path(source), "--out", model.path("data.hedge"), "--name", name, "--data", model.path("sample.csv"), ...classes]);
  }

  const original = model.expected("expected.f64");
  if (native.length !== original.length) throw new Error(`${name}: ${native.length} native answers to ${original.length} of the original`);
  let worst = 0;
  for (let k = 0; k < native.length; k++) {
    const difference = Math.abs(native[k] - original[k]);
    worst = difference >= 0 ? Math.max(worst, difference) : Infinity;
  }
  if (worst > model.tolerance) throw new Error(`${name}: a native answer is ${worst} off the original's, more than ${model.tolerance}`);
  writeFileSync(model.path("native.f64"), new Uint8Array(native.buffer));
  writeFileSync(model.path("native.json"), JSON.stringify({ worst }));
  writeFileSync(model.path("prepared-by"), stamp);
  console.log(`${name}: imported${binds() ? " and bound" : ""}; at most ${worst.toExponential(1)} off the original`);
}

let known;
function binds() {
  known ??= / bind /.test(run(["--help"]));
  return known;
}

const asked = process.argv.slice(2);
const names = asked.length > 0 ? asked : readdirSync(models).filter((name) => existsSync(join(models, name, "meta.json")));
for (const name of names) prepare(name);
