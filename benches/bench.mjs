#!/usr/bin/env node
// Conducts the bench: starts each contender in a process of its own, gives them short slices of time in turn, and writes
// build/bench/results.json and benches/RESULTS.md. ./build.sh bench installs and trains what it needs, and calls it.
//
//   node benches/bench.mjs [--quick] [--only MODEL,…] [--contenders NAME,…] [--parts rows,fresh,workerd,boundary] [--out FILE.md]
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { boundary } from "./lib/boundary.mjs";
import { fresh } from "./lib/fresh.mjs";
import { facts } from "./lib/facts.mjs";
import { work, root } from "./lib/places.mjs";
import { MODELS, contenders } from "./lib/plan.mjs";
import { Contender } from "./lib/process.mjs";
import { failures, report } from "./lib/report.mjs";
import { sizes } from "./lib/sizes.mjs";
import { inWorkerd } from "./lib/workerd.mjs";

const PARTS = ["rows", "fresh", "workerd", "boundary"];
const started = performance.now();
const seconds = () => ((performance.now() - started) / 1000).toFixed(0).padStart(4);
const say = (text) => console.log(`[${seconds()} s] ${text}`);

const { values } = parseArgs({
  options: { quick: { type: "boolean", default: false }, only: { type: "string" }, contenders: { type: "string" }, parts: { type: "string" }, out: { type: "string", default: join(root, "benches", "RESULTS.md") } },
});
const chosen = (text, all, what) => {
  if (text === undefined) return all;
  const names = text.split(",");
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) {
    console.error(`error: there is no ${what} ${JSON.stringify(unknown)}: there are ${all.join(", ")}`);
    process.exit(2);
  }
  return names;
};
const parts = chosen(values.parts, PARTS, "part");
const only = chosen(values.only, MODELS, "model");
const wanted = values.contenders?.split(",");
/** Processes of each contender; rounds of each process; milliseconds of a slice. */
const effort = values.quick
  ? { processes: 1, rounds: { single: 3, batch1000: 2, batch10000: 2, cached: 3 }, ms: 25, fresh: 3 }
  : { processes: 3, rounds: { single: 5, batch1000: 2, batch10000: 3, cached: 5 }, ms: 50, fresh: 7 };

/** All contenders of a model, started, measured in turn, and ended. Returns the measurements of this turn of processes. */
async function turn(model, turnOf) {
  const { there, missing } = contenders(model);
  const running = [];
  const told = [];
  const failed = { ...missing };
  try {
    for (const entry of there) {
      if (wanted && !wanted.includes(entry.contender)) continue;
      try {
        running.push({ entry, process: await Contender.start(entry, model) });
      } catch (error) {
        failed[entry.contender] = `does not start: ${error.message}`;
      }
    }
    for (const measure of Object.keys(effort.rounds)) {
      const able = running.filter(({ entry }) => entry.measures.includes(measure));
      for (let round = 0; round < effort.rounds[measure]; round++) {
        // Another one begins each time.
        for (let k = 0; k < able.length; k++) {
          const { entry, process } = able[(k + round + turnOf) % able.length];
          if (failed[`${entry.contender} ${measure}`]) continue;
          try {
            told.push({ model, contender: entry.contender, measure, process: turnOf, round, ...(await process.ask({ measure, ms: effort.ms })) });
          } catch (error) {
            failed[`${entry.contender} ${measure}`] = error.message;
          }
        }
      }
    }
  } finally {
    await Promise.all(running.map(({ process }) => process.stop()));
  }
  return { told, failed };
}

async function main() {
  const results = { facts: facts(), quick: values.quick, effort, only, measurements: [], missing: {}, sizes: sizes(only), fresh: [], workerd: null, boundary: null };
  const keep = () => writeFileSync(join(work, "results.json"), JSON.stringify(results));
  if (parts.includes("rows")) {
    for (let process = 0; process < effort.processes; process++) {
      for (const model of only) {
        const { told, failed } = await turn(model, process);
        results.measurements.push(...told);
        results.missing[model] = { ...results.missing[model], ...failed };
        keep();
        const mine = told.filter(({ contender, measure }) => contender === "hedgerow" && measure === "single").map(({ cpu }) => cpu);
        say(`${process + 1}/${effort.processes} ${model}: ${new Set(told.map(({ contender }) => contender)).size} contenders${mine.length > 0 ? `, ours ${Math.min(...mine).toFixed(2)} us a row` : ""}`);
      }
    }
  }
  if (parts.includes("fresh")) results.fresh = await fresh(effort.fresh, only, say);
  if (parts.includes("workerd")) results.workerd = await inWorkerd(effort, only, say);
  if (parts.includes("boundary")) results.boundary = boundary(say);
  results.seconds = Number(seconds());
  keep();
  const { text, bars } = report(results);
  writeFileSync(values.out, text);
  say(`wrote ${values.out.replace(`${root}/`, "")} and build/bench/results.json`);
  console.log("");
  console.log(bars);
  const wrong = failures(results);
  for (const text of wrong) console.error(`error: ${text}`);
  if (wrong.length > 0) process.exitCode = 1;
}

await main();
