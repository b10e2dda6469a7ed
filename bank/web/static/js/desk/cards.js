/* What this phone knows of its workshop's devices, with or without network.

   Desk.openCards() -> cards, the same one each time: cards.ready; cards.find(code) -> {code, category, maker, model, state,
   step, route, blocked, own, purge, drives, guide, waits} or null; cards.facts() -> {tool, os}; cards.refresh();
   cards.apply(entry): what a scan that waits will have done, as far as can be told, so that the next step can be done too. */
(function () {
  "use strict";

  const CARDS = "/scan/cards";
  const PICTURES = "banque-desk-guides";
  const MOVED = ["entered", "passed", "finished", "kept", "blocked", "sent_back"];
  // Read again this often at most, unless somebody else works here.
  const FRESH_MS = 60000;
  const LASTS_MS = 14 * 86400000;

  function Cards() {
    const queue = window.Desk.openQueue();
    let store = null;
    let known = new Map();
    let facts = { routes: {}, tool: null, os: null, guides: {} };
    let asking = null;
    const applied = new Map();

    function read() {
      return Promise.all([store.all("cards"), store.get("facts", "cards")]).then(function (found) {
        known = new Map(found[0].map(function (card) { return [card.code, card]; }));
        facts = found[1] || { name: "cards", at: 0, routes: {}, tool: null, os: null, guides: {} };
        if (facts.at && Date.now() - facts.at > LASTS_MS) return forget();
        return undefined;
      });
    }

    function forget() {
      known = new Map();
      facts = { name: "cards", at: 0, routes: {}, tool: null, os: null, guides: {} };
      return Promise.all([store.replace("cards", []), store.remove("facts", "cards")]);
    }

    // The pictures of the steps, so that they are there too; those that no step shows any more go.
    function keepPictures(guides) {
      if (!window.caches) return undefined;
      const wanted = Object.values(guides).map(function (guide) { return guide.picture; }).filter(Boolean);
      return window.caches.open(PICTURES).then(function (cache) {
        return cache.keys().then(function (kept) {
          const known = kept.map(function (request) { return new URL(request.url).pathname; });
          const gone = known.filter(function (path) { return !wanted.includes(path); });
          const news = wanted.filter(function (path) { return !known.includes(path); });
          return Promise.all(gone.map(function (path) { return cache.delete(path); }).concat(cache.addAll(news)));
        });
      }).catch(function () {});
    }

    function keep(body, etag) {
      facts = {
        name: "cards",
        at: Date.now(),
        etag: etag,
        operator: body.operator,
        routes: body.routes,
        tool: body.tool,
        os: body.os,
        guides: body.guides || {},
      };
      known = new Map(body.cards.map(function (card) { return [card.code, card]; }));
      // The server does not know yet of what still waits here.
      queue.pending().forEach(advance);
      keepPictures(facts.guides);
      return store.replace("cards", Array.from(known.values())).then(function () { return store.put("facts", facts); });
    }

    function fetched(force) {
      const isOwn = facts.operator === queue.operator();
      if (queue.operator() === null || (!force && isOwn && Date.now() - facts.at < FRESH_MS)) return Promise.resolve();
      const headers = { Accept: "application/json" };
      if (isOwn && facts.etag && !queue.pending().length) headers["If-None-Match"] = facts.etag;
      return window.fetch(CARDS, { credentials: "same-origin", cache: "no-store", headers: headers }).then(function (answer) {
        if (answer.status === 200) {
          return answer.json().then(function (body) { return keep(body, answer.headers.get("ETag")); });
        }
        if (answer.status === 304) {
          facts.at = Date.now();
          return store.put("facts", facts);
        }
        // Signed out, or the account is closed: the queue asks which, and wipes what must go.
        if (answer.status === 401 || answer.status === 403) return queue.refresh();
        return undefined;
      }).catch(function () {});
    }

    function refresh(force) {
      if (!asking) {
        asking = cards.ready.then(function () { return fetched(force); }).finally(function () { asking = null; });
      }
      return asking;
    }

    function find(code) {
      const card = known.get(code);
      if (!card) return null;
      return Object.assign({}, card, { guide: (card.step && facts.guides && facts.guides[card.step]) || null });
    }

    function next(card) {
      const steps = facts.routes[card.route] || [];
      const after = steps[steps.indexOf(card.step) + 1] || null;
      card.state = after ? "in_work" : "ready";
      card.step = after;
      card.drives = [];
    }

    function isBroken(entry) {
      const checks = (entry.facts && entry.facts.checks) || {};
      return Object.keys(checks).find(function (name) { return checks[name] === "failed"; });
    }

    function isKept(entry) {
      const drives = (entry.facts && entry.facts.drives) || [];
      return drives.some(function (drive) { return drive.result === "failed"; });
    }

    // One card after a scan; returns whether anything about it changed.
    function advance(entry) {
      const card = known.get(entry.code);
      if (!card || card.blocked && entry.outcome !== "danger") return false;
      if (entry.outcome === "done") {
        if (!card.step || (entry.station && entry.station !== card.step) || isKept(entry)) return false;
        if (isBroken(entry) || entry.outlook === "blocked") card.waits = true;
        else next(card);
        if (entry.station !== "control") card.own = true;
        return true;
      }
      if (entry.outcome === "problem" && card.step === "control") card.waits = true;
      else if (entry.outcome === "problem" || entry.outcome === "danger") card.blocked = entry.facts && entry.facts.reason;
      else return false;
      return true;
    }

    // Once for each scan, whoever asks.
    function apply(entry) {
      if (!applied.has(entry.scan_id)) {
        applied.set(entry.scan_id, cards.ready.then(function () {
          return advance(entry) ? store.put("cards", known.get(entry.code)) : undefined;
        }));
      }
      return applied.get(entry.scan_id);
    }

    // What the server says of the device is what the card says, unless more of it still waits.
    function answered(entry) {
      const answer = entry.answer;
      const card = known.get(entry.code);
      applied.delete(entry.scan_id);
      if (!card) return;
      const waits = queue.pending().some(function (each) { return each.code === entry.code; });
      if (answer.status !== 200 || waits || !MOVED.includes(answer.outcome)) {
        if (answer.status !== 200) facts.at = 0;
        return;
      }
      card.state = answer.state;
      card.step = answer.step;
      card.blocked = answer.outcome === "blocked" ? answer.problem : null;
      delete card.waits;
      store.put("cards", card);
    }

    // Whether a step of a device was passed when it waits for another, as far as the route here tells.
    function isPast(code, station, step) {
      const card = known.get(code);
      const steps = (card && facts.routes[card.route]) || [];
      return steps.includes(station) && steps.indexOf(station) < (step ? steps.indexOf(step) : steps.length);
    }

    const cards = {
      find: find,
      isPast: isPast,
      apply: apply,
      refresh: refresh,
      facts: function () { return { tool: facts.tool, os: facts.os }; },
      reload: function () { return cards.ready.then(read); },
    };
    cards.ready = Promise.all([window.Desk.openStore(), queue.ready]).then(function (found) {
      store = found[0];
      return read();
    });
    queue.on("taken", apply);
    queue.on("answer", function (entry) { cards.ready.then(function () { answered(entry); }); });
    queue.on("wiped", function () { cards.reload(); });
    // Once everything has arrived, the server knows best.
    let waited = 0;
    queue.on("change", function () {
      const waiting = queue.count().waiting;
      if (waited && !waiting) refresh(waited > 1);
      waited = waiting;
    });
    return cards;
  }

  let opened = null;

  function openCards() {
    if (!opened) opened = Cards();
    return opened;
  }

  window.Desk = Object.assign(window.Desk || {}, { openCards: openCards });
})();
