#!/usr/bin/env node
// Builds the npm package: the engine with wasm-pack, the hand-written JavaScript of this folder around it, build/package/ and
// build/hedgerow-VERSION.tgz. Prints what it weighs, and holds that to budget.json. `--force` builds even where no input has changed,
// `--parts` says what the engine consists of, `--accept` makes what there is the budget.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { over, parts, read } from "./size.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const at = (...parts) => join(root, ...parts);
const out = at("build", "package");
/** What the engine with all its JavaScript, and each part of the engine, may weigh, in bytes gzipped. */
const BUDGET = at("www", "package", "budget.json");
/**
 * What LLVM puts into its callers is for speed, and mostly the wrong things: with less of it the engine is a fifth smaller, gzipped, and as
 * fast, while `opt-level = "s"` for all would make single records half as slow again. Kernels ask for it by `#[inline]`.
 */
const INLINE = "-Cllvm-args=-inline-threshold=10 -inlinehint-threshold=100";
/** Loops whose length is not known are not written out several times over: hosts run them as fast as they are. */
const UNROLL = "-Cllvm-args=-unroll-runtime=false";
/** A new budget leaves this much room, so that not every change asks for one. */
const ROOM = 1.02;
const COPIED = ["index.d.ts", "README.md"];
/**
 * Each becomes one file with all that it imports: a host takes longer over eight small modules than over one large, and together they
 * are smaller. The pool stays apart, and is loaded when it is asked for.
 */
const ENTRIES = ["browser.js", "browser-worker.js", "node.js", "node-worker.js", "workerd.js", "pool.js"];
const APART = [/^node:/, /^\.\/pool\.js$/, /\.wasm$/];

/** What a page downloads besides the engine itself. */
const WEIGHED = ["browser.js"];

async function main() {
  const version = /^version = "(.+)"$/m.exec(readFileSync(at("Cargo.toml"), "utf8"))[1];
  const stamp = digest();
  const stampFile = at("build", "package.stamp");
  const tarball = at("build", `hedgerow-${version}.tgz`);
  const fresh = existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp && existsSync(tarball) && existsSync(join(out, "package.json")) && existsSync(at("build", "wasm", "hedgerow_bg.wasm"));
  if (fresh && !process.argv.includes("--force")) {
    console.log(`build/package is up to date (hedgerow ${version})`);
    return weigh();
  }
  const path = tools();
  rmSync(stampFile, { force: true });
  rmSync(at("build", "wasm"), { recursive: true, force: true });
  console.log("building the engine");
  run("wasm-pack", ["--log-level", "warn", "build", ".", "--target", "web", "--profile", "wasm", "--mode", "no-install", "--no-pack", "--no-typescript", "--out-dir", "build/wasm", "--out-name", "hedgerow", "--", "--no-default-features", "--locked"], { PATH: path, CARGO_ENCODED_RUSTFLAGS: flags() });

  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  for (const name of COPIED) copyFileSync(at("www", "package", name), join(out, name));
  for (const name of ["LICENSE-MIT", "LICENSE-APACHE"]) if (existsSync(at(name))) copyFileSync(at(name), join(out, name));
  // Functions keep their names up to here, for the table of parts.
  writeFileSync(join(out, "hedgerow_bg.wasm"), engine().stripped);
  writeFileSync(at("build", "wasm", "engine.js"), factory(readFileSync(at("build", "wasm", "hedgerow.js"), "utf8")));
  for (const name of ENTRIES) writeFileSync(join(out, name), await bundled(name));
  const manifest = { ...JSON.parse(readFileSync(at("www", "package", "package.json"), "utf8")), version };
  delete manifest.private;
  writeFileSync(join(out, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  rmSync(tarball, { force: true });
  run("npm", ["pack", "--silent", "--pack-destination", at("build"), out], {}, "ignore");
  if (!existsSync(tarball)) throw new Error(`npm pack wrote no ${relative(root, tarball)}`);
  writeFileSync(stampFile, stamp);
  weigh();
}

/** Everything the package is made of, as one hash. */
function digest() {
  const hash = createHash("sha256");
  const add = (file) => hash.update(relative(root, file)).update("\0").update(readFileSync(file)).update("\0");
  const walk = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.isDirectory()) walk(join(folder, entry.name));
      else add(join(folder, entry.name));
    }
  };
  walk(at("src"));
  walk(at("www", "package"));
  for (const name of ["Cargo.toml", "Cargo.lock", "package-lock.json"]) add(at(name));
  hash.update(execFileSync("rustc", ["--version"]));
  return hash.digest("hex");
}

/** The PATH on which wasm-pack finds wasm-bindgen and wasm-opt: the user's own where they fit, else built from tools/. */
function tools() {
  const libdir = execFileSync("rustc", ["--print", "target-libdir", "--target", "wasm32-unknown-unknown"], { encoding: "utf8" }).trim();
  if (!existsSync(libdir)) run("rustup", ["target", "add", "wasm32-unknown-unknown"]);
  if (!existsSync(at("node_modules", "binaryen"))) run("npm", ["ci", "--no-audit", "--no-fund"]);

  const locked = /name = "wasm-bindgen"\nversion = "(.+)"/.exec(readFileSync(at("Cargo.lock"), "utf8"))[1];
  const built = at("tools", "target", "debug");
  const fits = (folder) => {
    const env = { ...process.env, PATH: folder ? folder + delimiter + process.env.PATH : process.env.PATH };
    const pack = /^wasm-pack 0\.(\d+)\./.exec(said("wasm-pack", env));
    return { bindgen: said("wasm-bindgen", env) === `wasm-bindgen ${locked}`, pack: pack !== null && Number(pack[1]) >= 13 };
  };
  let own = fits(null);
  if (!(own.bindgen && own.pack)) {
    const kept = fits(built);
    if (!(kept.bindgen && kept.pack)) {
      console.log(`building ${own.pack ? "" : "wasm-pack and "}wasm-bindgen ${locked} once, in tools/ (a minute or two)`);
      run("cargo", ["build", "--locked", "--bins", "--manifest-path", at("tools", "Cargo.toml"), ...(own.pack ? ["--no-default-features"] : [])]);
    }
  }
  const first = own.bindgen && own.pack ? [] : [built];
  return [...first, at("node_modules", ".bin"), process.env.PATH].join(delimiter);
}

/** The flags of the user's environment, and no paths of this machine in what panics would say. */
function flags() {
  const home = process.env.CARGO_HOME ?? join(homedir(), ".cargo");
  const own = process.env.CARGO_ENCODED_RUSTFLAGS?.split("\x1f") ?? process.env.RUSTFLAGS?.split(/\s+/) ?? [];
  return [...own.filter((flag) => flag !== ""), "-Ctarget-feature=+simd128", INLINE, UNROLL, `--remap-path-prefix=${home}=/cargo`, `--remap-path-prefix=${root}=/hedgerow`].join("\x1f");
}

function said(program, env) {
  try {
    return execFileSync(program, ["--version"], { encoding: "utf8", env, stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return "";
  }
}

/**
 * wasm-bindgen's glue as a function that makes a new engine at each call. The glue itself is a module with one engine for
 * ever: a trap would end it, and two models would share its memory.
 */
function factory(glue) {
  const body = glue
    .replace(/^export (?=(class|function) )/gm, "")
    .replace(/^export \{ initSync, __wbg_init as default \};?$/m, "")
    .replace(/^let __wbg_init_promise;$/m, "")
    .replace(/^async function __wbg_(load|init|init_once)\([\s\S]*?^\}$/gm, "");
  if (/^\s*(export|import|async)\b|import\.meta|__wbg_(init|load)/m.test(body) || !/^function initSync\(/m.test(body) || !/^class Runtime /m.test(body)) {
    throw new Error("the glue that wasm-bindgen writes has another shape than www/package/build.mjs knows");
  }
  return `// Written by wasm-bindgen, wrapped by www/package/build.mjs: each call makes an engine of its own.
export function instantiate(module) {
${body.trim()}
const { memory } = initSync({ module });
return { Runtime, memory };
}
`;
}

/** By Rolldown, which Vite brings along; without comments and spaces. The names of methods stay, so that a stack trace says what was called. */
async function bundled(name) {
  const { rolldown } = await import("rolldown");
  const engine = { name: "engine", resolveId: (id) => (id === "./engine.js" ? at("build", "wasm", "engine.js") : null) };
  const bundle = await rolldown({ input: at("www", "package", name), external: (id, from) => from !== undefined && APART.some((apart) => apart.test(id)), plugins: [engine], platform: "neutral" });
  const { output } = await bundle.generate({ format: "es", comments: false, minify: { compress: true, mangle: { toplevel: true }, codegen: { removeWhitespace: true, legalComments: "none" } } });
  await bundle.close();
  if (output.length !== 1) throw new Error(`${name} does not become one file`);
  return output[0].code;
}

function weigh() {
  const rows = [];
  const row = (name, files) => {
    const parts = files.map((file) => readFileSync(join(out, file)));
    const sum = (size) => parts.reduce((total, part) => total + size(part), 0);
    rows.push([name, sum((b) => b.length), sum((b) => gzipSync(b, { level: 9 }).length), sum((b) => brotliCompressSync(b).length)]);
    return rows.at(-1)[2];
  };
  row("hedgerow_bg.wasm", ["hedgerow_bg.wasm"]);
  row("its JavaScript", WEIGHED);
  const total = row("together", ["hedgerow_bg.wasm", ...WEIGHED]);
  const kb = (n) => `${(n / 1000).toFixed(1)} KB`.padStart(11);
  console.log(`${"".padEnd(18)}${"raw".padStart(11)}${"gzip -9".padStart(11)}${"brotli".padStart(11)}`);
  for (const [name, ...sizes] of rows) console.log(name.padEnd(18) + sizes.map(kb).join(""));

  const sizes = parts(engine());
  if (process.argv.includes("--parts")) {
    const raw = [...sizes.values()].reduce((sum, size) => sum + size.raw, 0);
    console.log(`\n${"part of the engine".padEnd(22)}${"raw".padStart(11)}${"share".padStart(8)}${"gzip".padStart(11)}`);
    for (const [part, size] of sizes) console.log(part.padEnd(22) + kb(size.raw) + `${((100 * size.raw) / raw).toFixed(1)} %`.padStart(8) + kb(size.gzip));
  }
  const measured = { package: total, ...Object.fromEntries([...sizes].map(([part, size]) => [part, size.gzip])) };
  if (process.argv.includes("--accept")) {
    const budget = Object.fromEntries(Object.entries(measured).map(([part, size]) => [part, Math.ceil(size * ROOM)]));
    writeFileSync(BUDGET, `${JSON.stringify(budget, null, 2)}\n`);
    return;
  }
  const excess = over(measured, JSON.parse(readFileSync(BUDGET, "utf8")));
  if (excess.length > 0) throw new Error(`the package is over its budget: ${excess.join("; ")}. Where that is worth it: npm run package -- --accept`);
}

/** The engine as wasm-opt left it. */
function engine() {
  return read(readFileSync(at("build", "wasm", "hedgerow_bg.wasm")));
}

function run(program, args, env = {}, stdout = "inherit") {
  execFileSync(program, args, { cwd: root, env: { ...process.env, ...env }, stdio: ["ignore", stdout, "inherit"] });
}

try {
  await main();
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exit(1);
}
