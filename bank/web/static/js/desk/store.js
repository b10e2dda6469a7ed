/* What the desk keeps on this phone: IndexedDB, or the page's own memory where the browser refuses one. */
(function () {
  "use strict";

  const NAME = "banque-desk";
  const VERSION = 1;
  // Of each table, the field under which a row is found; scans are numbered as they come.
  const TABLES = { scans: "n", passes: "operator", settled: "scan_id", cards: "code", facts: "name" };

  function asked(request) {
    return new Promise(function (resolve, reject) {
      request.onsuccess = function () { resolve(request.result); };
      request.onerror = function () { reject(request.error); };
    });
  }

  function inDatabase(database) {
    // A write is only said to be done once the browser has it on its disk.
    function write(table, change) {
      return new Promise(function (resolve, reject) {
        const made = database.transaction(table, "readwrite");
        let request = null;
        made.oncomplete = function () { resolve(request ? request.result : undefined); };
        made.onabort = made.onerror = function () { reject(made.error); };
        request = change(made.objectStore(table)) || null;
      });
    }
    return {
      lasting: true,
      all: function (table) { return asked(database.transaction(table).objectStore(table).getAll()); },
      get: function (table, key) { return asked(database.transaction(table).objectStore(table).get(key)); },
      put: function (table, row) { return write(table, function (rows) { return rows.put(row); }); },
      remove: function (table, key) { return write(table, function (rows) { return rows.delete(key); }); },
      replace: function (table, news) {
        return write(table, function (rows) {
          rows.clear();
          news.forEach(function (row) { rows.put(row); });
        });
      },
    };
  }

  function inMemory() {
    const tables = {};
    let last = 0;
    Object.keys(TABLES).forEach(function (name) { tables[name] = new Map(); });
    function put(table, row) {
      const key = TABLES[table];
      if (table === "scans" && !row[key]) row[key] = ++last;
      tables[table].set(row[key], structuredClone(row));
      return Promise.resolve(row[key]);
    }
    return {
      lasting: false,
      all: function (table) { return Promise.resolve(Array.from(tables[table].values(), structuredClone)); },
      get: function (table, key) { return Promise.resolve(tables[table].get(key)); },
      put: put,
      remove: function (table, key) { tables[table].delete(key); return Promise.resolve(); },
      replace: function (table, news) {
        tables[table].clear();
        news.forEach(function (row) { put(table, row); });
        return Promise.resolve();
      },
    };
  }

  function openDatabase() {
    return new Promise(function (resolve, reject) {
      const request = window.indexedDB.open(NAME, VERSION);
      request.onupgradeneeded = function () {
        Object.keys(TABLES).forEach(function (table) {
          request.result.createObjectStore(table, { keyPath: TABLES[table], autoIncrement: table === "scans" });
        });
      };
      request.onsuccess = function () { resolve(request.result); };
      request.onerror = request.onblocked = function () { reject(request.error); };
    });
  }

  let opened = null;

  // The one store of this page.
  function openStore() {
    if (!opened) {
      opened = Promise.resolve()
        .then(openDatabase)
        .then(inDatabase)
        .catch(inMemory);
    }
    return opened;
  }

  window.Desk = Object.assign(window.Desk || {}, { openStore: openStore });
})();
