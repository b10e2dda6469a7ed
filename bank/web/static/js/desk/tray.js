/* A tray by scanner alone: where things go first, then the things; each is checked at once, and nothing is done
   before the button. Without this script the same form takes the labels one per line. */
(function () {
  "use strict";

  const tray = document.getElementById("tray");
  if (!tray || !window.Desk || !window.Desk.data) return;
  const Desk = window.Desk;
  const words = JSON.parse(tray.dataset.words);
  const form = tray.querySelector("form");
  const field = document.getElementById("tray-scan");
  const list = document.getElementById("tray-list");
  const counter = document.getElementById("tray-count");
  const drop = document.getElementById("tray-drop");
  const act = document.getElementById("tray-act");
  const store = form.elements.codes;
  const place = form.elements.place || null;
  const choice = form.elements.station || form.elements.reason || form.elements.to || null;
  const MOST = 500;
  const things = new Map();
  let request = tray.dataset.request || null;
  let order = Promise.resolve();

  function fill(text, values) {
    return text.replace(/\{(\w+)\}/g, function (_whole, name) { return values[name]; });
  }

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  // --- asking the server, which changes nothing ---

  function wanted() {
    const number = form.elements.to ? parseInt(form.elements.to.value, 10) : NaN;
    return {
      action: tray.dataset.action,
      place: place && place.value ? place.value : null,
      station: form.elements.station ? form.elements.station.value || null : null,
      reason: form.elements.reason ? form.elements.reason.value || null : null,
      to: Number.isNaN(number) ? null : number,
      request: request,
    };
  }

  function ask(code) {
    return window
      .fetch(tray.dataset.check, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": tray.dataset.csrf },
        body: JSON.stringify(Object.assign(wanted(), { code: code })),
      })
      .then(function (answer) {
        return answer.json().then(function (said) {
          if (!answer.ok) throw Object.assign(new Error("refused"), { said: said });
          return said;
        });
      });
  }

  function checkThing(thing) {
    thing.status = "pending";
    render();
    order = order.then(function () { return ask(thing.said); }).then(
      function (answer) { told(thing, answer.line); },
      function (error) {
        thing.status = "unknown";
        thing.why = error.said ? error.said.detail : words.offline;
        render();
        Desk.say(error.said ? "refused" : "waiting", thing.why);
      }
    );
  }

  function told(thing, line) {
    if (!things.has(thing.said)) return;
    thing.status = line.ok ? "ok" : "no";
    thing.code = line.code;
    thing.what = line.what;
    thing.why = line.problem ? [line.problem.title + ".", line.problem.detail, line.more].filter(Boolean).join(" ") : "";
    request = request || line.request;
    render();
    Desk.say(line.ok ? "done" : "refused", (line.ok ? words.ok : thing.why) + " " + Desk.grouped(thing.code || thing.said));
  }

  // --- what is shown ---

  const LOOKS = {
    pending: ["info", "clock"],
    ok: ["done", "circle-check"],
    no: ["stop", "hand-stop"],
    unknown: ["wait", "alert-triangle"],
  };

  function lineOf(thing) {
    const made = element("li", "scan-line");
    made.dataset.said = thing.said;
    made.dataset.status = thing.status;
    const name = element("span");
    const code = element("span", "code", Desk.grouped(thing.code || thing.said));
    code.translate = false;
    name.append(code);
    if (thing.what) name.append(document.createElement("br"), element("span", "muted", thing.what));
    const state = element("span", "state " + LOOKS[thing.status][0]);
    state.append(Desk.icon(LOOKS[thing.status][1]), element("span", "", words[thing.status]));
    made.append(name, state);
    if (thing.why) made.append(element("span", "scan-more", thing.why));
    if (thing.status === "unknown") made.append(button(words.retry, thing, function () { checkThing(thing); }));
    made.append(button(words.drop, thing, function () { remove([thing]); }));
    return made;
  }

  function button(text, thing, does) {
    const made = element("button", "btn btn-lg btn-outline-primary", text);
    made.type = "button";
    made.setAttribute("aria-label", text + " " + Desk.grouped(thing.code || thing.said));
    made.addEventListener("click", does);
    return made;
  }

  // What cannot be acted on comes first; then the latest.
  function render() {
    const all = Array.from(things.values()).reverse();
    const bad = all.filter(function (each) { return each.status === "no"; });
    const others = all.filter(function (each) { return each.status !== "no"; });
    list.replaceChildren.apply(list, bad.concat(others).map(lineOf));
    list.hidden = !all.length;
    counter.hidden = false;
    const ok = all.filter(function (each) { return each.status === "ok"; }).length;
    counter.textContent = fill(words.count, { n: all.length, ok: ok });
    drop.hidden = !bad.length;
    drop.querySelector("span").textContent = fill(words.drop_all, { n: bad.length });
    act.disabled = !all.length;
    store.value = Array.from(things.keys()).join("\n");
  }

  function remove(some) {
    some.forEach(function (thing) { things.delete(thing.said); });
    if (!things.size) request = null;
    render();
    field.focus();
  }

  // --- what is scanned ---

  function toPlace(text) {
    place.value = text;
    order = order.then(function () { return ask(null); }).then(
      function (answer) {
        Desk.say("done", answer.where + ". " + words.place_known);
        field.focus();
        things.forEach(checkThing);
      },
      function (error) {
        place.value = "";
        place.focus();
        Desk.say(error.said ? "refused" : "waiting", error.said ? words.place_first : words.offline);
      }
    );
  }

  function take(said) {
    if (place && !place.value) {
      toPlace(said);
    } else if (choice && !choice.value) {
      choice.focus();
      Desk.say("refused", words.choose_first);
    } else if (things.has(said)) {
      Desk.say("nothing", words.already + " " + Desk.grouped(said));
    } else if (things.size >= MOST) {
      Desk.say("refused", words.full);
    } else {
      const thing = { said: said, status: "pending", code: null, what: "", why: "" };
      things.set(said, thing);
      checkThing(thing);
    }
  }

  function taken(text) {
    const found = Desk.read(text);
    if (found.kind === "label") take(found.code);
    else if (found.kind === "badge") Desk.say("refused", words.badge);
    else if (found.kind === "glued" && found.parts && found.parts.every(function (part) { return part.kind === "label"; })) {
      found.parts.forEach(function (part) { take(part.code); });
    } else if (found.kind === "glued") Desk.say("refused", Desk.data.problems["glued-codes"].join(". "));
    else Desk.say("refused", Desk.data.problems["bad-code"].join(". "));
  }

  // --- beginning ---

  tray.querySelector("[data-tray-plain]").hidden = true;
  tray.querySelector("[data-tray-scan]").hidden = false;
  drop.type = "button";
  drop.addEventListener("click", function () {
    remove(Array.from(things.values()).filter(function (each) { return each.status === "no"; }));
  });
  if (choice) {
    choice.addEventListener("change", function () {
      request = null;
      things.forEach(checkThing);
    });
  }
  if (place) {
    place.addEventListener("keydown", function (event) {
      if (event.key !== "Enter") return;
      event.preventDefault();
      if (place.value.trim()) toPlace(place.value.trim());
    });
  }
  window.addEventListener("submit", function (event) {
    if (event.target !== form) return;
    // An Enter in the form is no word to act.
    if (event.submitter !== act) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  }, true);
  const given = store.value.split(/\s+/).filter(Boolean);
  list.replaceChildren();
  given.forEach(taken);
  Desk.listen({ field: field, taken: taken });
  render();
  tray.dataset.ready = "";
  if (!document.activeElement || document.activeElement === document.body) (place && !place.value ? place : field).focus();
})();
