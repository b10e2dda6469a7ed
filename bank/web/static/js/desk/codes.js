/* What a scanner gave, read as the server reads it: the same tables, given by the page (`bank/scanning/client.py`).

   Desk.data: what the page was given. Desk.read(text) -> {kind, code, command, parts}:
   - kind: "label", "badge", "command", "glued" or "other"; code: its signs as they should be
   - command: {act, problem} of a command; parts: of a glued text, what it holds, when nothing in it is left to guess
   Desk.scanner: what the set-up page found out about this browser's scanner: {prefix, suffix, gap}. */
(function () {
  "use strict";

  const SCANNER = "desk-scanner";
  // White space at both ends, as Python understands it.
  const SPACE = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+";
  const EDGES = new RegExp("^" + SPACE + "|" + SPACE + "$", "g");
  const HEAD = /^HTTP[^]*?\/D\//;

  const element = document.getElementById("desk-data");
  const data = element ? JSON.parse(element.textContent) : null;
  if (!data) return;
  const kindMark = new RegExp("^" + data.kind_mark);
  const commands = new Map(data.commands.map(function (row) { return [row.code, row]; }));

  function learnt() {
    try {
      return JSON.parse(window.localStorage.getItem(SCANNER)) || {};
    } catch (_refused) {
      return {};
    }
  }

  const scanner = Object.assign({ prefix: "", suffix: "", gap: 0 }, learnt());

  function keep(found) {
    Object.assign(scanner, found);
    try {
      window.localStorage.setItem(SCANNER, JSON.stringify(scanner));
    } catch (_refused) {
      // It is known until the page is left.
    }
  }

  function translate(text, layout) {
    return Array.from(text, function (sign) { return layout[sign] || sign; }).join("").toUpperCase();
  }

  function clean(text) {
    return Array.from(text).filter(function (sign) { return !data.separators.includes(sign); }).join("");
  }

  function isWhole(text, length) {
    if (text.length !== length) return false;
    let check = 0;
    for (const sign of text) {
      const value = data.alphabet.indexOf(sign);
      if (value < 0) return false;
      check = (2 * check + value) % data.alphabet.length;
    }
    return check === 1;
  }

  function isLabel(text) {
    return isWhole(text, data.label_length);
  }

  function isBadge(text) {
    return text.startsWith(data.badge_mark) && isWhole(text, data.badge_length);
  }

  // Without what this scanner is known to put around each code, nor the mark of its kind of symbol.
  function bare(text) {
    let left = text.replace(EDGES, "");
    if (scanner.prefix && left.startsWith(scanner.prefix)) left = left.slice(scanner.prefix.length);
    if (scanner.suffix && left.endsWith(scanner.suffix)) left = left.slice(0, -scanner.suffix.length);
    return kindMark.test(left) ? left.slice(3) : left;
  }

  function areLabels(text) {
    const pieces = text.match(new RegExp("[^]{1," + data.label_length + "}", "g")) || [];
    return pieces.length > 1 && pieces.every(isLabel);
  }

  function readLabel(text) {
    let glued = false;
    for (const given of new Set([text.replace(EDGES, ""), bare(text)])) {
      for (const layout of data.layouts) {
        const pieces = translate(given, layout).split(data.passport_path).map(clean);
        const last = pieces.pop().replace(/\/+$/, "");
        glued = glued || pieces.length > 1 || areLabels(last)
          || pieces.some(function (piece) { return isLabel(piece.slice(0, data.label_length)); });
        if (!glued && isLabel(last)) return { kind: "label", code: last };
      }
    }
    return glued ? { kind: "glued" } : null;
  }

  // Every way in which the text is nothing but whole codes, one after the other; two are enough to know nothing.
  function ways(text, prefix) {
    if (!text) return [[]];
    const found = [];
    function first(length, part) {
      if (found.length < 2) ways(text.slice(length), prefix).forEach(function (rest) { found.push([part].concat(rest)); });
    }
    const label = text.slice(0, data.label_length);
    const badge = text.slice(0, data.badge_length);
    const command = commands.get(text.slice(0, data.command_length));
    if (isLabel(label)) first(label.length, { kind: "label", code: label });
    if (isBadge(badge)) first(badge.length, { kind: "badge", code: badge });
    if (command) first(data.command_length, { kind: "command", code: command.code, command: command });
    const head = HEAD.exec(text);
    if (head) {
      const code = text.slice(head[0].length).slice(0, data.label_length);
      const end = head[0].length + code.length;
      if (isLabel(code)) first(text[end] === "/" ? end + 1 : end, { kind: "label", code: code });
    }
    const mark = prefix && text.startsWith(prefix) ? prefix.length : kindMark.test(text) ? 3 : 0;
    if (mark) found.push.apply(found, ways(text.slice(mark), prefix));
    return found;
  }

  function split(text) {
    for (const layout of data.layouts) {
      const found = ways(clean(translate(text, layout)), clean(translate(scanner.prefix, layout)));
      if (found.length === 1 && found[0].length > 1) return found[0];
    }
    return null;
  }

  function readOther(text, isOf, kind) {
    for (const layout of data.layouts) {
      const code = clean(translate(bare(text), layout));
      if (isOf(code)) return { kind: kind, code: code };
    }
    return null;
  }

  function read(text) {
    const command = readOther(text, function (code) { return commands.has(code); }, "command");
    if (command) return Object.assign(command, { command: commands.get(command.code) });
    const one = readOther(text, isBadge, "badge") || readLabel(text) || { kind: "other" };
    if (one.kind === "glued" || one.kind === "other") {
      const parts = split(text);
      if (parts) return { kind: "glued", parts: parts };
    }
    return one;
  }

  // As people read it aloud; anything else than a label's code as it is.
  function grouped(code) {
    if (!isLabel(code)) return code;
    return (code.match(/.{1,4}/g) || []).join("\u00a0");
  }

  window.Desk = Object.assign(window.Desk || {}, { data: data, read: read, grouped: grouped, scanner: scanner, keepScanner: keep });
})();
