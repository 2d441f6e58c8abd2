// The package in Node.
import { test } from "node:test";
import { suiteOn } from "./lib/servers.mjs";

test("node", { timeout: 300_000 }, (t) => suiteOn(t, process.execPath, ["main.mjs"]));
