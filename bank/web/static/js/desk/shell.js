/* The desk without network: a code, its card, one thing to do, a scan that is stored. The forms are the server's own, kept in
   the page as templates; what they ask is asked here as it is there. */
(function () {
  "use strict";

  const root = document.getElementById("offline");
  if (!root || !window.Desk.data) return;
  const Desk = window.Desk;
  // Of what waits, the latest; how many there are stands above.
  const SHOWN = 5;
  const data = JSON.parse(document.getElementById("offline-data").textContent);
  const icons = document.getElementById("queue-bar").dataset.icons;
  const queue = Desk.openQueue();
  const cards = Desk.openCards();
  const box = document.getElementById("offline-card");
  const scanForm = document.getElementById("offline-scan");
  const field = document.getElementById("offline-code");
  const title = document.getElementById("offline-title");
  const said = document.getElementById("offline-said");

  function copy(name) {
    const made = document.importNode(document.getElementById("tpl-" + name).content, true);
    return made;
  }

  function slot(part, name) {
    return part.querySelector("[data-slot='" + name + "']");
  }

  function put(part, name, text) {
    slot(part, name).textContent = text;
    return part;
  }

  function fill(text, values) {
    return text.replace(/\{(\w+)\}/g, function (_whole, name) { return values[name]; });
  }

  function grouped(code) {
    return code.replace(/(.{4})(?=.)/g, "$1\u00a0");
  }

  function capital(text) {
    return text.charAt(0).toUpperCase() + text.slice(1);
  }

  function small(text) {
    return text.charAt(0).toLowerCase() + text.slice(1);
  }

  function show(part) {
    said.replaceChildren(part);
    said.hidden = false;
  }

  function hush() {
    said.replaceChildren();
    said.hidden = true;
  }

  // --- the device in hand ---

  function head(card) {
    const part = copy("device");
    const name = data.categories[card.category];
    slot(part, "icon").querySelector("use").setAttribute("href", icons + "#" + (data.category_icons[card.category] || "package"));
    put(part, "name", [capital(name), card.maker, card.model].filter(Boolean).join(" "));
    put(part, "code", grouped(card.code));
    card.drives.forEach(function (drive) {
      const line = document.createElement("p");
      line.className = "muted mb-0";
      const size = drive.size_gb ? fill(data.texts.size, { size: drive.size_gb }) : "";
      line.textContent = [data.drive_kinds[drive.kind], size, drive.serial].filter(Boolean).join(", ");
      slot(part, "drives").append(line);
    });
    return part;
  }

  function start(form, name, value) {
    const found = form.elements.namedItem(name);
    if (!found || !value) return;
    if (found instanceof RadioNodeList) found.value = value;
    else found.value = value;
  }

  // What was used last, and the drives that are there, need not be said again.
  function prepare(form, card) {
    const known = cards.facts();
    for (let number = 0; number < 4; number += 1) {
      Object.entries(Object.assign({}, known.tool, card.drives[number])).forEach(function (pair) {
        start(form, "drives-" + number + "-" + pair[0], pair[1]);
      });
    }
    if (known.os) start(form, "os", known.os);
    const asked = data.functions[card.category];
    form.querySelectorAll("fieldset[id^='check_']").forEach(function (each) {
      if (!asked.includes(each.id.slice(6))) each.remove();
    });
    const battery = form.querySelector("#battery");
    if (battery && !data.portable.includes(card.category)) battery.closest(".field").remove();
  }

  function guide(card) {
    const part = copy("guide");
    if (card.guide.text) put(part, "text", card.guide.text);
    else slot(part, "text").remove();
    const picture = slot(part, "picture");
    if (card.guide.picture) {
      picture.src = card.guide.picture;
      picture.alt = card.guide.alt || "";
    } else {
      picture.remove();
    }
    return part;
  }

  function todo(card) {
    const part = copy("step-" + card.step);
    const before = slot(part, "before");
    if (card.guide) slot(part, "order").append(guide(card));
    if (card.purge && card.step === "erasure") before.append(copy("purge"));
    prepare(part.querySelector("form"), card);
    return part;
  }

  function says(card, isTodo) {
    const row = document.createElement("div");
    row.className = "says";
    if (isTodo) row.append(copy("problem-" + card.step));
    row.append(copy("says"));
    return row;
  }

  function open(code) {
    const card = cards.find(code);
    hush();
    if (!card) {
      shown(code, [copy("unknown"), says(null, false)], data.texts.desk);
      Desk.say("nothing", "");
      return;
    }
    const isTodo = Boolean(card.step) && !card.blocked && !card.waits && !(card.own && card.step === "control");
    const parts = [head(card)];
    let heading = data.texts.rest;
    if (card.blocked && data.dangers.includes(card.blocked)) parts.push(copy("danger-" + card.blocked));
    else if (card.blocked) parts.push(put(copy("blocked"), "why", data.problems[card.blocked]));
    else if (card.waits) parts.push(copy("waits"));
    else if (isTodo) parts.push(todo(card));
    else if (card.step === "control") parts.push(copy("own"));
    else parts.push(put(copy("rest"), "rest", data.at_rest[card.state] || ""));
    if (card.blocked) heading = fill(data.texts.blocked, { why: data.problems[card.blocked] });
    else if (isTodo) heading = fill(data.texts.step, { step: data.steps[card.step] });
    parts.push(says(card, isTodo));
    shown(code, parts, heading);
  }

  function shown(code, parts, heading) {
    box.replaceChildren.apply(box, parts.concat([copy("other")]));
    box.dataset.code = code;
    box.hidden = false;
    scanForm.hidden = true;
    title.textContent = heading;
    title.focus();
    window.scrollTo(0, 0);
  }

  function close() {
    box.replaceChildren();
    box.hidden = true;
    delete box.dataset.code;
    scanForm.hidden = false;
    title.textContent = data.texts.desk;
    field.value = "";
    field.focus();
  }

  // --- what is said of it ---

  function correct(form, wrong) {
    form.querySelectorAll(".field-error").forEach(function (each) { each.remove(); });
    const summary = copy("errors");
    wrong.forEach(function (each) {
      const target = form.querySelector("[id='" + each.field + "']");
      const line = copy("error");
      line.querySelector("span").textContent = each.text;
      const group = target && (target.matches("fieldset") ? target : target.closest(".field, .tile"));
      if (group) group.append(line);
      const hidden = target && target.closest("details:not([open])");
      if (hidden) hidden.open = true;
      const item = document.createElement("li");
      const link = document.createElement("a");
      const label = target && (target.querySelector("legend") || form.querySelector("label[for='" + each.field + "']"));
      link.href = "#" + each.field;
      link.textContent = label ? label.textContent.trim() : each.field;
      item.append(link, " : " + each.text);
      summary.querySelector("ul").append(item);
    });
    const place = slot(form, "errors");
    place.replaceChildren(summary);
    place.firstElementChild.focus();
    Desk.say("refused", "");
  }

  // What the record itself stops: the server will say so, and the thing goes to the shelf now.
  function stopped(facts) {
    const checks = (facts && facts.checks) || {};
    const failed = Object.keys(checks).find(function (name) { return checks[name] === "failed"; });
    if (failed) return data.broken[failed];
    return facts && facts.battery !== undefined && facts.battery < data.battery_limit ? "battery_dead" : null;
  }

  function noted(entry) {
    const facts = entry.facts || {};
    const card = cards.find(entry.code);
    const why = entry.outcome === "problem" ? facts.reason : stopped(facts);
    if (why && entry.station !== "control") return fill(data.texts.shelf, { why: small(data.problems[why]) });
    if (entry.outcome !== "done" || !card) return data.texts.noted;
    if (card.step === entry.station) return data.texts.again;
    if (card.step) return data.done[entry.station] + " " + data.next[card.step];
    return card.state === "ready" ? data.texts.ready : data.texts.noted;
  }

  function take(form, submitter) {
    const code = box.dataset.code;
    const outcome = form.dataset.outcome;
    const card = cards.find(code);
    const facts = outcome === "done" ? Desk.factsOf(form) : submitter && submitter.value ? { reason: submitter.value } : null;
    if (outcome === "done") {
      const wrong = Desk.unanswered(form, data.texts);
      if (wrong.length) {
        correct(form, wrong);
        return;
      }
    }
    const scan = { code: code, outcome: outcome, station: (card && card.step) || null, facts: facts };
    if (outcome === "done" && stopped(facts)) scan.outlook = "blocked";
    queue.take(scan).then(function (entry) {
      return cards.apply(entry).then(function () { told(entry); });
    });
  }

  function told(entry) {
    if (entry.outcome === "danger") {
      show(copy("danger-" + entry.facts.reason));
      close();
      window.scrollTo(0, 0);
      Desk.say("refused", "");
    } else if (entry.outcome === "help") {
      show(copy("help-said"));
      Desk.say("waiting", "");
    } else {
      const text = noted(entry);
      show(put(copy("said"), "text", text));
      close();
      Desk.say("done", text);
    }
  }

  // --- what waits, and what is to be settled ---

  function asked(entry) {
    if (entry.outcome === "done") return data.done[entry.station] || data.steps[entry.station] || "";
    if (entry.facts && entry.facts.reason) return data.problems[entry.facts.reason];
    return data.texts["asked_" + entry.outcome] || "";
  }

  function settleLine(entry) {
    const part = copy("settle");
    const line = part.querySelector("li");
    line.dataset.scan = entry.scan_id;
    put(part, "code", grouped(entry.code));
    put(part, "asked", asked(entry));
    const answer = entry.answer;
    const isPast = answer.code === "out-of-step" && entry.outcome === "done" && cards.isPast(entry.code, entry.station, answer.step);
    const step = answer.code === "out-of-step" && answer.step ? data.next[answer.step] || "" : "";
    put(part, "title", isPast ? data.texts.past : answer.title || "");
    put(part, "detail", isPast ? step : [answer.detail, step].filter(Boolean).join(" "));
    const link = part.querySelector("[data-act=open]");
    link.href = "/scan/" + entry.code;
    return part;
  }

  function waitingLine(entry) {
    const part = copy("waiting");
    put(part, "code", grouped(entry.code));
    put(part, "asked", asked(entry));
    return part;
  }

  function list(id, entries, line) {
    const section = document.getElementById(id);
    section.hidden = !entries.length;
    const rows = section.querySelector("[data-list]");
    const focused = rows.contains(document.activeElement);
    rows.replaceChildren.apply(rows, entries.map(line));
    if (focused) title.focus();
  }

  function render() {
    const works = queue.operator() !== null;
    document.getElementById("offline-nobody").hidden = works;
    if (!works && !box.hidden) close();
    scanForm.hidden = !works || !box.hidden;
    list("offline-settle", queue.refused(), settleLine);
    list("offline-waiting", queue.pending().slice(-SHOWN).reverse(), waitingLine);
  }

  // --- the page ---

  function taken(text) {
    const found = Desk.read(text);
    const code = found.kind === "label" ? found.code : null;
    if (code) {
      open(code);
      return;
    }
    show(copy("bad"));
    Desk.say("refused", "");
    field.value = "";
  }

  // Where the address brings a code, or what was said on the page before.
  function arrive() {
    const given = decodeURIComponent(window.location.hash.slice(1)).split("&");
    const path = /^\/scan\/([0-9A-Z]{10})(\/|$)/.exec(window.location.pathname);
    const code = given[0] || (path && path[1]);
    const more = new URLSearchParams(given.slice(1).join("&"));
    if (window.location.hash) window.history.replaceState(null, "", window.location.pathname);
    if (code) open(code);
    else if (!scanForm.hidden) field.focus();
    if (data.dangers.includes(more.get("danger"))) show(copy("danger-" + more.get("danger")));
    if (more.get("help")) show(copy("help-said"));
    if (more.get("noted")) show(put(copy("said"), "text", data.texts.noted));
  }

  box.addEventListener("submit", function (event) {
    event.preventDefault();
    take(event.target, event.submitter);
  });
  box.addEventListener("click", function (event) {
    if (!event.target.closest("[data-other]")) return;
    hush();
    close();
  });
  scanForm.addEventListener("submit", function (event) {
    event.preventDefault();
    if (field.value.trim()) taken(field.value);
  });
  document.getElementById("offline-settle").addEventListener("click", function (event) {
    const button = event.target.closest("button[data-act]");
    if (!button) return;
    const scan = button.closest("[data-scan]").dataset.scan;
    if (button.dataset.act === "retry") queue.retry(scan);
    else queue.settle(scan);
  });
  Promise.all([queue.ready, cards.ready]).then(function () {
    queue.on("change", render);
    document.addEventListener("desk:wiped", render);
    Desk.listen({ field: field, taken: taken, empty: function () {} });
    render();
    arrive();
  });
})();
