#!/usr/bin/env node
// Tests the built package on every host: builds it if anything has changed, writes the native fixtures, installs the packed
// tarball into a folder of its own as a user would, and runs tests/web/*.test.mjs with Node's test runner.
//
// Arguments are names of test files (`node`, `workerd`, …); without any, all run.
import { spawnSync } from "node:child_process";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { install, run } from "./lib/install.mjs";
import { consumer, hedgerow, root } from "./lib/places.mjs";

const web = join(root, "tests", "web");

function prepare() {
  install(consumer);
  cpSync(join(web, "suite"), join(consumer, "suite"), { recursive: true });
  cpSync(join(web, "hosts"), consumer, { recursive: true });
  run("cargo", ["run", "--quiet", "--example", "web-fixtures", "--", join(consumer, "fixtures.json")]);
  const { models, demo } = JSON.parse(readFileSync(join(consumer, "fixtures.json"), "utf8"));
  for (const name of ["demo", "other"]) writeFileSync(join(consumer, `${name}.hedge`), Buffer.from(models[name], "base64"));
  if (!demo) throw new Error("the fixtures have no demo model");
  run("cargo", ["build", "--quiet", "--bin", "hedgerow"]);
  for (const name of ["demo", "other"]) run(hedgerow, ["bind", `${name}.hedge`, "--out", `${name}.bind.js`], consumer);
}

const asked = process.argv.slice(2);
const files = readdirSync(web).filter((name) => name.endsWith(".test.mjs") && (asked.length === 0 || asked.includes(name.replace(".test.mjs", ""))));
if (files.length === 0) {
  console.error(`error: no tests are called ${asked.join(", ")}`);
  process.exit(2);
}
prepare();
const { status } = spawnSync(process.execPath, ["--test", "--test-reporter=./tests/web/lib/summary.mjs", "--test-reporter-destination=stdout", ...files.map((name) => join("tests", "web", name))], { cwd: root, stdio: "inherit" });
process.exit(status ?? 1);
