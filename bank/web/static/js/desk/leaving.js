/* Signing out, or leaving the station: scans that wait are kept, and one is told; who works here and what they could look
   up goes from this phone. On the page that asks who comes next (data-nobody), nobody works here any more. */
(function () {
  "use strict";

  const WARNING = "/scan/leaving";
  const ASK = "/scan/pass";

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

  function forgetPage() {
    return Promise.all([
      window.caches && window.caches.keys().then(function (names) {
        return Promise.all(names.filter(function (name) { return name.startsWith("banque-desk-"); }).map(function (name) {
          return window.caches.delete(name);
        }));
      }),
      window.navigator.serviceWorker && window.navigator.serviceWorker.getRegistrations().then(function (found) {
        return Promise.all(found.map(function (each) { return each.unregister(); }));
      }),
    ]);
  }

  // Whose account was closed meanwhile: what they stored goes, and the page with the last of them.
  function wipe(store) {
    return store.all("passes").then(function (rows) {
      if (!rows.length) return undefined;
      const passes = rows.map(function (row) { return row.pass; }).join(" ");
      return window.fetch(ASK, { credentials: "same-origin", headers: { "X-Scan-Pass": passes } })
        .then(function (answer) { return answer.json(); })
        .then(function (found) {
          return store.all("scans").then(function (scans) {
            const gone = scans.filter(function (row) { return found.closed.includes(row.operator); });
            return Promise.all(
              gone.map(function (row) { return store.remove("scans", row.n); })
                .concat(found.closed.map(function (operator) { return store.remove("passes", operator); }))
                .concat(found.closed.length === rows.length ? [forgetPage()] : [])
            );
          });
        });
    });
  }

  document.addEventListener("submit", left, true);
  if (document.querySelector("[data-nobody]")) {
    window.Desk.openStore().then(function (store) {
      return forget(store).then(function () { return wipe(store); });
    }).catch(function () {});
  }
})();
