// The results of the suite on a host, as subtests of Node's runner.
import assert from "node:assert/strict";
import { tests } from "../suite/index.js";
import { fixtures } from "./places.mjs";

/** `more`: names of tests that this host has besides the suite's. `alone`: it has no workers. */
export async function report(t, results, more = [], alone = false) {
  assert.ok(Array.isArray(results), "the host gave no results");
  const expected = [...tests(() => {}, fixtures(), undefined, alone).map(([name]) => name), ...more];
  assert.ok(expected.length > 60, `the suite has only ${expected.length} tests`);
  assert.deepEqual(results.map(({ name }) => name), expected, "the host ran other tests than the suite has");
  for (const { name, error } of results) {
    await t.test(name, () => {
      if (error !== null) throw new Error(error);
    });
  }
}

/** The results in a host's output. */
export function resultsOf({ status, stdout, stderr }) {
  const line = stdout.split("\n").find((line) => line.startsWith("RESULTS "));
  if (line === undefined || status !== 0) throw new Error(`the host ended with ${status}\n${stdout}\n${stderr}`);
  return JSON.parse(line.slice(8));
}
