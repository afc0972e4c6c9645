// Beside piccolo-admin's own script: it speaks the portal's language, and signing in and passwords are the portal's.
"use strict";

(function () {
  const OURS = { "#/login": "/sign-in?next=/admin/", "#/change-password": "/forgot" };

  try {
    localStorage.setItem("piccoloAdminDefaultLanguage", document.documentElement.lang);
  } catch {
    // Without storage the admin asks the server for the language, which says the same.
  }

  // Its router changes the address without an event, but never without changing the page.
  function leave() {
    for (const [hash, url] of Object.entries(OURS)) {
      if (location.hash.startsWith(hash)) {
        location.replace(url);
      }
    }
  }

  new MutationObserver(leave).observe(document.documentElement, { childList: true, subtree: true });
  leave();
})();
