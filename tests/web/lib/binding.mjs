// What `hedgerow bind` writes, beside what the package makes at run time.
import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { consumer } from "./places.mjs";
import { source } from "../../../www/package/reader.js";

/** Fails unless `module` is the binding of the model in `file`, to the letter. */
export async function holds(file, module) {
  const { load } = await import(pathToFileURL(join(consumer, "node_modules", "hedgerow", "node.js")));
  const loaded = await load(file, { cache: false });
  const { name, version, id } = loaded.schema;
  const lines = module.split("\n");
  const title = JSON.stringify(`${name} ${version}`).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
  assert.match(lines[0], /^\/\/ The binding of the model .*, [0-9a-f]{64}: written by hedgerow [0-9.]+\.$/);
  assert.ok(lines[0].includes(title) && lines[0].includes(id), lines[0]);
  assert.deepEqual(lines.slice(-2), [`export default { format: 1, model_id: "${id}", read, answer };`, ""]);
  assert.equal(`${lines.slice(1, -2).join("\n")}\n`, source(loaded.schema));
  loaded.free();
}
