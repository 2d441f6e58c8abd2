// A worker of a pool in a browser.
import { worker } from "./work.js";

const take = worker((message, transfer) => postMessage(message, transfer));
addEventListener("message", ({ data }) => take(data));
