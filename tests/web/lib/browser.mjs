// A folder served on a port of its own, under the content security policy that the README names, and a page of it in Chromium.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { join, normalize } from "node:path";
import { chromium as playwright } from "playwright-core";
import { chromium } from "./places.mjs";

const TYPES = { html: "text/html; charset=utf-8", js: "text/javascript", json: "application/json", wasm: "application/wasm" };
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; object-src 'none'";

/** `routes`: paths that are another file, as octets. */
export async function serve(folder, routes = {}) {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url, "http://localhost").pathname);
    const file = routes[path] ?? join(folder, path === "/" ? "index.html" : path);
    if (path.includes("..") || !existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end("not found");
    const type = routes[path] ? "application/octet-stream" : TYPES[path === "/" ? "html" : path.split(".").at(-1)] ?? "application/octet-stream";
    response.writeHead(200, { "content-type": type, "content-security-policy": POLICY });
    createReadStream(file).pipe(response);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const stop = () => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  };
  return { url: `http://127.0.0.1:${server.address().port}`, stop };
}

/** Opens `url` and gives the text of `#results` when it is there; what the page says on its console comes with it. */
export async function results(url, timeout = 240_000) {
  const browser = await playwright.launch({ executablePath: chromium(), args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    const said = [];
    page.on("console", (message) => said.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => said.push(`error: ${error.message}`));
    await page.goto(url);
    const text = await page.locator("#results").textContent({ timeout }).catch((error) => {
      throw new Error(`${error.message}\n${said.join("\n")}`);
    });
    return { ...JSON.parse(text), said };
  } finally {
    await browser.close();
  }
}
