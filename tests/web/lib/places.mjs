// Where things are, and how hosts are started and ended.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "");
/** A folder in which the packed package is installed; run.mjs makes it. */
export const consumer = join(root, "build", "web");
export const bin = (name) => join(root, "node_modules", ".bin", name);
/** The native binary. */
export const hedgerow = join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "debug", "hedgerow");

export function fixtures() {
  return JSON.parse(readFileSync(join(consumer, "fixtures.json"), "utf8"));
}

/** Runs a program to its end: `{ status, stdout, stderr }`. It is ended by its own id when it takes too long. */
export function finished(program, args, { cwd = consumer, input = "", timeout = 240_000, env = {} } = {}) {
  return new Promise((done, failed) => {
    const child = spawn(program, args, { cwd, env: { ...process.env, NO_COLOR: "1", ...env }, stdio: ["pipe", "pipe", "pipe"] });
    const timer = setTimeout(() => child.kill("SIGKILL"), timeout);
    const parts = { stdout: [], stderr: [] };
    for (const name of ["stdout", "stderr"]) child[name].on("data", (chunk) => parts[name].push(chunk));
    child.on("error", failed);
    child.on("close", (status, signal) => {
      clearTimeout(timer);
      const [stdout, stderr] = [parts.stdout, parts.stderr].map((chunks) => Buffer.concat(chunks).toString());
      if (signal !== null) failed(new Error(`${program} was ended by ${signal} after ${timeout} ms\n${stderr}`));
      else done({ status, stdout, stderr });
    });
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

/** Starts workerd on a port of its choice: `{ url, stop }`. */
export async function workerd(config, cwd = consumer) {
  const child = spawn(bin("workerd"), ["serve", "--control-fd=3", config], { cwd, stdio: ["ignore", "pipe", "pipe", "pipe"] });
  const ended = new Promise((done) => child.on("close", done));
  let stderr = "";
  child.stderr.on("data", (chunk) => (stderr += chunk));
  child.stdout.resume();
  const stop = async () => {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
    await ended;
    clearTimeout(timer);
  };
  const port = await new Promise((done, failed) => {
    const timer = setTimeout(() => failed(new Error(`workerd did not start in time\n${stderr}`)), 60_000);
    let text = "";
    child.stdio[3].on("data", (chunk) => {
      text += chunk;
      for (const line of text.split("\n").slice(0, -1)) {
        const { event, port } = JSON.parse(line);
        if (event === "listen") {
          clearTimeout(timer);
          done(port);
        }
      }
    });
    child.on("error", failed);
    child.on("close", (status) => failed(new Error(`workerd ended with ${status}\n${stderr}`)));
  }).catch(async (error) => {
    await stop();
    throw error;
  });
  return { url: `http://127.0.0.1:${port}`, stop };
}

/** Debian's Chromium, or the one that CHROMIUM names. */
export function chromium() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    for (const folder of (process.env.PATH ?? "").split(delimiter)) if (existsSync(join(folder, name))) return join(folder, name);
  }
  throw new Error("no Chromium was found on PATH: install one (Debian: apt-get install chromium) or name it in CHROMIUM");
}
