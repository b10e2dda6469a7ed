/* What became of a scan, said in every way that the person asked for: a line to read, a sound, a vibration, a voice.

   Anybody: document.dispatchEvent(new CustomEvent("desk:said", {detail: {outcome, text}}))
   outcome: "done", "nothing" (done already), "refused", "pending" or "waiting" (for the network). Desk.say does that;
   `short`, where the page shows the rest anyway, is what the line says instead; empty, it says nothing.
   The wishes are attributes of <body> (`bank/scanning/settings.py`): data-sound, data-vibration, data-speech. */
(function () {
  "use strict";

  // Long and short, so that gloves and noise leave no doubt.
  const VIBRATIONS = { done: [70], nothing: [40, 80, 40], refused: [300, 120, 300], pending: [20], waiting: [20, 60, 20] };
  const ICONS = { done: "circle-check", nothing: "info-circle", refused: "hand-stop", pending: "clock", waiting: "wifi-off" };
  const KINDS = { done: "done", nothing: "over", refused: "stop", pending: "info", waiting: "wait" };
  // A screen reader is told the last of what comes in one breath.
  const BREATH_MS = 300;

  const line = document.getElementById("said");
  const sounds = {};
  let speaker = null;
  let waiting = null;

  function wants(name, asked) {
    return (document.body.dataset[name] || asked) === "on";
  }

  function icon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("class", "i");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    svg.setAttribute("focusable", "false");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", window.Desk.data.icons + "#" + name);
    svg.append(use);
    return svg;
  }

  // The files are fetched and decoded once, so that one sounds at the very moment, with the network or without.
  function load() {
    if (!window.AudioContext || !wants("sound", "on")) return;
    speaker = new window.AudioContext();
    Object.entries(window.Desk.data.sounds).forEach(function ([name, address]) {
      window.fetch(address)
        .then(function (answer) { return answer.arrayBuffer(); })
        .then(function (bytes) { return speaker.decodeAudioData(bytes); })
        .then(function (sound) { sounds[name] = sound; })
        .catch(function () {});
    });
  }

  function play(name) {
    const sound = sounds[name] || (name === "waiting" && sounds.pending);
    if (!speaker || !sound) return;
    if (speaker.state === "suspended") speaker.resume().catch(function () {});
    const source = speaker.createBufferSource();
    source.buffer = sound;
    source.connect(speaker.destination);
    source.start();
  }

  function vibrate(name) {
    if (!wants("vibration", "on") || !window.navigator.vibrate) return;
    if (window.navigator.userActivation && !window.navigator.userActivation.hasBeenActive) return;
    window.navigator.vibrate(VIBRATIONS[name]);
  }

  function speak(text) {
    if (!text || !wants("speech", "off") || !window.speechSynthesis) return;
    window.speechSynthesis.cancel();
    const words = new window.SpeechSynthesisUtterance(text);
    words.lang = document.documentElement.lang === "en" ? "en-GB" : "fr-FR";
    window.speechSynthesis.speak(words);
  }

  function write(outcome, text) {
    if (!line || !text) return;
    line.className = "said " + KINDS[outcome];
    const words = document.createElement("span");
    words.textContent = text;
    line.replaceChildren(icon(ICONS[outcome]), words);
    line.hidden = false;
  }

  function say(outcome, text, short) {
    document.dispatchEvent(new CustomEvent("desk:said", { detail: { outcome: outcome, text: text || "", short: short } }));
  }

  document.addEventListener("desk:said", function (event) {
    const outcome = event.detail.outcome;
    const text = event.detail.text;
    play(outcome);
    vibrate(outcome);
    if (outcome !== "pending") speak(text);
    const words = event.detail.short === undefined ? text : event.detail.short;
    window.clearTimeout(waiting);
    if (outcome === "pending") waiting = window.setTimeout(write, BREATH_MS, outcome, words);
    else write(outcome, words);
  });

  // A browser lets a page sound once somebody has touched it.
  ["pointerdown", "keydown"].forEach(function (kind) {
    document.addEventListener(kind, function () {
      if (speaker && speaker.state === "suspended") speaker.resume().catch(function () {});
    }, { capture: true, passive: true });
  });
  document.addEventListener("DOMContentLoaded", load);

  window.Desk = Object.assign(window.Desk || {}, { say: say, speak: speak, icon: icon, kinds: KINDS, icons: ICONS });
})();
