/* A frame to sign in: strokes become a short path of whole numbers in a hidden field. Other ways to sign need no script. */
(function () {
  "use strict";

  const LEAST_MOVE = 5;
  const MOST_CHARACTERS = 11500;
  const PEN = 5;

  function start(pad) {
    const canvas = pad.querySelector("canvas");
    const field = pad.querySelector("input[name=drawing]");
    const clear = pad.querySelector("[data-pad-clear]");
    const width = Number(pad.dataset.width);
    const height = Number(pad.dataset.height);
    const pen = canvas.getContext("2d");
    let last = null;
    let begun = "";

    function line(from, to) {
      pen.beginPath();
      pen.moveTo(from[0], from[1]);
      pen.lineTo(to[0], to[1]);
      pen.stroke();
    }

    function wipe() {
      pen.clearRect(0, 0, width, height);
      pen.lineWidth = PEN;
      pen.lineCap = "round";
      pen.lineJoin = "round";
      pen.strokeStyle = "#000";
    }

    // What came back with the page's errors is shown again.
    function redraw() {
      wipe();
      for (const stroke of field.value.match(/M[^M]+/g) || []) {
        const points = stroke.slice(1).split("L").map(function (pair) { return pair.split(" ").map(Number); });
        for (let i = 1; i < points.length; i += 1) line(points[i - 1], points[i]);
      }
    }

    function place(event) {
      const box = canvas.getBoundingClientRect();
      const x = Math.round((event.clientX - box.left) / box.width * width);
      const y = Math.round((event.clientY - box.top) / box.height * height);
      return [Math.min(width, Math.max(0, x)), Math.min(height, Math.max(0, y))];
    }

    canvas.addEventListener("pointerdown", function (event) {
      if (!event.isPrimary || event.button !== 0) return;
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
      last = place(event);
      begun = "M" + last.join(" ");
    });

    canvas.addEventListener("pointermove", function (event) {
      if (!last || !event.isPrimary || field.value.length + begun.length > MOST_CHARACTERS) return;
      const next = place(event);
      if (Math.hypot(next[0] - last[0], next[1] - last[1]) < LEAST_MOVE) return;
      line(last, next);
      field.value += begun + "L" + next.join(" ");
      begun = "";
      last = next;
    });

    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
      canvas.addEventListener(name, function () { last = null; });
    }

    clear.addEventListener("click", function () {
      field.value = "";
      wipe();
      document.getElementById("announcer").textContent = clear.dataset.cleared;
    });

    redraw();
  }

  document.addEventListener("DOMContentLoaded", function () {
    document.querySelectorAll("[data-pad]").forEach(start);
  });
})();
