// Ours with the reader that `hedgerow bind` writes.
import { pathToFileURL } from "node:url";
import * as plain from "./hedgerow.mjs";

export const { expected, tolerance } = plain;

export async function open(model, { bytes } = {}) {
  const bind = await import(pathToFileURL(model.path("bind.mjs")));
  return plain.open(model, { bytes, options: { cache: false, bind } });
}
