// What the figures were made with.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { root, work } from "./places.mjs";

export function facts() {
  const read = (path) => readFileSync(path, "utf8");
  const peers = JSON.parse(read(join(root, "benches", "peers", "package.json"))).dependencies;
  const python = Object.fromEntries(
    read(join(root, "benches", "peers", "requirements.txt"))
      .split("\n")
      .filter((line) => line.includes("=="))
      .map((line) => line.split("==")),
  );
  for (const [name, version] of Object.entries(peers)) {
    const installed = JSON.parse(read(join(work, "node_modules", name, "package.json"))).version;
    if (installed !== version) throw new Error(`${name} ${installed} is installed, and ${version} is asked for: ./build.sh bench installs it`);
  }
  return {
    hedgerow: /^version = "(.+)"$/m.exec(read(join(root, "Cargo.toml")))[1],
    commit: said("git", ["rev-parse", "--short", "HEAD"]),
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    v8: process.versions.v8,
    rustc: said("rustc", ["--version"]).replace(/ \(.*/, ""),
    python: said(join(work, "python", "bin", "python"), ["--version"]),
    cpu: cpus()[0].model.trim(),
    cores: cpus().length,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${process.platform} ${process.arch}`,
    peers,
    libraries: python,
  };
}

function said(program, args) {
  try {
    return execFileSync(program, args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return "unknown";
  }
}
