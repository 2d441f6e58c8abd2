// A small static server for the studio on this machine:   node www/serve.mjs [--port 8080] [--host 127.0.0.1] [FOLDER]
// FOLDER is build/studio unless named. It answers GET and HEAD for the files below that folder, nothing else.
import { createReadStream } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, extname, join, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const TYPES = {
  ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
  ".json": "application/json", ".webmanifest": "application/manifest+json", ".svg": "image/svg+xml", ".wasm": "application/wasm", ".hedge": "application/octet-stream",
  ".csv": "text/csv; charset=utf-8", ".txt": "text/plain; charset=utf-8",
};

/**
 * What pages and their workers may do: run their own scripts and wasm, talk to this server, nothing else. The page repeats the policy for
 * hosts that send none; the build writes all of it down for those that read a `_headers` file.
 */
export const HEADERS = {
  "content-security-policy": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types studio",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=(), geolocation=()",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "no-cache",
};

/** Serves `folder`; port 0 takes a free one. Resolves to `{ url, port, close() }` once it listens. */
export async function serve({ folder, port = 0, host = "127.0.0.1" }) {
  const base = await realpath(folder);
  const server = createServer((request, response) => {
    answer(base, request, response).catch(() => {
      if (!response.headersSent) refuse(response, 500, "the file could not be read");
      else response.destroy();
    });
  });
  await new Promise((done, failed) => server.once("error", failed).listen(port, host, done));
  const { port: taken } = server.address();
  return {
    url: `http://${host}:${taken}/`,
    port: taken,
    close: () => new Promise((done) => { server.close(done); server.closeAllConnections(); }),
  };
}

async function answer(base, request, response) {
  if (request.method !== "GET" && request.method !== "HEAD") return refuse(response, 405, "only GET and HEAD are answered", { allow: "GET, HEAD" });
  const found = await locate(base, request.url);
  if (!found) return refuse(response, 404, "there is no such file");
  const { path, info } = found;
  const tag = `"${info.size.toString(36)}-${Math.round(info.mtimeMs).toString(36)}"`;
  const headers = { ...HEADERS, etag: tag, "content-type": TYPES[extname(path)] ?? "application/octet-stream" };
  if (request.headers["if-none-match"] === tag) return void response.writeHead(304, headers).end();
  response.writeHead(200, { ...headers, "content-length": info.size });
  if (request.method === "HEAD") return void response.end();
  createReadStream(path).on("error", () => response.destroy()).pipe(response);
}

/** The file that an address names, links followed; null where there is none or it lies outside `base`. */
async function locate(base, address) {
  let name;
  try {
    name = decodeURIComponent(new URL(address, "http://localhost").pathname);
  } catch {
    return null;
  }
  if (name.includes("\0")) return null;
  if (name.endsWith("/")) name += "index.html";
  try {
    const path = await realpath(join(base, name));
    if (!path.startsWith(base + sep)) return null;
    const info = await stat(path);
    return info.isFile() ? { path, info } : null;
  } catch {
    return null;
  }
}

function refuse(response, status, text, more = {}) {
  response.writeHead(status, { ...HEADERS, ...more, "content-type": "text/plain; charset=utf-8" }).end(`${text}\n`);
}

async function main() {
  const options = { port: { type: "string", short: "p", default: "8080" }, host: { type: "string", default: "127.0.0.1" }, help: { type: "boolean", short: "h" } };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (values.help) return console.log("usage: node www/serve.mjs [--port 8080] [--host 127.0.0.1] [FOLDER]");
  const port = Number(values.port);
  if (!/^\d+$/.test(values.port) || port > 65_535) throw new Error(`--port is ${values.port}; expected a number from 0 to 65535`);
  const folder = resolve(positionals[0] ?? join(dirname(fileURLToPath(import.meta.url)), "../build/studio"));
  const { url } = await serve({ folder, port, host: values.host }).catch((error) => {
    if (error.code === "ENOENT") throw new Error(`${folder} is not there: build it first (node www/studio/build.mjs)`);
    if (error.code === "EADDRINUSE") throw new Error(`port ${port} is taken: choose another with --port`);
    throw error;
  });
  console.log(`Hedgerow Studio: ${url}   (Ctrl-C ends it)`);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  main().catch((error) => {
    console.error(`error: ${error.message}`);
    process.exit(2);
  });
}
