/* A workshop's station: the PIN pad, and leaving the station when no hand has been on it for a while. */
(function () {
  "use strict";

  const SEEN = "station-seen";

  function setUpPad(pad) {
    const field = document.getElementById(pad.dataset.pad);
    const count = pad.querySelector("[data-count]");
    function put(text) {
      field.value = text.slice(0, field.maxLength);
      count.textContent = count.dataset.count + " " + field.value.length;
    }
    // The pad takes the place of the tablet's own keyboard; a real keyboard goes on working.
    field.inputMode = "none";
    pad.hidden = false;
    pad.addEventListener("click", function (event) {
      const key = event.target.closest("button");
      if (!key) return;
      if (key.dataset.digit) put(field.value + key.dataset.digit);
      else put("clear" in key.dataset ? "" : field.value.slice(0, -1));
    });
  }

  function seen(moment) {
    try {
      if (moment) window.localStorage.setItem(SEEN, String(moment));
      return Number(window.localStorage.getItem(SEEN)) || 0;
    } catch (_refused) {
      return 0;
    }
  }

  function isChanged(field) {
    if (!field.name || ["hidden", "submit", "button", "password"].includes(field.type)) return false;
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.options) return Array.from(field.options).some(function (each) { return each.selected !== each.defaultSelected; });
    return field.value !== field.defaultValue;
  }

  function typedInto() {
    return Array.from(document.forms).find(function (form) {
      return form.method === "post" && Array.from(form.elements).some(isChanged);
    });
  }

  // What was typed goes with the person: the door keeps it, sealed, for their badge.
  function leave(way) {
    const form = typedInto();
    if (!form) {
      way.submit();
      return;
    }
    const target = new URL(form.getAttribute("action") || window.location.href, window.location.href);
    form.enctype = "application/x-www-form-urlencoded";
    form.action = way.action + "?to=" + encodeURIComponent(target.pathname + target.search);
    form.submit();
  }

  function watch(way) {
    const idleMs = Number(way.dataset.idleSeconds) * 1000;
    let last = seen(Date.now()) || Date.now();
    let told = Date.now();
    let left = false;
    function work() {
      last = Date.now();
      if (last - told < idleMs / 4) return;
      told = last;
      seen(last);
      window.fetch(way.dataset.here, { credentials: "same-origin", redirect: "manual" }).catch(function () {});
    }
    ["pointerdown", "keydown", "input", "scroll"].forEach(function (kind) {
      document.addEventListener(kind, work, { capture: true, passive: true });
    });
    window.setInterval(function () {
      // Without network nobody could come in again.
      if (left || !window.navigator.onLine || Date.now() - Math.max(last, seen()) < idleMs) return;
      left = true;
      leave(way);
    }, 1000);
  }

  document.querySelectorAll("[data-pad]").forEach(setUpPad);
  const way = document.querySelector("form[data-idle-seconds]");
  if (way) watch(way);
})();
