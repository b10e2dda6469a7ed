/* What every page of the desk does about the network: says how many scans wait, keeps the page that works without it,
   stores a step's form when the server cannot be reached, warns before scans are left behind. */
(function () {
  "use strict";

  const queue = window.Desk.openQueue();
  const cards = window.Desk.openCards();
  const bar = document.getElementById("queue-bar");
  const words = JSON.parse((document.getElementById("queue-words") || { textContent: "{}" }).textContent);
  const SHELL = "/scan/offline";
  const isShell = Boolean(document.getElementById("offline"));
  const STEP_FORM = /^\/scan\/([0-9A-Z]{10})(?:\/(problem|help|danger))?$/;
  const PING_MS = 3000;
  // Scans that leave at once are no news.
  const NEWS_MS = 2000;
  const WISHES = ["sound", "vibration", "speech", "contrast", "textSize"];
  let recheck = null;
  let lasting = true;
  let isLeaving = false;

  function icon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("class", "i");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    svg.setAttribute("focusable", "false");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", bar.dataset.icons + "#" + name);
    svg.append(use);
    return svg;
  }

  function counted(name, count) {
    return words[name + (count > 1 ? "_many" : "_one")].replace("{n}", count);
  }

  function isNews() {
    const first = queue.pending()[0];
    const age = first ? Date.now() - Date.parse(first.at) : 0;
    if (first && age < NEWS_MS) {
      window.clearTimeout(recheck);
      recheck = window.setTimeout(render, NEWS_MS - age);
    }
    return age >= NEWS_MS;
  }

  function isCut(why) {
    return why === "offline" || why === "server" || !window.navigator.onLine;
  }

  function said() {
    const waiting = queue.count().waiting;
    const why = queue.state().why;
    const lines = [];
    if (isCut(why)) {
      lines.push(words.offline);
      if (waiting) lines.push(counted("waits", waiting));
      if (queue.operator() !== null) lines.push(words.goes_on);
    } else if (why === "signin" && waiting) {
      lines.push(counted("unsent", waiting) + " " + words.signin);
    } else if (waiting && isNews()) {
      lines.push(counted("sending", waiting));
    }
    if (!lasting && waiting) lines.push(words.memory);
    return lines;
  }

  function render() {
    if (!bar) return;
    const status = document.getElementById("queue-status");
    const why = queue.state().why;
    const lines = said();
    const text = lines.join(" ");
    document.getElementById("queue-sign-in").hidden = why !== "signin" || isCut(why) || !queue.count().waiting;
    document.getElementById("queue-go-on").hidden = isShell || !isCut(why);
    const refused = queue.count().refused;
    const settle = document.getElementById("queue-settle");
    settle.hidden = isShell || !refused;
    settle.querySelector("span").textContent = counted("settle", refused);
    if (status.dataset.said === text) return;
    status.dataset.said = text;
    status.replaceChildren();
    if (!text) return;
    const notice = document.createElement("div");
    notice.className = "notice wait";
    const line = document.createElement("p");
    line.className = "verdict mb-0";
    line.textContent = text;
    const box = document.createElement("div");
    box.append(line);
    notice.append(icon(isCut(why) ? "wifi-off" : "clock"), box);
    status.append(notice);
  }

  // The desk was asked for a device that the server cannot show: the phone's own page can.
  function goOn() {
    const last = queue.recent(1)[0];
    if (isShell || !last || last.status !== "pending" || last.outcome !== "look" || !isCut(queue.state().why)) return;
    if (!cards.find(last.code)) return;
    isLeaving = true;
    window.location.assign(SHELL + "#" + last.code);
  }

  // --- a step's form, when the server cannot be reached ---

  function answers() {
    const stop = new AbortController();
    const timer = window.setTimeout(function () { stop.abort(); }, PING_MS);
    return window
      .fetch("/healthz", { cache: "no-store", signal: stop.signal })
      .then(function (found) { return found.ok; }, function () { return false; })
      .finally(function () { window.clearTimeout(timer); });
  }

  function held(form, button, code, outcome) {
    const field = form.elements.namedItem("station");
    const key = form.elements.namedItem("idempotency_key");
    const facts = button && button.name === "reason" ? { reason: button.value } : outcome === "done" ? window.Desk.factsOf(form) : null;
    const scan = { code: code, outcome: outcome, station: (field && field.value) || null, facts: facts, scan_id: key ? key.value : null };
    return queue.take(scan).then(function (entry) {
      return cards.apply(entry).then(function () {
        isLeaving = true;
        const said = outcome === "danger" ? "&danger=" + facts.reason : outcome === "help" ? "&help=1" : "&noted=1";
        window.location.assign(SHELL + "#" + (outcome === "done" || outcome === "problem" ? "" : code) + said);
      });
    });
  }

  function watchForm(event) {
    const form = event.target;
    if (form.method !== "post" || form.dataset.reached || isShell) return;
    const found = STEP_FORM.exec(new URL(form.action, window.location.href).pathname);
    if (!found || event.defaultPrevented) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const button = event.submitter;
    answers().then(function (ok) {
      if (ok || queue.operator() === null) {
        delete form.dataset.sent;
        form.dataset.reached = "1";
        isLeaving = true;
        // It was held as sent (bank.js), and it was not.
        delete form.dataset.sent;
        form.requestSubmit(button || undefined);
        window.setTimeout(function () { delete form.dataset.reached; }, PING_MS);
        return undefined;
      }
      return held(form, button, found[1], found[2] || "done");
    });
  }

  // --- the wishes of who works here, for the page that is the same for everybody ---

  function wishes() {
    return window.Desk.openStore().then(function (store) {
      if (isShell) {
        return store.get("facts", "wishes").then(function (found) {
          if (found) Object.assign(document.body.dataset, found.value);
        });
      }
      const value = {};
      WISHES.forEach(function (name) {
        if (document.body.dataset[name]) value[name] = document.body.dataset[name];
      });
      return Object.keys(value).length ? store.put("facts", { name: "wishes", value: value }) : undefined;
    });
  }

  // --- leaving, and what must not stay ---

  // Within the desk one page follows the other; only what leaves it leaves the scans behind.
  function stays(event) {
    const link = event.target.closest && event.target.closest("a[href]");
    if (link && new URL(link.href, window.location.href).pathname.startsWith("/scan")) isLeaving = true;
  }

  function warn(event) {
    if (isLeaving || !queue.count().waiting || queue.state().why === null) return;
    event.preventDefault();
    event.returnValue = "";
  }

  function wiped(operators) {
    const work = [window.Desk.openStore().then(function (store) { return store.remove("facts", "wishes"); })];
    if (window.caches) {
      work.push(window.caches.keys().then(function (names) {
        return Promise.all(names.filter(function (name) { return name.startsWith("banque-desk-"); }).map(function (name) {
          return window.caches.delete(name);
        }));
      }));
    }
    if (window.navigator.serviceWorker) {
      work.push(window.navigator.serviceWorker.getRegistrations().then(function (found) {
        return Promise.all(found.map(function (each) { return each.unregister(); }));
      }));
    }
    return Promise.all(work).then(function () {
      document.dispatchEvent(new CustomEvent("desk:wiped", { detail: { operators: operators } }));
      const status = document.getElementById("queue-status");
      if (status) status.textContent = words.wiped;
    });
  }

  queue.on("change", function () {
    render();
    cards.ready.then(goOn);
  });
  queue.on("wiped", wiped);
  document.addEventListener("submit", watchForm, true);
  document.addEventListener("click", stays, true);
  window.addEventListener("beforeunload", warn);
  window.addEventListener("online", render);
  queue.ready.then(function (found) {
    lasting = found.lasting;
    render();
    wishes();
    // The phone keeps the desk's page for whoever has worked here, and for nobody else.
    if (queue.operator() !== null && window.navigator.serviceWorker && !isShell) {
      window.navigator.serviceWorker.register("/sw.js", { scope: "/scan" }).catch(function () {});
    }
    cards.refresh(false);
  });
})();
