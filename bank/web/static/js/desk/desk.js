/* The desk's pages by scanner alone: one device at a time, one step for many, or the device in hand.

   The page says which in #desk: data-mode "look", "series" or "hand"; data-station, the step; data-code, the device.
   Each scan goes to the queue (queue.js), is shown at once, and says what became of it (feedback.js). */
(function () {
  "use strict";

  const desk = document.getElementById("desk");
  if (!desk || !window.Desk.data) return;
  const Desk = window.Desk;
  const data = Desk.data;
  const texts = data.texts;
  const mode = desk.dataset.mode;
  const station = desk.dataset.station || null;
  const field = document.getElementById(desk.dataset.field || "");
  const list = document.getElementById("scans");
  const counter = document.getElementById("scan-count");
  const queue = Desk.openQueue();
  // What this tab knows of its own scans, through the pages that it goes from one to the next.
  const HELD = "desk-held";
  const HERE = "desk-here";
  const OPENED = "desk-opened";
  const SERIES = "desk-series-" + station;
  const SHOWN = 8;
  const LEAVE_MS = 3000;
  const LONGEST = 60;
  // After these the device in hand is at another step.
  const MOVES = ["done", "problem", "undo"];
  // What the desk's own page answers better than a line: a place, a blank label, several devices of one number.
  const BETTER = ["place-label", "blank-label", "void-label", "several-match"];

  const own = new Map();
  let here = stored(HERE, []);
  let series = stored(SERIES, {});
  let order = Promise.resolve();
  let hand = mode === "hand" ? { code: desk.dataset.code, step: station } : null;
  let awaited = null;
  let leaving = false;

  function stored(name, empty) {
    try {
      return JSON.parse(window.sessionStorage.getItem(name)) || empty;
    } catch (_refused) {
      return empty;
    }
  }

  function store(name, value) {
    try {
      window.sessionStorage.setItem(name, JSON.stringify(value));
    } catch (_refused) {
      // It lasts as long as the page.
    }
  }

  function fill(text, values) {
    return text.replace(/\{(\w+)\}/g, function (whole, name) { return name in values ? values[name] : whole; });
  }

  // --- what is said ---

  function nextStep(step) {
    return data.words.step_next[step] || "";
  }

  function title(entry) {
    const answer = entry.answer;
    if (entry.status === "pending") return texts.pending;
    if (entry.status === "refused") return answer.title;
    if (entry.status === "nothing") return entry.outcome === "look" ? texts.seen : texts.already;
    return capital(data.words.scan_outcome[answer.outcome] || texts.done);
  }

  function detail(entry) {
    const answer = entry.answer;
    if (!answer) return "";
    if (entry.status === "refused") {
      const step = answer.code === "out-of-step" && answer.step ? nextStep(answer.step) : "";
      const problem = answer.problem ? data.words.problem[answer.problem] + "." : "";
      return [answer.detail, step, problem].filter(Boolean).join(" ");
    }
    if (answer.problem) return data.words.problem[answer.problem];
    return answer.step ? nextStep(answer.step) : data.words.at_rest[answer.state] || "";
  }

  function spoken(entry) {
    return [title(entry), detail(entry)].filter(Boolean).join(". ").replace("..", ".") + " " + Desk.grouped(entry.code);
  }

  // The list says the rest of a refusal.
  function short(entry) {
    return entry.status === "refused" ? title(entry) + " " + Desk.grouped(entry.code) : spoken(entry);
  }

  function capital(text) {
    return text.charAt(0).toUpperCase() + text.slice(1);
  }

  // --- the list: refused ones first, until somebody has dealt with them; then the latest ---

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function state(kind, iconName, text) {
    const made = element("span", "state " + kind);
    made.append(Desk.icon(iconName), element("span", "", text));
    return made;
  }

  function code(entry) {
    const made = element("span", "code", Desk.grouped(entry.code));
    made.translate = false;
    return made;
  }

  function line(entry) {
    const made = element("li", "scan-line");
    made.dataset.scan = entry.scan_id;
    made.dataset.status = entry.status;
    made.append(code(entry), state(Desk.kinds[entry.status], Desk.icons[entry.status], title(entry)));
    const more = detail(entry);
    if (more) made.append(element("span", "scan-more muted", more));
    return made;
  }

  function refusedLine(entry) {
    const made = element("li", "scan-refused");
    made.dataset.scan = entry.scan_id;
    made.dataset.status = "refused";
    const words = element("div");
    const head = element("p", "verdict mb-1", title(entry));
    words.append(head, element("p", "mb-1", detail(entry)));
    if (entry.code) words.append(element("p", "mb-0"));
    if (entry.code) words.lastChild.append(code(entry));
    const button = element("button", "tap stop-plain");
    button.type = "button";
    button.append(Desk.icon("check"), element("span", "", texts.understood));
    button.setAttribute("aria-label", texts.understood + " : " + title(entry) + " " + Desk.grouped(entry.code || ""));
    button.addEventListener("click", function () { settle(entry); });
    made.append(Desk.icon("hand-stop"), words, button);
    return made;
  }

  function settle(entry) {
    if (entry.local) {
      here = here.filter(function (each) { return each.scan_id !== entry.scan_id; });
      store(HERE, here);
      render();
    } else {
      queue.settle(entry.scan_id);
    }
    // The button is gone: the next scan comes.
    ready();
  }

  // Under a thumb the focus would bring up the keyboard of the screen; a scanner is heard without it.
  function ready() {
    if (field && !leaving && !window.matchMedia("(pointer: coarse)").matches) field.focus();
  }

  function isAlready(entry) {
    if (entry.status !== "refused" || entry.outcome !== "done" || entry.answer.code !== "out-of-step") return false;
    return Object.values(series).some(function (each) { return each.code === entry.code && each.status === "done"; });
  }

  // Besides what waits, the scans of this page or of this series.
  function isOfHere(entry) {
    return entry.status === "pending" || entry.status !== "refused" && (own.has(entry.scan_id) || entry.scan_id in series);
  }

  function render() {
    if (!list) return;
    const held = document.activeElement && document.activeElement.closest("[data-scan]");
    const refused = queue.refused().filter(function (entry) { return !isAlready(entry); }).concat(here);
    const others = queue.recent(1e9).filter(isOfHere).slice(0, SHOWN);
    list.replaceChildren.apply(list, refused.map(refusedLine).concat(others.map(line)));
    list.hidden = !list.children.length;
    if (held) {
      const again = list.querySelector("[data-scan='" + held.dataset.scan + "'] button");
      if (again) again.focus();
    }
    count();
  }

  function some(n, name) {
    return n ? fill(n === 1 ? texts[name + "_one"] : texts[name + "_many"], { n: n }) : null;
  }

  function count() {
    if (!counter) return;
    const all = Object.values(series);
    const of = function (status) { return all.filter(function (each) { return each.status === status; }).length; };
    const parts = [some(of("done"), "count_done"), some(of("nothing"), "count_already"), some(of("undone"), "count_undone"), some(of("refused"), "count_refused"), some(of("pending"), "count_pending")];
    const total = fill(all.length < 2 ? texts.count_one : texts.count_many, { n: all.length });
    counter.textContent = all.length ? total + " : " + parts.filter(Boolean).join(", ") : total;
  }

  function note(entry) {
    const undone = entry.outcome === "undo" && entry.status === "done" && series[entry.facts.undoes];
    if (undone) undone.status = "undone";
    else if (mode !== "series" || entry.outcome !== "done" && !entry.local) return;
    else series[entry.scan_id] = { code: entry.code, status: entry.status };
    store(SERIES, series);
    count();
  }

  // --- scans ---

  function local(text, problem) {
    const entry = {
      scan_id: "here-" + Date.now() + "-" + Math.random(),
      code: text.length > 24 ? text.slice(0, 24) + "…" : text,
      status: "refused",
      local: true,
      answer: { title: problem[0], detail: problem[1] },
    };
    here = here.concat([entry]);
    store(HERE, here);
    note(entry);
    render();
    Desk.say("refused", problem.join(". "), title(entry) + " " + Desk.grouped(entry.code));
  }

  // In their order, each once it is kept; the field has long been free again.
  function take(scan) {
    const made = order.then(function () { return queue.take(scan); });
    order = made.catch(function () {});
    Desk.say("pending", texts.pending + " " + Desk.grouped(scan.code));
    return made.then(
      function (entry) {
        own.set(entry.scan_id, entry);
        note(entry);
        render();
        return entry;
      },
      function () { local(scan.code, data.problems["not-signed-in"]); }
    );
  }

  function answered(entry) {
    if (!own.has(entry.scan_id)) return;
    if (isAlready(entry)) {
      note(Object.assign({}, entry, { status: "nothing" }));
      queue.settle(entry.scan_id);
      Desk.say("nothing", texts.already + " " + Desk.grouped(entry.code));
      return;
    }
    if (entry.status === "refused" && entry.outcome === "look" && BETTER.includes(entry.answer.code)) {
      queue.settle(entry.scan_id).then(function () { post(entry.code); });
      return;
    }
    note(entry);
    if (entry.status !== "refused") follow(entry);
    // An answer that comes late must not hide what the person was asked for meanwhile.
    const next = awaited ? " " + data.words.command_next[awaited] : "";
    if (!leaving) Desk.say(entry.status === "nothing" && entry.outcome === "look" ? "done" : entry.status, spoken(entry) + next, short(entry) + next);
  }

  // What comes after an answer: the device that was looked for opens; the one in hand has moved on.
  function follow(entry) {
    if (entry.outcome === "look" && entry.n === last()) open(entry.answer.device || entry.code);
    else if (mode === "series" && hand && hand.code === entry.code) hand = { code: entry.code, step: entry.answer.step, scan: entry.scan_id };
    else if (mode === "hand" && MOVES.includes(entry.outcome) && entry.code === hand.code) go(data.urls.desk);
  }

  function last() {
    return Math.max.apply(null, Array.from(own.values(), function (entry) { return entry.n; }));
  }

  function open(code) {
    store(OPENED, code);
    go(fill(data.urls.device, { code: code }));
  }

  function go(address) {
    leaving = true;
    window.location.assign(address);
  }

  // What is scanned while the page is being left is taken on the next one.
  function hold(text) {
    store(HELD, stored(HELD, []).concat([text]));
  }

  function isHalfDone() {
    return Array.from(document.querySelectorAll("#answers input:not([type=hidden]), #answers select, #answers textarea")).some(function (each) {
      return each.type === "checkbox" || each.type === "radio" ? each.checked !== each.defaultChecked : each.value !== each.defaultValue;
    });
  }

  function label(found) {
    if (awaited === "badge") {
      awaited = null;
      local(Desk.grouped(found.code), data.problems["not-a-badge"]);
    } else if (awaited === "place") {
      awaited = null;
      put(found.code);
    } else if (mode === "series") {
      hand = { code: found.code, step: station };
      take({ code: found.code, outcome: "done", station: station });
    } else if (mode === "hand" && found.code === hand.code) {
      Desk.say("nothing", texts.in_hand);
    } else if (mode === "hand" && isHalfDone()) {
      local(Desk.grouped(found.code), data.problems["half-done"]);
    } else {
      take({ code: found.code, outcome: "look" });
    }
  }

  function put(place) {
    if (hand) take({ code: hand.code, outcome: "put", facts: { place: place } });
    else local(Desk.grouped(place), data.problems["nothing-in-hand"]);
  }

  function post(text) {
    const form = document.getElementById("badge-form");
    leaving = true;
    form.elements.code.value = text;
    form.submit();
  }

  // The next person: what was scanned before is theirs who scanned it, so it is on its way first.
  function badge(found) {
    awaited = null;
    leaving = true;
    const until = Date.now() + LEAVE_MS;
    (function send() {
      if (queue.count().waiting && Date.now() < until) {
        window.setTimeout(send, 50);
        return;
      }
      post(found.code);
    })();
  }

  const ACTS = {
    done: function () {
      const button = document.querySelector("#answers button.tap.done");
      if (mode === "hand" && button) press(button);
      else if (mode !== "hand" && hand && hand.step) take({ code: hand.code, outcome: "done", station: hand.step });
      else if (hand) local(Desk.grouped(hand.code), data.problems["no-step"]);
      else local("", data.problems["nothing-in-hand"]);
    },
    problem: function (command) { tell("problem", command); },
    danger: function (command) { tell("danger", command); },
    help: function () {
      if (mode === "hand") press(document.querySelector("#help-form button"));
      else if (hand) take({ code: hand.code, outcome: "help", station: hand.step });
      else press(document.querySelector("#help-form button"));
    },
    undo: function () {
      const button = mode !== "series" && document.querySelector("form[action$='/undo'] button");
      if (button) {
        press(button);
        return;
      }
      const entry = queue.recent(1e9).find(function (each) { return each.status === "done" && each.outcome !== "undo"; });
      if (entry) take({ code: entry.code, outcome: "undo", undoes: entry.scan_id });
      else local("", data.problems["nothing-to-undo"]);
    },
    cancel: function () {
      awaited = null;
      if (mode === "hand") go(data.urls.desk);
      else Desk.say("done", data.words.command_next.cancel);
      hand = mode === "hand" ? hand : null;
    },
    place: function () { await_("place"); },
    badge: function () { await_("badge"); },
  };

  function await_(what) {
    awaited = what;
    Desk.say("waiting", data.words.command_next[what]);
  }

  function press(button) {
    Desk.say("pending", texts.pending);
    leaving = true;
    button.form.requestSubmit(button);
    // A form that stays, for what it must be told first.
    window.setTimeout(function () { leaving = false; }, LEAVE_MS);
  }

  function tell(outcome, command) {
    if (!hand) {
      local("", data.problems["nothing-in-hand"]);
      return;
    }
    const button = mode === "hand" && document.querySelector("button[name=reason][value='" + command.problem + "']");
    if (button) press(button);
    else take({ code: hand.code, outcome: outcome, station: hand.step, facts: { reason: command.problem } });
  }

  function command(found) {
    if (found.command.act !== "cancel") awaited = null;
    ACTS[found.command.act](found.command);
  }

  // No code of ours: a number on the device, perhaps, which the server looks for. A badge that was misread stays here.
  function other(_found, text) {
    const isSecret = text.toUpperCase().includes(data.badge_mark);
    if (isSecret || text.length > LONGEST || mode === "hand" && isHalfDone()) local(isSecret ? "" : text, data.problems["bad-code"]);
    else label({ code: text.trim() });
  }

  const KINDS = {
    label: label,
    badge: badge,
    command: command,
    glued: function (_found, text) { local(text, data.problems["glued-codes"]); },
    other: other,
  };

  function taken(text, how) {
    if (leaving) {
      hold(text);
      return;
    }
    const found = Desk.read(text);
    // Only what a scanner typed in one go is taken apart; what a hand typed is for the hand to put right.
    const parts = found.parts && how.burst ? found.parts : [found];
    parts.forEach(function (part) {
      if (leaving) hold(part.code);
      else KINDS[part.kind](part, text);
    });
  }

  function empty() {
    Desk.say("refused", texts.empty);
  }

  // --- the page ---

  // What this page has to say by itself: the device that a scan has opened, or what became of the form before.
  function heard() {
    const opened = stored(OPENED, null);
    if (opened) store(OPENED, null);
    const said = document.querySelector("main > .notice");
    if (!said && opened && opened === desk.dataset.code) Desk.say(desk.dataset.tone, desk.dataset.says, "");
    if (!said) return;
    const isBad = said.matches(".stop, .wait");
    Desk.say(isBad ? "refused" : said.matches(".info") ? "nothing" : "done", said.textContent.trim(), "");
  }

  // Whoever's badge was refused has scanned nothing: those scans are to be made again.
  function takeHeld() {
    const held = stored(HELD, []);
    if (!held.length) return;
    store(HELD, []);
    const refused = document.querySelector("[role=alert]");
    held.forEach(function (text) {
      if (refused) local(text, data.problems["scan-again"]);
      else taken(text, { burst: true });
    });
  }

  function lend(button) {
    button.hidden = false;
    button.addEventListener("click", function () {
      const many = mode === "series";
      Desk.openCamera({ many: many, formats: "labels", taken: function (text) { taken(text, { burst: true }); } });
    });
  }

  function lendForSerial(button) {
    button.hidden = false;
    button.addEventListener("click", function () {
      const target = document.getElementById(button.dataset.cameraFor);
      Desk.openCamera({
        many: false,
        formats: "serials",
        taken: function (text) {
          target.value = text;
          target.focus();
          Desk.say("done", text);
        },
      });
    });
  }

  Desk.listen({ field: field, taken: taken, empty: empty });
  queue.on("change", render);
  queue.on("answer", answered);
  document.querySelectorAll("[data-camera-open]").forEach(lend);
  document.querySelectorAll("[data-camera-for]").forEach(lendForSerial);
  document.addEventListener("desk:camera-closed", ready);
  document.querySelectorAll("[data-with-script]").forEach(function (each) { each.hidden = false; });
  document.querySelectorAll("[data-undo]").forEach(function (button) { button.addEventListener("click", ACTS.undo); });
  document.querySelectorAll("[data-series-end]").forEach(function (link) {
    link.addEventListener("click", function () { store(SERIES, {}); });
  });
  queue.ready.then(function () {
    render();
    heard();
    takeHeld();
    desk.dataset.ready = "yes";
  });
})();
