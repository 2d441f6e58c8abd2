// boundary.mjs as a part of the bench.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { root } from "./places.mjs";

export function boundary(say) {
  try {
    const told = execFileSync(process.execPath, [join(root, "benches", "boundary.mjs"), "--json"], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    say("the boundary");
    return JSON.parse(told);
  } catch (error) {
    // Above a bound it fails, with all that it has measured.
    if (error.stdout) {
      say(`the boundary: ${error.stderr.trim()}`);
      return JSON.parse(error.stdout);
    }
    const why = String(error.stderr || error.message).trim().split("\n").at(-1);
    say(`the boundary: ${why}`);
    return { error: why };
  }
}
