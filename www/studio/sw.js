// The service worker. `PRECACHE = { version, files: [[path, integrity]] }` is put above this by build.mjs: every file of the page
// with its digest. One version is taken whole or not at all, and pages are answered from one version only.
/* global PRECACHE */
const PREFIX = "hedgerow-studio-";
const CACHE = PREFIX + PRECACHE.version;
const scope = new URL("./", self.location.href);
const held = new Set(PRECACHE.files.map(([path]) => new URL(path, scope).href));

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(
    // Past the HTTP cache, and only with the bytes that were built together.
    PRECACHE.files.map(([path, integrity]) => new Request(new URL(path, scope), { cache: "reload", integrity })))));
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
    await self.clients.claim();
  })());
});

self.addEventListener("message", ({ data }) => {
  if (data === "take over") self.skipWaiting();
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  const url = new URL(request.url);
  url.hash = url.search = "";
  const page = request.mode === "navigate" && url.href === scope.href ? new URL("index.html", scope).href : url.href;
  if (!held.has(page)) return;
  event.respondWith(caches.open(CACHE).then((cache) => cache.match(page)).then((hit) => {
    // Some hosts send /index.html on to /, and a page must not be answered with what was redirected.
    if (hit?.redirected) return new Response(hit.body, { status: hit.status, headers: hit.headers });
    return hit ?? fetch(request);
  }));
});
