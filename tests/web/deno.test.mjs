// The package in Deno.
import { test } from "node:test";
import { bin } from "./lib/places.mjs";
import { suiteOn } from "./lib/servers.mjs";

test("deno", { timeout: 300_000 }, (t) => suiteOn(t, bin("deno"), ["run", "--no-lock", "--node-modules-dir=manual", "--allow-read", "--allow-net=127.0.0.1", "main.mjs"]));
