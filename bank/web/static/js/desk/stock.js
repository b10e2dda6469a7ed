/* Counting at a place: each scan is kept in this browser until the server has taken it, and the field is free at once.

   Sending again changes nothing there, so that whatever is not known to have arrived is simply sent again. */
(function () {
  "use strict";

  const stock = document.getElementById("stock");
  if (!stock || !window.Desk.data) return;
  const Desk = window.Desk;
  const form = document.getElementById("stock-form");
  const field = form.elements.code;
  const notice = document.getElementById("stock-waiting");
  const KEY = "stock-take-" + stock.dataset.take;
  const MOST = Number(stock.dataset.most);
  const FIRST_RETRY_MS = 1000;
  const LAST_RETRY_MS = 30000;

  let waiting = stored();
  let busy = false;
  let stopped = false;
  let retry = FIRST_RETRY_MS;
  let timer = null;

  function stored() {
    try {
      return JSON.parse(window.localStorage.getItem(KEY)) || [];
    } catch (_refused) {
      return [];
    }
  }

  function keep() {
    try {
      if (waiting.length) window.localStorage.setItem(KEY, JSON.stringify(waiting));
      else window.localStorage.removeItem(KEY);
    } catch (_refused) {
      // They last as long as the page.
    }
  }

  function tell(text) {
    notice.hidden = !text;
    notice.querySelector("span").textContent = text;
  }

  function body(codes) {
    const data = new URLSearchParams();
    data.append("csrf_token", form.elements.csrf_token.value);
    codes.forEach(function (code, place) { data.append("codes-" + place, code); });
    return data;
  }

  function arrived(codes, answer) {
    waiting = waiting.slice(codes.length);
    keep();
    retry = FIRST_RETRY_MS;
    tell("");
    const fresh = document.createElement("template");
    fresh.innerHTML = answer.lists;
    document.getElementById("lists").replaceWith(fresh.content.querySelector("#lists"));
    // What went wrong is said even when other scans came after it.
    const told = answer.scans.filter(function (scan) { return scan.outcome === "refused"; });
    const last = told.length ? told[told.length - 1] : answer.scans[answer.scans.length - 1];
    if (last) Desk.say(last.outcome, last.text);
  }

  function later() {
    const text = stock.dataset.waiting.replace("{n}", waiting.length);
    tell(text);
    Desk.say("waiting", text);
    window.clearTimeout(timer);
    timer = window.setTimeout(send, retry);
    retry = Math.min(2 * retry, LAST_RETRY_MS);
  }

  function stop() {
    stopped = true;
    tell(stock.dataset.stopped);
    Desk.say("refused", stock.dataset.stopped);
  }

  async function send() {
    if (busy || stopped || !waiting.length) return;
    busy = true;
    const codes = waiting.slice(0, MOST);
    try {
      const answer = await window.fetch(form.action, { method: "POST", body: body(codes), redirect: "manual" });
      if (answer.ok) arrived(codes, await answer.json());
      else if (answer.status >= 500 || answer.status === 429) later();
      else stop();
    } catch (_offline) {
      later();
    }
    busy = false;
    if (retry === FIRST_RETRY_MS) send();
  }

  function badge(code) {
    const other = document.getElementById("badge-form");
    other.elements.code.value = code;
    other.submit();
  }

  function taken(text) {
    const found = Desk.read(text);
    if (found.parts) {
      found.parts.forEach(function (part) { taken(part.code); });
    } else if (found.kind === "glued") {
      Desk.say("refused", Desk.data.problems["glued-codes"].join(". "));
    } else if (found.kind === "badge") {
      badge(found.code);
    } else if (found.kind === "command") {
      Desk.say("refused", stock.dataset.command);
    } else {
      waiting.push(text.trim());
      keep();
      Desk.say("pending", stock.dataset.pending + " " + Desk.grouped(found.code || text.trim()));
      send();
    }
  }

  Desk.listen({ field: field, taken: taken, empty: function () { field.focus(); } });
  document.querySelectorAll("[data-camera-open]").forEach(function (button) {
    button.hidden = false;
    button.addEventListener("click", function () { Desk.openCamera({ many: true, formats: "labels", taken: taken }); });
  });
  window.addEventListener("online", send);
  window.addEventListener("beforeunload", function (event) {
    if (waiting.length) event.preventDefault();
  });
  send();
})();
