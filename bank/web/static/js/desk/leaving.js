/* Signing out, or leaving the station: scans that wait are kept, and one is told; who works here and what they could look
   up goes from this phone. On the page that asks who comes next (data-nobody), nobody works here any more. */
(function () {
  "use strict";

  const WARNING = "/scan/leaving";

  function waiting(store) {
    return store.all("scans").then(function (rows) {
      return rows.filter(function (row) { return row.status === "pending"; }).length;
    });
  }

  function forget(store) {
    return Promise.all([
      store.remove("facts", "operator"),
      store.remove("facts", "wishes"),
      store.remove("facts", "cards"),
      store.replace("cards", []),
    ]);
  }

  function left(event) {
    const form = event.target.closest && event.target.closest("form[data-leave]");
    if (!form || form.dataset.left) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    window.Desk.openStore().then(function (store) {
      return waiting(store).then(function (count) {
        if (count && form.dataset.leave !== "sure") {
          window.location.assign(WARNING);
          return undefined;
        }
        return forget(store).then(function () {
          form.dataset.left = "1";
          form.submit();
        });
      });
    }).catch(function () { form.submit(); });
  }

  document.addEventListener("submit", left, true);
  if (document.querySelector("[data-nobody]")) window.Desk.openStore().then(forget).catch(function () {});
})();
