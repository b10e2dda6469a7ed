/* Trying a scanner: what came instead of what is drawn tells how it is set, and what to change. */
(function () {
  "use strict";

  // Key by key: what a computer writes whose keyboard is not the one that the scanner believes in.
  const LAYOUTS = {
    same: {},
    us_on_french: pairs("1234567890/.:-azqwmAZQWM", "&é\"'(-è_çà!:M)qwaz,QWAZ?"),
    french_on_us: pairs("1234567890/.:-azqwmAZQWM", "!@#$%^&*()><.6qwaz;QWAZ:"),
  };
  const CASES = {
    as_is: function (text) { return text; },
    upper: function (text) { return text.toUpperCase(); },
    lower: function (text) { return text.toLowerCase(); },
    swapped: function (text) {
      return Array.from(text, function (sign) { return sign === sign.toUpperCase() ? sign.toLowerCase() : sign.toUpperCase(); }).join("");
    },
  };
  const SLOW_MS = 45;
  // Slower than any scanner: a hand.
  const HAND_MS = 110;

  const Desk = window.Desk;
  const trial = JSON.parse(document.getElementById("trial-data").textContent);
  const words = trial.words;
  const form = document.getElementById("trial");
  const field = document.getElementById("trial-field");
  const findings = document.getElementById("findings");
  const advice = document.getElementById("advice");
  const kindMark = new RegExp("^" + Desk.data.kind_mark + "$");

  function pairs(typed, meant) {
    const made = {};
    Array.from(typed).forEach(function (sign, index) { made[sign] = meant[index]; });
    return made;
  }

  function through(text, layout) {
    return Array.from(text, function (sign) { return layout[sign] || sign; }).join("");
  }

  // How the text came to be what it is: the keyboard, the case, and what stands around it.
  function explain(text) {
    for (const [layout, table] of Object.entries(LAYOUTS)) {
      for (const [name, change] of Object.entries(CASES)) {
        // A key that writes no letter has no case: the scanner changes the letters, then the keys are pressed.
        for (const written of [change(through(trial.text, table)), through(change(trial.text), table)]) {
          const at = text.indexOf(written);
          if (at >= 0) return { layout: layout, case: name, prefix: text.slice(0, at), suffix: text.slice(at + written.length) };
        }
      }
    }
    return null;
  }

  function write(name, text) {
    document.querySelector("[data-finding=" + name + "]").textContent = text;
  }

  function fill(text, values) {
    return text.replace(/\{(\w+)\}/g, function (_whole, name) { return values[name]; });
  }

  function around(found) {
    const text = [found.prefix, found.suffix].filter(Boolean).join(" … ");
    if (!text) return words.prefix_none;
    return fill(kindMark.test(found.prefix) && !found.suffix ? words.prefix_kind : words.prefix_own, { text: text });
  }

  function show(found, how) {
    const ended = how.end === "enter" || how.end === "tab" ? how.end : "pause";
    const isOwn = Boolean(found.suffix) || Boolean(found.prefix) && !kindMark.test(found.prefix);
    const gap = Math.max(1, Math.round(how.gap));
    write("layout", words["layout_" + found.layout]);
    write("end", words["end_" + ended]);
    write("prefix", around(found));
    write("case", words["case_" + found.case]);
    write("speed", fill(gap > SLOW_MS ? words.speed_slow : words.speed, { n: gap }));
    const better = [
      found.layout !== "same" && words.layout_do,
      ended === "pause" && words.end_do,
      isOwn && words.prefix_do,
      found.case === "swapped" && words.case_do,
    ].filter(Boolean);
    advise(better);
    findings.hidden = false;
    Desk.keepScanner({ prefix: isOwn ? found.prefix : "", suffix: found.suffix, gap: gap });
    Desk.say("done", (better.length ? words.better : words.fine) + " " + words.kept);
  }

  function advise(lines) {
    advice.replaceChildren.apply(advice, lines.map(function (line) {
      const item = document.createElement("li");
      item.textContent = line;
      return item;
    }));
    advice.hidden = !lines.length;
  }

  function taken(text, how) {
    const found = explain(text);
    findings.hidden = true;
    if (!how.burst && (!found || how.count < trial.text.length || how.gap > HAND_MS)) Desk.say("nothing", words.typed);
    else if (!found) Desk.say("refused", words.unknown + " " + words.unknown_do);
    else show(found, how);
  }

  form.hidden = false;
  Desk.listen({ field: field, taken: taken });
  field.focus();
})();
