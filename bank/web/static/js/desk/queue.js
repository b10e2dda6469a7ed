/* The desk's queue: each scan is on this phone before it is shown, and is sent in its order until the server has answered.

   Desk.openQueue() -> queue, the same one each time:
   - queue.ready: a promise, once what was kept has been read; its value tells whether it survives a reload (`lasting`)
   - queue.take({code, outcome, station, facts, undoes, scan_id}) -> promise of the entry; refused where nobody has signed in
   - queue.count() -> {waiting, refused}; queue.recent(n) -> entries, latest first; queue.refused() -> entries, first first
   - queue.state() -> {sending, why}: why it waits: null, "offline", "server" or "signin"
   - queue.settle(scan_id): a refused one has been dealt with; queue.retry(scan_id): send it once more
   - queue.on("change", fn); queue.on("taken", fn(entry)); queue.on("answer", fn(entry)); queue.on("wiped", fn(operators))
   - queue.operator() -> number or null; queue.refresh(): ask who is signed in
   An entry: {scan_id, at, operator, code, outcome, station, facts, status: "pending"|"done"|"nothing"|"refused", answer}. */
(function () {
  "use strict";

  const BATCH = 50;
  const FIRST_WAIT_MS = 1000;
  const LONGEST_WAIT_MS = 30000;
  const TOO_LONG_MS = 20000;
  const KEPT_DONE = 100;
  const LEASE_MS = 30000;
  const SEND = "/scan/send";
  const PASS = "/scan/pass";
  // What a fresh token or pass may mend, or somebody who signs in.
  const WHO = ["not-signed-in", "form-expired", "pass-expired", "pass-withdrawn", "not-allowed"];

  function mint() {
    if (window.crypto.randomUUID) return window.crypto.randomUUID();
    // Where the page did not come over HTTPS: the same sixteen random bytes, by hand.
    const bytes = window.crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    const hex = Array.from(bytes, function (byte) { return byte.toString(16).padStart(2, "0"); }).join("");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  }

  function given() {
    const element = document.getElementById("queue-data");
    return element ? JSON.parse(element.textContent) : null;
  }

  // One sender among all tabs. Without locks a lease does: two senders at once would still be one effect a scan.
  function alone(work) {
    if (window.navigator.locks) return window.navigator.locks.request("banque-desk-sender", work);
    const mine = String(Math.random());
    const held = function () {
      try {
        const lease = JSON.parse(window.localStorage.getItem("desk-sender") || "null");
        if (lease && lease.who !== mine && lease.until > Date.now()) return true;
        window.localStorage.setItem("desk-sender", JSON.stringify({ who: mine, until: Date.now() + LEASE_MS }));
      } catch (_refused) {
        return false;
      }
      return false;
    };
    if (held()) return Promise.reject(new Error("another tab sends"));
    return Promise.resolve(work()).finally(function () {
      try {
        window.localStorage.removeItem("desk-sender");
      } catch (_refused) {
        // Nothing was kept there either.
      }
    });
  }

  function ask(url, options) {
    const stop = new AbortController();
    const timer = window.setTimeout(function () { stop.abort(); }, TOO_LONG_MS);
    return window
      .fetch(url, Object.assign({ credentials: "same-origin", cache: "no-store", signal: stop.signal }, options))
      .then(function (response) {
        const isJson = /json/.test(response.headers.get("Content-Type") || "");
        return (isJson ? response.json() : Promise.resolve(null)).then(function (body) {
          return { status: response.status, body: body };
        });
      })
      .finally(function () { window.clearTimeout(timer); });
  }

  function Queue() {
    const listeners = { change: [], taken: [], answer: [], wiped: [] };
    const others = window.BroadcastChannel ? new window.BroadcastChannel("banque-desk") : null;
    let store = null;
    let entries = [];
    let operator = null;
    let passes = {};
    let token = "";
    let why = null;
    let sending = false;
    let again = false;
    let wait = FIRST_WAIT_MS;
    let timer = null;

    function tell(kind, value) {
      listeners[kind].slice().forEach(function (listener) { listener(value); });
    }

    function changed() {
      if (others) others.postMessage("changed");
      tell("change");
    }

    function read() {
      return Promise.all([store.all("scans"), store.all("passes"), store.get("facts", "operator")]).then(function (found) {
        entries = found[0];
        passes = {};
        found[1].forEach(function (row) { passes[row.operator] = row.pass; });
        operator = found[2] ? found[2].value : null;
      });
    }

    // Whoever the page was made for works here from now on; their pass speaks for what they stored before, too.
    function adopt(data) {
      token = data.token || token;
      if (data.operator === null || data.operator === undefined) return Promise.resolve();
      operator = data.operator;
      passes[operator] = data.pass;
      return Promise.all([
        store.put("facts", { name: "operator", value: operator }),
        store.put("passes", { operator: operator, pass: data.pass }),
      ]);
    }

    function pending() {
      return entries.filter(function (entry) { return entry.status === "pending"; });
    }

    function take(scan) {
      return queue.ready.then(function () {
        if (operator === null) throw new Error("nobody");
        const facts = Object.assign({}, scan.facts || {});
        if (scan.undoes) facts.undoes = scan.undoes;
        const entry = {
          scan_id: scan.scan_id || mint(),
          at: new Date().toISOString(),
          operator: operator,
          code: scan.code,
          outcome: scan.outcome,
          station: scan.station || null,
          facts: Object.keys(facts).length ? facts : null,
          status: "pending",
          answer: null,
          outlook: scan.outlook || null,
        };
        return store.put("scans", entry).then(function (number) {
          entry.n = number;
          // Another tab's news may have made this one read it already.
          if (!find(entry.scan_id)) entries.push(entry);
          tell("taken", entry);
          changed();
          kick();
          return entry;
        });
      });
    }

    // The next scans of one person. Somebody who must sign in first holds up nobody else, but for the same things.
    function next(stuck) {
      const held = new Set();
      const batch = [];
      for (const entry of pending()) {
        if (stuck.has(entry.operator) || held.has(entry.code)) {
          held.add(entry.code);
        } else if (batch.length && batch[0].operator !== entry.operator) {
          break;
        } else if (batch.push(entry) === BATCH) {
          break;
        }
      }
      return batch;
    }

    function send(batch) {
      const headers = { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token };
      const pass = passes[batch[0].operator];
      if (pass) headers["X-Scan-Pass"] = pass;
      const body = batch.map(function (entry) {
        return {
          scan_id: entry.scan_id,
          code: entry.code,
          outcome: entry.outcome,
          station: entry.station,
          facts: entry.facts,
          at: entry.at,
        };
      });
      return ask(SEND, { method: "POST", headers: headers, body: JSON.stringify(body) });
    }

    function answered(batch, answers) {
      const said = new Map(answers.map(function (answer) { return [answer.scan_id, answer]; }));
      // What was read again meanwhile are other copies of them.
      const known = batch.map(function (entry) { return find(entry.scan_id); }).filter(function (entry) {
        return entry && said.has(entry.scan_id);
      });
      known.forEach(function (entry) {
        entry.answer = said.get(entry.scan_id);
        entry.status = entry.answer.status !== 200 ? "refused" : entry.answer.outcome === "nothing" ? "nothing" : "done";
      });
      return Promise.all(known.map(function (entry) { return store.put("scans", entry); })).then(function () {
        changed();
        known.forEach(function (entry) { tell("answer", entry); });
        return forgetOld();
      });
    }

    function forgetOld() {
      const done = entries.filter(function (entry) { return entry.status === "done" || entry.status === "nothing"; });
      const old = done.slice(0, Math.max(0, done.length - KEPT_DONE));
      entries = entries.filter(function (entry) { return !old.includes(entry); });
      return Promise.all(old.map(function (entry) { return store.remove("scans", entry.n); }));
    }

    function later(reason) {
      why = reason;
      window.clearTimeout(timer);
      timer = window.setTimeout(kick, wait * (0.75 + Math.random() / 2));
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    }

    function refresh() {
      const all = Object.values(passes).join(" ");
      return ask(PASS, all ? { headers: { "X-Scan-Pass": all } } : {}).then(function (found) {
        if (found.status !== 200 || !found.body) throw new Error("no answer");
        return wipe(found.body.closed).then(function () { return adopt(found.body); }).then(function () { return found.body; });
      });
    }

    // Their account is closed: nothing of theirs stays on this phone.
    function wipe(operators) {
      if (!operators.length) return Promise.resolve();
      const gone = entries.filter(function (entry) { return operators.includes(entry.operator); });
      entries = entries.filter(function (entry) { return !gone.includes(entry); });
      const work = gone.map(function (entry) { return store.remove("scans", entry.n); });
      operators.forEach(function (each) {
        delete passes[each];
        work.push(store.remove("passes", each));
      });
      if (operators.includes(operator)) {
        operator = null;
        work.push(store.remove("facts", "operator"));
        work.push(store.replace("cards", []), store.remove("facts", "cards"));
      }
      return Promise.all(work).then(function () {
        tell("wiped", operators);
        changed();
      });
    }

    function mend(stuck, batch) {
      const before = token + passes[batch[0].operator];
      return refresh().then(function (found) {
        const mended = found.operator !== null && before !== token + passes[batch[0].operator];
        if (mended && !stuck.tried) {
          stuck.tried = true;
          return true;
        }
        stuck.add(batch[0].operator);
        return true;
      });
    }

    // Returns whether there may be more to send at once.
    function one(stuck, most) {
      const batch = next(stuck).slice(0, most);
      if (!batch.length) return Promise.resolve(false);
      return send(batch).then(function (found) {
        const code = found.body && found.body.code;
        if (found.status === 200 && Array.isArray(found.body)) {
          wait = FIRST_WAIT_MS;
          stuck.tried = false;
          return answered(batch, found.body).then(function () { return true; });
        }
        if (WHO.includes(code) || found.status === 401 || !found.body && found.status < 500) return mend(stuck, batch);
        if (found.status >= 500 || found.status === 429) throw new Error("server");
        // The whole list was refused, for the sake of one of them: one by one it can be told which.
        if (batch.length > 1) return one(stuck, 1);
        return answered(batch, [Object.assign({}, found.body, { scan_id: batch[0].scan_id })]).then(function () { return true; });
      });
    }

    function sendSettled() {
      return store.all("settled").then(function (rows) {
        return rows.reduce(function (before, row) {
          return before.then(function () {
            const options = { method: "POST", headers: { Accept: "application/json", "X-CSRFToken": token } };
            return ask("/scan/refused/" + row.scan_id + "/settled", options).then(function (found) {
              if (found.status === 204 || found.status === 404) return store.remove("settled", row.scan_id);
              return undefined;
            });
          });
        }, Promise.resolve());
      });
    }

    function all() {
      const stuck = new Set();
      function step(more) {
        return more ? one(stuck, BATCH).then(step) : undefined;
      }
      // Another tab may have sent some of them meanwhile.
      return read()
        .then(function () { return step(true); })
        .then(sendSettled)
        .then(function () {
          // Whoever must sign in comes back to a page: asking again and again would only keep a station awake.
          why = stuck.size ? "signin" : null;
        });
    }

    function kick() {
      window.clearTimeout(timer);
      if (sending) {
        again = true;
        return;
      }
      sending = true;
      again = false;
      queue.ready
        .then(function () { return alone(all); })
        .catch(function () { later(window.navigator.onLine ? "server" : "offline"); })
        .then(function () {
          sending = false;
          tell("change");
          if (again) kick();
        });
    }

    function of(status) {
      return entries.filter(function (entry) { return entry.status === status; });
    }

    function find(scanId) {
      return entries.find(function (entry) { return entry.scan_id === scanId; });
    }

    function settle(scanId) {
      const entry = find(scanId);
      if (!entry) return Promise.resolve();
      entries = entries.filter(function (each) { return each !== entry; });
      return Promise.all([store.remove("scans", entry.n), store.put("settled", { scan_id: scanId })]).then(function () {
        changed();
        kick();
      });
    }

    function retry(scanId) {
      const entry = find(scanId);
      if (!entry || entry.status !== "refused") return Promise.resolve();
      entry.status = "pending";
      entry.answer = null;
      return store.put("scans", entry).then(function () {
        changed();
        kick();
      });
    }

    const queue = {
      take: take,
      settle: settle,
      retry: retry,
      refresh: function () { return queue.ready.then(refresh); },
      kick: kick,
      operator: function () { return operator; },
      count: function () { return { waiting: of("pending").length, refused: of("refused").length }; },
      recent: function (n) { return entries.slice(-n).reverse(); },
      refused: function () { return of("refused"); },
      pending: pending,
      state: function () { return { sending: sending, why: why }; },
      on: function (kind, listener) { listeners[kind].push(listener); },
    };

    queue.ready = window.Desk.openStore().then(function (opened) {
      store = opened;
      return read().then(function () {
        const data = given();
        return data ? adopt(data) : undefined;
      }).then(function () { return { lasting: store.lasting }; });
    });

    if (others) {
      others.onmessage = function () {
        queue.ready.then(read).then(function () { tell("change"); });
      };
    }
    function wake() {
      wait = FIRST_WAIT_MS;
      kick();
    }
    window.addEventListener("online", wake);
    window.addEventListener("offline", function () {
      why = "offline";
      tell("change");
    });
    document.addEventListener("visibilitychange", function () {
      if (document.visibilityState === "visible") wake();
    });
    queue.ready.then(function () {
      tell("change");
      kick();
    });
    return queue;
  }

  let opened = null;

  function openQueue() {
    if (!opened) opened = Queue();
    return opened;
  }

  window.Desk = Object.assign(window.Desk || {}, { openQueue: openQueue });
})();
