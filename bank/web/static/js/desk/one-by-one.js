/* One scan after the other on a page that takes one: each is sent by itself, in order, and the field is free at once.

   The answer is the page itself, of which the changed part is put in place. Sending a scan again changes nothing, so
   that what is not known to have arrived is sent again. Without this script the page is loaded anew for each scan. */
(function () {
  "use strict";

  const root = document.getElementById("one-by-one");
  const form = root && root.querySelector("form");
  if (!form || !window.Desk || !window.Desk.data) return;
  const Desk = window.Desk;
  const words = JSON.parse(root.dataset.words);
  const field = form.elements.code;
  const list = document.getElementById("scans");
  const SHOWN = 5;
  const FIRST_RETRY_MS = 1000;
  const LAST_RETRY_MS = 30000;

  const waiting = [];
  let answered = [];
  let busy = false;
  let stopped = false;
  let retry = FIRST_RETRY_MS;
  let timer = null;

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function named(scan) {
    const name = element("span", "code", scan.name);
    name.translate = false;
    return name;
  }

  // --- what is shown: what went wrong stays until somebody has seen it, then the latest ---

  function refusedLine(scan) {
    const made = element("li", "scan-refused");
    const text = element("div");
    text.append(named(scan), element("p", "mb-0", scan.text));
    const seen = element("button", "tap stop-plain", words.seen);
    seen.type = "button";
    seen.setAttribute("aria-label", words.seen + " " + scan.name);
    seen.addEventListener("click", function () {
      answered = answered.filter(function (each) { return each !== scan; });
      render();
      field.focus();
    });
    made.append(Desk.icon("hand-stop"), text, seen);
    return made;
  }

  function otherLine(scan) {
    const made = element("li", "scan-line");
    const state = element("span", "state " + Desk.kinds[scan.outcome]);
    state.append(Desk.icon(Desk.icons[scan.outcome]), element("span", "", words[scan.outcome]));
    made.append(named(scan), state);
    return made;
  }

  function isRefused(scan) {
    return scan.outcome === "refused";
  }

  function render() {
    const others = answered.filter(function (scan) { return !isRefused(scan); });
    answered = answered.filter(function (scan) { return isRefused(scan) || others.indexOf(scan) < SHOWN; });
    const lines = answered.filter(isRefused).map(refusedLine)
      .concat(waiting.slice().reverse().map(otherLine))
      .concat(others.slice(0, SHOWN).map(otherLine));
    list.replaceChildren.apply(list, lines);
    list.hidden = !lines.length;
  }

  // --- what is sent, and what the page answers ---

  function arrived(page) {
    const fresh = page.getElementById("one-by-one");
    if (!fresh || !fresh.dataset.said) return false;
    const scan = Object.assign(waiting.shift(), { outcome: fresh.dataset.outcome, text: fresh.dataset.said });
    answered.unshift(scan);
    retry = FIRST_RETRY_MS;
    document.querySelectorAll("[data-fresh]").forEach(function (part) {
      const now = page.getElementById(part.id);
      if (now) part.replaceWith(document.importNode(now, true));
    });
    form.hidden = !fresh.querySelector("form");
    render();
    if (form.hidden) root.querySelector("[data-fresh] a").focus();
    Desk.say(scan.outcome, scan.text);
    return true;
  }

  function later() {
    waiting.forEach(function (scan) { scan.outcome = "waiting"; });
    render();
    Desk.say("waiting", words.offline);
    window.clearTimeout(timer);
    timer = window.setTimeout(send, retry);
    retry = Math.min(2 * retry, LAST_RETRY_MS);
    return false;
  }

  // Somebody else is signed in here, or nobody: what waits stays on the screen.
  function stop() {
    stopped = true;
    Desk.say("refused", words.stopped);
    return false;
  }

  async function sent(scan) {
    const body = new URLSearchParams(new FormData(form));
    body.set("code", scan.said);
    body.set("stays", "1");
    let answer, text;
    try {
      answer = await window.fetch(form.action, { method: "POST", body: body });
      text = await answer.text();
    } catch (_offline) {
      return later();
    }
    if (answer.status >= 500 || answer.status === 429) return later();
    return arrived(new DOMParser().parseFromString(text, "text/html")) || stop();
  }

  async function send() {
    if (busy || stopped || !waiting.length) return;
    busy = true;
    const goesOn = await sent(waiting[0]);
    busy = false;
    if (goesOn) send();
  }

  // --- what is scanned ---

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
      Desk.say("refused", words.command);
    } else {
      const said = text.trim();
      waiting.push({ said: said, name: found.code ? Desk.grouped(found.code) : said, outcome: "pending", text: "" });
      render();
      Desk.say("pending", words.pending);
      send();
    }
  }

  Desk.listen({ field: field, taken: taken, empty: function () { field.focus(); } });
  window.addEventListener("online", send);
  window.addEventListener("beforeunload", function (event) {
    if (waiting.length) event.preventDefault();
  });
})();
