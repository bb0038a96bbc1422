// Stands between the browser and the node for one purpose: a page of our own while the node is away. It keeps that page
// and its few files, never anything of the chain, and asks the node first, always.
"use strict";
const NAME = "mds-away-{{ version }}";
const PAGE = "{{ page|escapejs }}";
const HEALTH = "{{ health|escapejs }}";
const FILES = [{% for file in files %}"{{ file|escapejs }}"{% if not forloop.last %}, {% endif %}{% endfor %}];

const keep = async () => {
  const cache = await caches.open(NAME);
  await cache.addAll([PAGE, ...FILES].map(path => new Request(path, { cache: "reload" })));
};

const begin = async () => {
  for (const name of await caches.keys()) if (name.startsWith("mds-away-") && name !== NAME) await caches.delete(name);
  // the node is asked while this starts
  await self.registration.navigationPreload?.enable();
};

const awayPage = async () => {
  const kept = await caches.match(PAGE);
  if (!kept) return Response.error();
  const headers = new Headers(kept.headers);
  headers.delete("content-encoding");
  headers.set("cache-control", "no-store");
  return new Response(await kept.text(), { status: 503, statusText: "The node does not answer", headers });
};

// a proxy in front says so by itself when nothing is behind it, and also when one page took it too long
const GATEWAY = [502, 504];
const HEALTH_MS = 5000;

const isWell = async () => {
  try {
    return (await fetch(HEALTH, { cache: "no-store", signal: AbortSignal.timeout(HEALTH_MS) })).ok;
  } catch {
    return false;
  }
};

const go = async event => {
  try {
    const answer = (await event.preloadResponse) ?? (await fetch(event.request));
    return !GATEWAY.includes(answer.status) || (await isWell()) ? answer : awayPage();
  } catch {
    return awayPage();
  }
};

addEventListener("install", event => event.waitUntil(keep().then(() => self.skipWaiting())));
addEventListener("activate", event => event.waitUntil(begin()));
addEventListener("fetch", event => {
  const { request } = event, url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate") event.respondWith(go(event));
  else if (FILES.includes(url.pathname)) event.respondWith(fetch(request).catch(() => caches.match(url.pathname)));
});
