/* Counting at the dock: a reason is asked for only where the count is not what was announced. */
(function () {
  "use strict";

  function number(row, name) {
    const field = row.querySelector(`input[name$="-${name}"]`);
    return field ? Number.parseInt(field.value, 10) || 0 : 0;
  }

  function weigh(row) {
    const reason = row.querySelector("select");
    if (!reason || reason.getAttribute("aria-invalid")) return;
    const gap = number(row, "received") - Number(row.dataset.announced);
    const touched = Array.from(row.querySelectorAll("input")).some(function (field) { return field.value !== ""; });
    // What was sent back at the dock explains itself.
    const asked = touched && gap !== 0 && gap !== -number(row, "refused");
    reason.hidden = !asked;
    reason.closest("td").classList.toggle("idle", !asked);
    if (!asked) reason.value = "";
  }

  document.addEventListener("DOMContentLoaded", function () {
    for (const row of document.querySelectorAll("[data-reception] tbody tr")) {
      weigh(row);
      row.addEventListener("input", function () { weigh(row); });
    }
  });
})();
