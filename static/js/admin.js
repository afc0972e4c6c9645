// Beside piccolo-admin's own script: it speaks the portal's language, signing in and passwords are the portal's, and
// what a role may not change is not offered. The server refuses it in any case.
"use strict";

(function () {
  const OURS = { "#/login": "/sign-in?next=/admin/", "#/change-password": "/forgot" };
  const root = document.documentElement;
  const rights = JSON.parse(root.dataset.rights);

  try {
    localStorage.setItem("piccoloAdminDefaultLanguage", root.lang);
  } catch {
    // Without storage the admin asks the server for the language, which says the same.
  }

  function leave() {
    for (const [hash, url] of Object.entries(OURS)) {
      if (location.hash.startsWith(hash)) {
        location.replace(url);
      }
    }
  }

  // "#/Partners/7" is a row, "#/Materials/add" a new one; the lists are "#/Partners".
  function offer() {
    const [, table = "", row = ""] = decodeURIComponent(location.hash.split("?")[0]).split("/");
    const { edit = [], make = [] } = rights[table] || {};
    const fields = row === "add" ? make : edit;
    root.dataset.make = make.length ? "yes" : "no";
    root.dataset.edit = fields.length ? "yes" : "no";
    if (!row) {
      return;
    }
    for (const field of document.querySelectorAll("form input[name], form select[name], form textarea[name]")) {
      const closed = !fields.includes(field.name);
      // Moments and keys are typed into a neighbour without a name.
      const typed = field.type === "hidden" ? field.parentElement.querySelectorAll("input, select") : [field];
      for (const one of typed) {
        if (one.disabled !== closed) {
          one.disabled = closed;
        }
      }
    }
  }

  // Its router changes the address without an event, but never without changing the page.
  new MutationObserver(function () {
    leave();
    offer();
  }).observe(root, { childList: true, subtree: true });
  leave();
})();
