// What Node, Deno and Bun have in common.
import { finished } from "./places.mjs";
import { report, resultsOf } from "./report.mjs";

const MORE = ["loads from a path", "loads from a relative path", "loads from a file: URL", "loads from the text of a file: URL", "a path that is not there is an error that names it", "loads from an http: URL, and says when it is not there"];

/** `program args` is the host with `hosts/main.mjs`. */
export async function suiteOn(t, program, args) {
  await report(t, resultsOf(await finished(program, args)), MORE);
}
