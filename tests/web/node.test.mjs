// The package in Node.
import assert from "node:assert/strict";
import { rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { consumer } from "./lib/places.mjs";
import { suiteOn } from "./lib/servers.mjs";

test("node", { timeout: 300_000 }, (t) => suiteOn(t, process.execPath, ["main.mjs"]));

test("a path: a file above the limit is refused by name, and an endless device is read no further", { timeout: 60_000 }, async () => {
  const { load } = await import(pathToFileURL(join(consumer, "node_modules", "hedgerow", "node.js")).href);
  const long = join(consumer, "long.hedge");
  writeFileSync(long, "");
  truncateSync(long, 2 ** 28 + 1);
  await assert.rejects(load(long), /long\.hedge is longer than 268435456 bytes/);
  rmSync(long);
  await assert.rejects(load(join(consumer, "absent.hedge")), /absent\.hedge/);
  await assert.rejects(load(consumer), /EISDIR|EINVAL/);
  if (process.platform !== "linux") return;
  await assert.rejects(load("/dev/zero"), /longer than 268435456 bytes/);
});
