// The package in Bun.
import { bin } from "./lib/places.mjs";
import { suiteOn } from "./lib/servers.mjs";

suiteOn("bun", bin("bun"), ["run", "main.mjs"]);
