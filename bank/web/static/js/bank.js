/* Small help for pages that work without it: one send per form, focus and announcement after an update. */
(function () {
  "use strict";

  const RETRY_AFTER_MS = 8000;

  function release(form) {
    delete form.dataset.sent;
    form.removeAttribute("aria-busy");
    for (const button of form.querySelectorAll("[aria-disabled][data-held]")) {
      button.removeAttribute("aria-disabled");
      delete button.dataset.held;
    }
  }

  // A disabled button would lose the keyboard focus and its own name and value; aria-disabled keeps both.
  function hold(event) {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    // The answer to a form without an address of its own would keep the mark of the last link followed here (a field, the
    // content), and the browser would put the focus there rather than on what is to be corrected.
    if (window.location.hash) window.history.replaceState(window.history.state, "", window.location.pathname + window.location.search);
    form.dataset.sent = "1";
    form.setAttribute("aria-busy", "true");
    for (const button of form.querySelectorAll("button:not([type=button]), input[type=submit]")) {
      button.setAttribute("aria-disabled", "true");
      button.dataset.held = "1";
    }
    // An answer that is a file leaves the page in place: the form must become usable again.
    window.setTimeout(release, RETRY_AFTER_MS, form);
  }

  function releaseAll() {
    document.querySelectorAll("form[data-sent]").forEach(release);
  }

  function first(root, selector) {
    return root.matches(selector) ? root : root.querySelector(selector);
  }

  function announce(root) {
    const region = document.getElementById("announcer");
    const sources = Array.from(root.querySelectorAll("[data-announce]"));
    if (root.matches("[data-announce]")) sources.unshift(root);
    if (!region || !sources.length) return;
    const text = sources.map(function (source) { return source.dataset.announce || source.textContent.trim(); }).join(" ");
    // Emptied first, so that the same sentence twice is read twice.
    region.textContent = "";
    window.setTimeout(function () { region.textContent = text; }, 100);
  }

  function focus(element) {
    if (!element) return;
    if (element.tabIndex < 0 && !element.hasAttribute("tabindex")) element.tabIndex = -1;
    element.focus();
  }

  document.addEventListener("submit", hold, true);
  window.addEventListener("pageshow", releaseAll);

  document.addEventListener("DOMContentLoaded", function () {
    focus(document.querySelector("[role=alert][tabindex]"));
    announce(document.body);
  });

  document.addEventListener("htmx:afterRequest", function (event) {
    const form = event.target.closest && event.target.closest("form");
    if (form) release(form);
  });

  document.addEventListener("htmx:afterSettle", function (event) {
    focus(first(event.target, ".error-summary") || first(event.target, "[data-focus]"));
    announce(event.target);
  });
})();
