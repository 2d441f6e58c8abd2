// Where models come from: the demo list beside the page, or a file of the person's own.
import { load } from "./engine.js";
import { header, isHedge } from "./hedge.js";
import { bytes as size } from "./format.js";

/** Largest file the engine reads; larger ones are refused before they are read. */
const MAX_FILE = 256 << 20;

/** The demo models: `[{ file, name, version, size }]`. */
export async function catalog() {
  const response = await fetch("models/index.json");
  if (!response.ok) throw new Error(`the list of demo models was not found (HTTP ${response.status})`);
  return response.json();
}

/** A demo model by its file name. */
export async function fetchModel(file) {
  const response = await fetch(`models/${encodeURIComponent(file)}`);
  if (!response.ok) throw new Error(`${file} was not found beside this page (HTTP ${response.status})`);
  return open(new Uint8Array(await response.arrayBuffer()), file);
}

/** A model from a file that was dropped or chosen. */
export async function fileModel(file) {
  if (file.size > MAX_FILE) throw new Error(`${file.name} has ${size(file.size)}; a model has at most ${size(MAX_FILE)}`);
  return open(new Uint8Array(await file.arrayBuffer()), file.name);
}

/**
 * `{ model, probe, bytes, header, file }`: the engine that answers, and a second one without a cache for asking what if. Throws with a
 * sentence for the person; nothing of a model that was open before is touched.
 */
async function open(bytes, file) {
  if (!isHedge(bytes)) throw new Error(`${file} is not a Hedgerow model: it does not begin as a .hedge file does`);
  let model;
  try {
    // The page forbids code from text: it is not tried.
    model = await load(bytes, { bind: false });
    const probe = await load(bytes, { cache: false, bind: false });
    return { model, probe, bytes, header: header(bytes), file };
  } catch (error) {
    model?.free();
    throw new Error(`${file} cannot be opened: ${error.message}`, { cause: error });
  }
}
