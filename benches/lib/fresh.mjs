// Runs fresh.mjs many times, contender after contender, so that each gets quiet and busy moments alike.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { root } from "./places.mjs";
import { contenders } from "./plan.mjs";

const TREES = ["hedgerow", "hedgerow-bind", "m2cgen", "ydf", "onnxruntime-web", "onnxruntime-node"];
const PLAN = [
  { mode: "cold", model: "bc-xgb100d6", names: TREES },
  { mode: "cold", model: "b20-rf100d10", names: TREES },
  { mode: "load", model: "b20-rf100d10", names: ["hedgerow", "onnxruntime-web", "onnxruntime-node"] },
  { mode: "memory", model: "b20-xgb100d6", names: TREES },
];

/** Of the models in `only`: a list of `{ mode, model, contender, … }` or `{ …, error }`, `times` for each. */
export async function fresh(times, only, say) {
  const told = [];
  for (const { mode, model, names } of PLAN) {
    // `load` has bc-xgb100d6 loaded first.
    if (!only.includes(model) || (mode === "load" && !only.includes("bc-xgb100d6"))) continue;
    const there = new Set(contenders(model).there.map(({ contender }) => contender));
    for (let k = 0; k < times; k++) {
      for (const contender of names) if (there.has(contender)) told.push({ mode, model, contender, ...(await once(mode, contender, model)) });
    }
    say(`${mode} ${model}: ${times} processes each`);
  }
  return told;
}

function once(mode, contender, model) {
  const args = [...(mode === "memory" ? ["--expose-gc"] : []), join(root, "benches", "fresh.mjs"), mode, contender, model];
  return new Promise((done) =>
    execFile(process.execPath, args, { timeout: 120_000 }, (error, stdout, stderr) => {
      if (error) done({ error: stderr.trim().split("\n").find((line) => /error/i.test(line)) ?? error.message });
      else done(JSON.parse(stdout.trimEnd().split("\n").at(-1)));
    }),
  );
}
