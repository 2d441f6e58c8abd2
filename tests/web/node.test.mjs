// The package in Node.
import { suiteOn } from "./lib/servers.mjs";

suiteOn("node", process.execPath, ["main.mjs"]);
