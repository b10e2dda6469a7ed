/* Choosing many devices: tick the first ones of a line, and say how many are ticked. Without it, one ticks by hand. */
(function () {
  "use strict";

  function boxes(root) {
    return Array.from(root.querySelectorAll("input[type=checkbox][name=device]"));
  }

  function say(text) {
    const region = document.getElementById("announcer");
    if (!region) return;
    region.textContent = "";
    window.setTimeout(function () { region.textContent = text; }, 100);
  }

  function count(form) {
    const place = form.querySelector("[data-choose-count]");
    if (!place) return;
    place.hidden = false;
    place.querySelector("b").textContent = String(boxes(form).filter(function (box) { return box.checked; }).length);
  }

  document.addEventListener("change", function (event) {
    if (event.target.name === "device" && event.target.form) count(event.target.form);
  });

  document.querySelectorAll("[data-choose-first]").forEach(function (button) {
    const form = button.closest("form");
    button.hidden = false;
    button.addEventListener("click", function () {
      const first = Number(button.dataset.chooseFirst);
      boxes(button.closest("[data-choose]")).forEach(function (box, place) { box.checked = place < first; });
      count(form);
      say(button.dataset.said);
    });
  });
})();
