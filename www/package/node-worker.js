// A worker of a pool in Node, Deno and Bun.
import { parentPort } from "node:worker_threads";
import { worker } from "./work.js";

parentPort.on("message", worker((message, transfer) => parentPort.postMessage(message, transfer)));
