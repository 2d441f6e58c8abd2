// The config of a worker with the package in it.
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** The modules of the package that a worker needs. */
export const PACKAGE = ["workerd.js", "pool.js"];

/** Writes `folder/file` and gives back `file`; `modules` are lines of capnp, `folder` has the package installed. */
export function config(folder, file, modules) {
  const parts = [
    ...modules,
    `(name = "hedgerow", esModule = "export { load } from './hedgerow/workerd.js';")`,
    ...PACKAGE.map((name) => `(name = "hedgerow/${name}", esModule = embed "node_modules/hedgerow/${name}")`),
    `(name = "hedgerow/hedgerow_bg.wasm", wasm = embed "node_modules/hedgerow/hedgerow_bg.wasm")`,
  ];
  writeFileSync(
    join(folder, file),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [ (name = "main", worker = .main) ],
  sockets = [ (name = "http", address = "127.0.0.1:0", http = (), service = "main") ]
);
const main :Workerd.Worker = (compatibilityDate = "2026-10-01", modules = [
  ${parts.join(",\n  ")}
]);
`,
  );
  return file;
}
