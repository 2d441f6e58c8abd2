// Where the bench finds and leaves things.
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
/** All that the bench installs and makes, but for RESULTS.md. HEDGEROW_BENCH: another folder, for tests. */
export const work = process.env.HEDGEROW_BENCH ?? join(root, "build", "bench");
export const models = join(work, "models");
/** The package as it is published. */
export const ours = join(root, "build", "package");
export const python = join(work, "python", "bin", "python");
export const binary = join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "release", "hedgerow");

/** `require` and `import` as a program has them that installed the peers. */
export const require = createRequire(join(work, "package.json"));
export const peer = (name) => import(pathToFileURL(join(work, "node_modules", name)));
