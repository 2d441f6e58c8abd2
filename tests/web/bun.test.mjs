// The package in Bun.
import { test } from "node:test";
import { bin } from "./lib/places.mjs";
import { suiteOn } from "./lib/servers.mjs";

test("bun", { timeout: 300_000 }, (t) => suiteOn(t, bin("bun"), ["run", "main.mjs"]));
