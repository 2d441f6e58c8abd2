// The package in Deno.
import { bin } from "./lib/places.mjs";
import { suiteOn } from "./lib/servers.mjs";

suiteOn("deno", bin("deno"), ["run", "--no-lock", "--node-modules-dir=manual", "--allow-read", "--allow-net=127.0.0.1", "main.mjs"]);
