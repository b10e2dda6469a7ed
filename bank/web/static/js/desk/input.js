/* Any hand scanner, as the keyboard that it pretends to be.

   Desk.listen({field, taken, empty}): taken(text, how) is called with each scan, at once and before anything else
   happens: the field is free again for the next one. how: {end, gap, count, burst}. A scan ends by Enter, by Tab, or
   by a pause after a burst that no hand types; what a hand types ends by Enter alone. The field never takes the focus
   from elsewhere: a burst that comes while a button has it, or nothing, is heard all the same, and one that comes
   into another field of the page is taken out of it when it is one of our codes. */
(function () {
  "use strict";

  // Between two signs: a hand takes longer than this, a scanner seldom does.
  const FAST_MS = 45;
  const SLOWEST_FAST_MS = 100;
  const FEWEST = 5;
  // After a burst that is a whole code, and after one that is not (yet).
  const PAUSE_MS = 110;
  const LONG_PAUSE_MS = 400;
  // An Enter or a Tab that comes so soon after a sign was sent by the scanner.
  const SUFFIX_MS = 150;

  function listen(options) {
    const field = options.field || null;
    let burst = none();
    let endedAt = -Infinity;
    let timer = null;
    let keyAt = -Infinity;

    function none() {
      return { text: "", first: 0, last: -Infinity, target: null, isWhole: false };
    }

    function fastest() {
      return Math.max(FAST_MS, Math.min(SLOWEST_FAST_MS, 1.5 * (window.Desk.scanner.gap || 0)));
    }

    function gap() {
      return burst.text.length > 1 ? (burst.last - burst.first) / (burst.text.length - 1) : 0;
    }

    function isFast() {
      return burst.text.length >= FEWEST && gap() <= fastest();
    }

    function isOurs(text) {
      const found = window.Desk.read(text);
      return found.kind !== "other" && (found.kind !== "glued" || Boolean(found.parts));
    }

    function isEditable(target) {
      if (!target || target === document.body) return false;
      if (target.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target.tagName)) return true;
      return target.tagName === "INPUT" && !/^(checkbox|radio|button|submit|reset|range|color|file|image)$/.test(target.type);
    }

    function typed() {
      return burst.target === field && field ? field.value : burst.text;
    }

    function end(how, target) {
      window.clearTimeout(timer);
      if (burst.target !== target) burst = none();
      const said = { end: how, gap: gap(), count: burst.text.length, burst: isFast() && !burst.isWhole };
      let text = burst.text;
      burst = none();
      endedAt = performance.now();
      if (field && target === field) {
        text = field.value;
        field.value = "";
      } else if (isEditable(target)) {
        if (!isOurs(text)) return;
        if (target.value.endsWith(text)) target.value = target.value.slice(0, -text.length);
      }
      if (text.trim()) options.taken(text, said);
    }

    // Where the clock says that nothing more comes, signs may still wait to be told: let them come first.
    function arm() {
      window.clearTimeout(timer);
      timer = window.setTimeout(function () {
        timer = window.setTimeout(paused, 15, LONG_PAUSE_MS);
      }, PAUSE_MS);
    }

    function paused(then) {
      if (!isFast() || field && burst.target === field && field.value.length !== burst.text.length) return;
      if (isOurs(typed())) end("pause", burst.target);
      else if (then) timer = window.setTimeout(paused, then, 0);
      else if (!burst.isWhole && (burst.target === field || !isEditable(burst.target))) end("pause", burst.target);
    }

    function note(text, at, target) {
      const pause = at - burst.last;
      // The scanner sends no sign at the end: the pause before this sign was it.
      if (burst.target === target && pause >= PAUSE_MS && isFast() && isOurs(typed())) end("pause", target);
      const same = burst.target === target && pause < LONG_PAUSE_MS && (target !== field || field.value);
      if (!same) burst = Object.assign(none(), { first: at, target: target });
      burst.text += text;
      // Put there by another program: whether it is the whole of a scan, only a code that is whole can tell.
      if (text.length > 1) burst.isWhole = true;
      burst.last = at;
      arm();
    }

    function isSuffix(event, target) {
      return burst.target === target && isFast() && event.timeStamp - burst.last < SUFFIX_MS;
    }

    function endKey(event, target) {
      const isEnter = event.key === "Enter";
      if (field && target === field && isEnter) {
        event.preventDefault();
        if (field.value.trim()) end("enter", field);
        else if (event.timeStamp - endedAt > SUFFIX_MS && options.empty) options.empty();
      } else if (isSuffix(event, target)) {
        event.preventDefault();
        end(isEnter ? "enter" : "tab", target);
      } else if (event.timeStamp - endedAt < SUFFIX_MS) {
        // What ended the scan that was taken just now.
        event.preventDefault();
      }
    }

    function onKey(event) {
      if (event.isComposing || event.keyCode === 229) return;
      const target = event.target === field || isEditable(event.target) ? event.target : document.body;
      if (event.key === "Enter" || event.key === "Tab" && !event.shiftKey) {
        endKey(event, target);
        return;
      }
      if ([...event.key].length !== 1 || event.repeat) return;
      if ((event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState("AltGraph")) return;
      const follows = burst.target === target && event.timeStamp - burst.last <= fastest();
      note(event.key, event.timeStamp, target);
      keyAt = event.timeStamp;
      // Nothing else of the page, nor the browser's quick search, is to react to what a scanner types.
      if (follows && target === document.body) event.preventDefault();
    }

    // What comes without keys: an on-screen keyboard, or a scanner that speaks through one.
    function onInput(event) {
      if (event.isComposing || !event.data || !/^insert/.test(event.inputType || "")) return;
      if (event.timeStamp - keyAt < 40 && event.data.length === 1) return;
      note(event.data, event.timeStamp, field);
    }

    function onPaste(event) {
      const lines = (event.clipboardData || { getData: function () { return ""; } }).getData("text").split(/[\r\n\t]+/).filter(Boolean);
      if (!lines.length || field.value || !lines.every(isOurs)) return;
      event.preventDefault();
      lines.forEach(function (line) { options.taken(line, { end: "paste", gap: 0, count: line.length, burst: false }); });
    }

    // Before the page's own care for forms, which would hold this one for its answer.
    function onSubmit(event) {
      if (event.target !== field.form) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (field.value.trim()) end("button", field);
      else if (options.empty) options.empty();
    }

    document.addEventListener("keydown", onKey, true);
    if (!field) return;
    field.addEventListener("input", onInput);
    field.addEventListener("paste", onPaste);
    window.addEventListener("submit", onSubmit, true);
  }

  window.Desk = Object.assign(window.Desk || {}, { listen: listen });
})();
