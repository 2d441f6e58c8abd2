// What Node, Deno and Bun have in common.
import { test } from "node:test";
import { finished } from "./places.mjs";
import { report, resultsOf } from "./report.mjs";

const MORE = ["loads from a path", "loads from a relative path", "loads from a file: URL", "loads from the text of a file: URL", "a path that is not there is an error that names it", "loads from an http: URL, and says when it is not there"];

export function suiteOn(name, program, args) {
  test(name, { timeout: 300_000 }, async (t) => {
    await report(t, resultsOf(await finished(program, args)), MORE);
  });
}
