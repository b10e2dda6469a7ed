/* The service worker of the desk. VERSION and KEEP stand above, written by the server (`bank/scanning/offline_views.py`).
   It keeps the page that works without network, and what that page is made of: nothing that anybody wrote or is shown. */
"use strict";

const NAME = "banque-desk-" + VERSION;
const PICTURES = "banque-desk-guides";
const SHELL = "/scan/offline";
const PATIENCE_MS = 6000;

// Asked without credentials: the page that comes back is nobody's.
function fresh(url) {
  return new Request(url, { credentials: "omit", cache: "reload" });
}

self.addEventListener("install", function (event) {
  event.waitUntil(
    caches
      .open(NAME)
      .then(function (cache) { return cache.addAll(KEEP.map(fresh)); })
      .then(function () { return self.skipWaiting(); })
  );
});

self.addEventListener("activate", function (event) {
  event.waitUntil(
    caches
      .keys()
      .then(function (names) {
        return Promise.all(names.filter(function (name) {
          return name.startsWith("banque-desk-") && name !== NAME && name !== PICTURES;
        }).map(function (name) { return caches.delete(name); }));
      })
      .then(function () { return self.clients.claim(); })
  );
});

function kept(url) {
  return caches.match(url, { ignoreSearch: true }).then(function (found) {
    if (!found) throw new Error("not kept");
    return found;
  });
}

function patiently(request) {
  return new Promise(function (resolve, reject) {
    const timer = setTimeout(reject, PATIENCE_MS, new Error("too long"));
    fetch(request).then(resolve, reject).finally(function () { clearTimeout(timer); });
  });
}

// A proxy whose server is away answers for it.
function page(request) {
  return patiently(request)
    .then(function (answer) {
      if (answer.status >= 502 && answer.status <= 504) throw new Error("server away");
      return answer;
    })
    .catch(function (error) {
      return kept(SHELL).catch(function () { throw error; });
    });
}

function part(request) {
  return patiently(request).catch(function (error) {
    return kept(request.url).catch(function () { throw error; });
  });
}

self.addEventListener("fetch", function (event) {
  const request = event.request;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate") event.respondWith(page(request));
  else if (url.pathname.startsWith("/static/") || url.pathname.startsWith("/workshop/guides/")) event.respondWith(part(request));
});
