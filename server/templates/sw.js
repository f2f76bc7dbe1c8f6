// The service worker of the verification page: keeps the page and its libraries for use without a
// network. What it keeps is public; answers of the service are never kept here.
"use strict";

const NAME = "verify-{{ version }}";
const PAGE = "/verify";
const KEPT = {{ addresses | tojson }};

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const cache = await caches.open(NAME);
    await cache.addAll(KEPT.map((address) => new Request(address, { cache: "reload", credentials: "omit" })));
    await self.skipWaiting();
  })());
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name.startsWith("verify-") && name !== NAME).map((name) => caches.delete(name)));
    await self.clients.claim();
  })());
});

async function page(request) {
  try {
    const limit = AbortSignal.timeout ? AbortSignal.timeout(4000) : undefined;
    return await fetch(request, { signal: limit });
  } catch (error) {
    return (await caches.open(NAME)).match(PAGE);
  }
}

async function file(request) {
  const kept = await (await caches.open(NAME)).match(request);
  return kept || fetch(request);
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate" && (url.pathname === "/v" || url.pathname === PAGE)) event.respondWith(page(request));
  else if (KEPT.includes(url.pathname + url.search)) event.respondWith(file(request));
});
