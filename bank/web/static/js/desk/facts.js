/* A step's form as the facts of a scan, the way the server's own form reads it (`bank/scanning/forms.py`).

   Desk.factsOf(form) -> facts or null; Desk.unanswered(form, texts) -> [{field, text}]: what is still to be answered. */
(function () {
  "use strict";

  const TEXTS = ["serial", "maker", "model"];
  const HERE = ["passed", "failed"];

  function value(form, name) {
    const data = new FormData(form);
    return String(data.get(name) || "").trim();
  }

  function whole(text) {
    return /^\d+$/.test(text) ? Number(text) : null;
  }

  function given(form, name) {
    return new FormData(form).getAll(name).map(String);
  }

  function driveNames(form) {
    const names = new Set(Array.from(form.elements, function (field) { return (/^drives-\d+/.exec(field.name || "") || [""])[0]; }));
    names.delete("");
    return Array.from(names);
  }

  // The tool alone was filled in by the page: nobody wrote about that drive.
  function isFilled(form, drive) {
    return ["kind", "serial", "size_gb", "ending"].some(function (name) { return value(form, drive + "-" + name); });
  }

  function driveOf(form, drive) {
    function of(name) { return value(form, drive + "-" + name); }
    const ending = of("ending");
    const isHere = HERE.includes(ending);
    const facts = { kind: of("kind"), serial: of("serial") || null, size_gb: whole(of("size_gb")), fate: isHere ? "present" : ending };
    if (isHere) Object.assign(facts, { method: of("method"), tool: of("tool"), tool_version: of("tool_version"), result: ending });
    return facts;
  }

  function factsOf(form) {
    const facts = {};
    TEXTS.forEach(function (name) {
      if (value(form, name)) facts[name] = value(form, name);
    });
    if (given(form, "repairs").length) facts.repairs = given(form, "repairs");
    if (value(form, "os")) facts.os = value(form, "os");
    if (value(form, "grade")) facts.grade = value(form, "grade");
    if (whole(value(form, "battery")) !== null) facts.battery = whole(value(form, "battery"));
    if (value(form, "no_drive")) facts.no_drive = true;
    if (value(form, "reason")) facts.reason = value(form, "reason");
    const drives = driveNames(form).filter(function (drive) { return isFilled(form, drive); });
    if (drives.length && !facts.no_drive) facts.drives = drives.map(function (drive) { return driveOf(form, drive); });
    const checks = {};
    Array.from(new FormData(form).entries()).forEach(function (pair) {
      if (pair[0].startsWith("check_")) checks[pair[0].slice(6)] = String(pair[1]);
    });
    if (Object.keys(checks).length) facts.checks = checks;
    return Object.keys(facts).length ? facts : null;
  }

  function ofDrives(form, texts) {
    const all = driveNames(form);
    const filled = all.filter(function (drive) { return isFilled(form, drive); });
    if (value(form, "no_drive")) return filled.length ? [{ field: "no_drive", text: texts.both }] : [];
    const wrong = [];
    (filled.length ? filled : all.slice(0, 1)).forEach(function (drive) {
      const isHere = !["removed", "destroyed"].includes(value(form, drive + "-ending"));
      ["kind", "ending"].concat(isHere ? ["method", "tool", "tool_version"] : []).forEach(function (name) {
        if (!value(form, drive + "-" + name)) wrong.push({ field: drive + "-" + name, text: texts.needed });
      });
    });
    return wrong;
  }

  function unanswered(form, texts) {
    const names = new Set(Array.from(form.elements, function (field) { return field.name; }).filter(Boolean));
    let wrong = [];
    if (names.has("no_drive")) wrong = ofDrives(form, texts);
    ["os", "grade"].forEach(function (name) {
      if (names.has(name) && !value(form, name)) wrong.push({ field: name, text: texts.needed });
    });
    names.forEach(function (name) {
      if (name.startsWith("check_") && !value(form, name)) wrong.push({ field: name, text: texts.needed });
    });
    if (names.has("repairs")) {
      const repairs = given(form, "repairs");
      if (!repairs.length) wrong.push({ field: "repairs", text: texts.needed });
      else if (repairs.length > 1 && repairs.includes("none")) wrong.push({ field: "repairs", text: texts.repairs });
    }
    if (names.has("battery")) {
      const battery = whole(value(form, "battery"));
      if (battery === null || battery > 100) wrong.push({ field: "battery", text: texts.battery });
    }
    return wrong;
  }

  window.Desk = Object.assign(window.Desk || {}, { factsOf: factsOf, unanswered: unanswered });
})();
