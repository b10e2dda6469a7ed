/* The camera of a phone or a tablet as a scanner, in a dialog of the page.

   Desk.openCamera({many, formats, taken}): taken(text) is called with each code that comes into the picture. With
   `many` the dialog stays open for the next; without, it closes after one. The picture never leaves the page: what
   decodes it is in this site's own files, fetched when the camera is first opened. */
(function () {
  "use strict";

  const EVERY_MS = 80;
  // The same code is another scan once it has been away for a moment, and not before.
  const SAME_MS = 2000;
  const GONE_MS = 700;
  const CHOSEN = "desk-camera";
  const LABELS = ["qr_code", "code_128"];
  const SERIALS = ["code_128", "code_39", "code_93", "codabar", "itf", "ean_13", "ean_8", "upc_a", "upc_e", "data_matrix", "qr_code"];

  const dialog = document.getElementById("camera");
  if (!dialog) return;
  const video = dialog.querySelector("video");
  const status = dialog.querySelector("[data-camera-status]");
  const torch = dialog.querySelector("[data-camera-torch]");
  const other = dialog.querySelector("[data-camera-other]");
  const close = dialog.querySelector("[data-camera-close]");
  const texts = window.Desk.data.texts;
  let decoder = null;
  let stream = null;
  let asked = null;
  let opened = 0;
  let seen = new Map();

  function load() {
    decoder = decoder || import(window.Desk.data.decoder).then(function (module) {
      module.prepareZXingModule({
        overrides: {
          locateFile: function (name, folder) {
            return name.endsWith(".wasm") ? new URL(name, new URL(window.Desk.data.decoder, document.baseURI)).href : folder + name;
          },
        },
      });
      return module;
    });
    // Tried again the next time, where the network failed.
    decoder.catch(function () { decoder = null; });
    return decoder;
  }

  function tell(text, kind) {
    status.className = "said " + (kind || "info");
    const words = document.createElement("span");
    words.textContent = text;
    status.replaceChildren(window.Desk.icon(kind === "stop" ? "hand-stop" : kind === "done" ? "circle-check" : "camera"), words);
  }

  function why(error) {
    if (!window.isSecureContext || !window.navigator.mediaDevices) return texts.camera_insecure;
    if (error.name === "NotAllowedError" || error.name === "SecurityError") return texts.camera_refused;
    if (error.name === "NotFoundError" || error.name === "OverconstrainedError") return texts.camera_absent;
    if (error.name === "NotReadableError" || error.name === "AbortError") return texts.camera_busy;
    return texts.camera_broken;
  }

  function chosen() {
    try {
      return window.localStorage.getItem(CHOSEN);
    } catch (_refused) {
      return null;
    }
  }

  function choose(id) {
    try {
      window.localStorage.setItem(CHOSEN, id);
    } catch (_refused) {
      // It holds for this time.
    }
  }

  // The one at the back first: it is the one that is turned to the label.
  function ask(device) {
    const size = { width: { ideal: 1280 }, height: { ideal: 720 } };
    const wanted = device ? { deviceId: { exact: device } } : { facingMode: { ideal: "environment" } };
    return window.navigator.mediaDevices.getUserMedia({ audio: false, video: Object.assign(size, wanted) }).catch(function (error) {
      // The camera that was chosen last time is not there any more.
      if (device && error.name === "OverconstrainedError") return ask(null);
      throw error;
    });
  }

  function stop() {
    if (stream) stream.getTracks().forEach(function (track) { track.stop(); });
    stream = null;
    video.srcObject = null;
    torch.hidden = other.hidden = true;
    torch.setAttribute("aria-pressed", "false");
  }

  function offer(track) {
    const able = track.getCapabilities ? track.getCapabilities() : {};
    torch.hidden = !able.torch;
    window.navigator.mediaDevices.enumerateDevices().then(function (devices) {
      other.hidden = devices.filter(function (device) { return device.kind === "videoinput"; }).length < 2;
    });
  }

  function start(device) {
    const mine = ++opened;
    stop();
    tell(texts.camera_starting);
    if (!window.isSecureContext || !window.navigator.mediaDevices) {
      tell(texts.camera_insecure, "stop");
      return;
    }
    Promise.all([ask(device), load()])
      .then(function ([found, module]) {
        if (mine !== opened || !dialog.open) {
          found.getTracks().forEach(function (track) { track.stop(); });
          return undefined;
        }
        stream = found;
        video.srcObject = found;
        offer(found.getVideoTracks()[0]);
        tell(texts.camera_ready);
        const reader = new module.BarcodeDetector({ formats: asked.formats === "serials" ? SERIALS : LABELS });
        return video.play().then(function () { look(reader, mine); });
      })
      .catch(function (error) {
        if (mine === opened) tell(why(error), "stop");
      });
  }

  function look(reader, mine) {
    if (mine !== opened || !stream) return;
    const again = function () { window.setTimeout(look, EVERY_MS, reader, mine); };
    if (video.readyState < 2) {
      again();
      return;
    }
    reader.detect(video).then(function (found) {
      if (mine !== opened || !stream) return;
      found.forEach(function (code) { see(code.rawValue); });
      again();
    }, again);
  }

  function see(text) {
    const now = performance.now();
    const before = seen.get(text);
    const isSame = before && (now - before.taken < SAME_MS || now - before.seen < GONE_MS);
    seen.set(text, { seen: now, taken: isSame ? before.taken : now });
    if (isSame || !asked) return;
    const taken = asked.taken;
    if (!asked.many) dialog.close();
    taken(text);
  }

  function next() {
    const current = stream ? stream.getVideoTracks()[0].getSettings().deviceId : null;
    window.navigator.mediaDevices.enumerateDevices().then(function (devices) {
      const ids = devices.filter(function (device) { return device.kind === "videoinput"; }).map(function (device) { return device.deviceId; });
      const id = ids[(ids.indexOf(current) + 1) % ids.length];
      choose(id);
      start(id);
    });
  }

  function light() {
    const on = torch.getAttribute("aria-pressed") !== "true";
    stream.getVideoTracks()[0].applyConstraints({ advanced: [{ torch: on }] }).then(
      function () { torch.setAttribute("aria-pressed", String(on)); },
      function () { torch.hidden = true; }
    );
  }

  function open(options) {
    asked = options;
    seen = new Map();
    dialog.showModal();
    start(chosen());
  }

  close.addEventListener("click", function () { dialog.close(); });
  torch.addEventListener("click", light);
  other.addEventListener("click", next);
  dialog.addEventListener("close", function () {
    opened += 1;
    asked = null;
    stop();
    document.dispatchEvent(new CustomEvent("desk:camera-closed"));
  });
  // Nobody is filmed by a page that nobody looks at.
  document.addEventListener("visibilitychange", function () {
    if (document.hidden && dialog.open) dialog.close();
  });
  window.addEventListener("pagehide", stop);
  document.addEventListener("desk:said", function (event) {
    if (!dialog.open || event.detail.outcome === "pending") return;
    tell(event.detail.text, window.Desk.kinds[event.detail.outcome]);
  });

  window.Desk = Object.assign(window.Desk || {}, { openCamera: open });
})();
