// Assembles build/studio: the page, the engine's package, the demo models and a service worker that knows them all by digest.
// The folder is plain files: any static host can serve it; one that reads `_headers` (Cloudflare Pages, Netlify) sends the same
// headers as www/serve.mjs, so that the policy also binds the worker.   node www/studio/build.mjs [OUT]   (default build/studio)
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { HEADERS } from "../serve.mjs";
import { header, isHedge } from "./hedge.js";

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, "../..");

/** Writes the studio to `out`; `models`: the folder whose `.hedge` files it offers. Returns what it holds. */
export function build({ out = join(root, "build/studio"), models = join(root, "models"), engine = join(root, "build/package") } = {}) {
  const entry = browserEntry(engine);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(join(out, "models"), { recursive: true });

  // The page: everything here but this script and the worker's source, which is completed below.
  for (const name of readdirSync(here)) if (!["build.mjs", "sw.js"].includes(name)) cpSync(join(here, name), join(out, name), { recursive: true });

  for (const path of files(engine)) {
    if (/\.(js|wasm)$/.test(path) && !/^(node|workerd)\b/.test(path)) cpSync(join(engine, path), join(out, "package", path));
  }
  writeFileSync(join(out, "engine.js"), `export { load } from "./package/${entry}";\n`);
  writeFileSync(join(out, "papaparse.js"), papaparse());

  const offered = existsSync(models) ? readdirSync(models).filter((name) => name.endsWith(".hedge")).map((name) => offer(models, name)).sort(inOrder) : [];
  for (const { file } of offered) cpSync(join(models, file), join(out, "models", file));
  writeFileSync(join(out, "models/index.json"), `${JSON.stringify(offered, null, 1)}\n`);

  const held = files(out).map((path) => [path.split(sep).map(encodeURIComponent).join("/"), `sha256-${digest("base64", readFileSync(join(out, path)))}`]);
  const source = readFileSync(join(here, "sw.js"), "utf8");
  const version = digest("hex", JSON.stringify(held) + source).slice(0, 16);
  writeFileSync(join(out, "sw.js"), `const PRECACHE = ${JSON.stringify({ version, files: held })};\n${source}`);
  // Not among the files held for later: it is read by the host, and most do not serve it.
  writeFileSync(join(out, "_headers"), `/*\n${Object.entries(HEADERS).map(([name, value]) => `  ${name}: ${value}\n`).join("")}`);
  const bytes = files(out).reduce((sum, path) => sum + statSync(join(out, path)).size, 0);
  return { out, version, files: files(out).length, bytes, models: offered.map(({ file }) => file) };
}

/** The package's entry for browsers, as its `exports` say. */
function browserEntry(engine) {
  const path = join(engine, "package.json");
  if (!existsSync(path)) throw new Error(`${path} is not there: build the package first (./build.sh package)`);
  let found = JSON.parse(readFileSync(path, "utf8")).exports["."];
  while (typeof found === "object") found = found.browser ?? found.default ?? found.import;
  return found.replace(/^\.\//, "");
}

/** Papa Parse is a script for every loader there is but this one: wrapped as a module. */
function papaparse() {
  const require = createRequire(join(root, "package.json"));
  const text = readFileSync(require.resolve("papaparse/papaparse.min.js"), "utf8");
  return `const module = { exports: {} }, exports = module.exports;\n${text}\nexport default module.exports;\n`;
}

/** A line of the list of models: what its header says of it. */
function offer(models, file) {
  const bytes = readFileSync(join(models, file));
  if (!isHedge(bytes)) throw new Error(`${join(models, file)} is no .hedge file: it does not begin as one`);
  const { name = file, version = "" } = header(bytes);
  return { file, name, version, size: bytes.length };
}

/** By name, the newest version first. */
const inOrder = (a, b) => a.name.localeCompare(b.name) || b.version.localeCompare(a.version, "en", { numeric: true });

const digest = (form, data) => createHash("sha256").update(data).digest(form);

/** All files below `folder`, as paths relative to it. */
const files = (folder) => readdirSync(folder, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name))).sort();

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    const made = build(process.argv[2] ? { out: resolve(process.argv[2]) } : {});
    console.log(`${relative(process.cwd(), made.out) || "."}: ${made.files} files, ${Math.round(made.bytes / 1000)} KB, models: ${made.models.join(", ") || "none"}`);
  } catch (error) {
    console.error(`error: ${error.message}`);
    process.exit(2);
  }
}
