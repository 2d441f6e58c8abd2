// The package as a user has it: built if anything has changed, packed, and installed into a folder of its own.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./places.mjs";

export const run = (program, args, cwd = root) => execFileSync(program, args, { cwd, stdio: ["ignore", "inherit", "inherit"] });

/** Empties `folder`, and installs the packed tarball there. */
export function install(folder) {
  run(process.execPath, ["www/package/build.mjs"]);
  const { version } = JSON.parse(readFileSync(join(root, "build", "package", "package.json"), "utf8"));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "name": "consumer", "private": true, "type": "module" }\n');
  run("npm", ["install", "--silent", "--no-audit", "--no-fund", "--offline", "--no-package-lock", join(root, "build", `hedgerow-${version}.tgz`)], folder);
}
