/* Tandem's snippet for a shop's pages. It knows who brought the visitor and keeps that in first-party cookies.

   <script defer src="https://partners.example.com/static/tracker.js" data-program="shop"></script>

   data-parameter="ref"       the landing address's parameter that names the partner; partner_id works as well
   data-days="90"             how long it is remembered
   data-consent="required"    nothing is kept or sent before tandem.consent(true)
   data-api="https://…"       where clicks go; the snippet's own host by default

   tandem.visitor()  tandem.partner()  tandem.click()   what is known, "" before
   tandem.consent(yes)                                  the visitor's answer; false forgets everything
   tandem.ready(function (known) {…})                   called once the visitor is known, or nobody brought him

   Hidden fields named visitor_id, click_id and tandem_partner are filled in. */
(function () {
  "use strict";
  var script = document.currentScript;
  if (!script || window.tandem) return;
  var set = script.dataset;
  var api = (set.api || new URL(script.src).origin) + "/t/" + encodeURIComponent(set.program || "");
  var days = Number(set.days) || 90;
  var names = { visitor: "tandem_visitor", click: "tandem_click", partner: "tandem_partner", consent: "tandem_consent" };
  var waiting = [];
  var settled = false;

  function read(name) {
    var match = document.cookie.match(new RegExp("(?:^|; )" + name + "=([^;]*)"));
    return match ? decodeURIComponent(match[1]) : "";
  }

  function write(name, value) {
    document.cookie =
      name + "=" + encodeURIComponent(value) + "; Max-Age=" + (value ? days * 86400 : 0) + "; Path=/; SameSite=Lax" +
      (location.protocol === "https:" ? "; Secure" : "");
  }

  function known() {
    return { visitor: read(names.visitor), click: read(names.click), partner: read(names.partner) };
  }

  function fill() {
    var now = known();
    var fields = { visitor_id: now.visitor, click_id: now.click, tandem_partner: now.partner };
    Object.keys(fields).forEach(function (name) {
      document.querySelectorAll('input[type="hidden"][name="' + name + '"]').forEach(function (field) {
        if (fields[name]) field.value = fields[name];
      });
    });
  }

  function settle() {
    settled = true;
    fill();
    waiting.splice(0).forEach(function (call) { call(known()); });
  }

  function keep(answer) {
    if (answer && answer.partner) {
      if (answer.visitor_id) write(names.visitor, answer.visitor_id);
      if (answer.click_id) write(names.click, answer.click_id);
      write(names.partner, answer.partner);
    }
    settle();
  }

  function start() {
    var query = new URLSearchParams(location.search);
    var partner = query.get(set.parameter || "ref") || query.get("partner_id") || "";
    var click = query.get("pclid") || "";
    if (!partner && !click) return settle();
    var sub = {};
    query.forEach(function (value, name) {
      if (/^(sub[1-5]|utm_[a-z]{1,20})$/.test(name)) sub[name] = value.slice(0, 250);
    });
    fetch(api, {
      method: "POST",
      keepalive: true,
      credentials: "omit",
      // A plain text body needs no question beforehand (CORS preflight).
      headers: { "Content-Type": "text/plain" },
      body: JSON.stringify({
        partner: partner.slice(0, 64),
        click_id: click.slice(0, 64),
        visitor_id: read(names.visitor).slice(0, 64),
        landing_url: location.href.slice(0, 2000),
        referrer: document.referrer.slice(0, 2000),
        sub: sub
      })
    })
      .then(function (response) { return response.ok ? response.json() : null; })
      .then(keep, settle);
  }

  window.tandem = {
    visitor: function () { return known().visitor; },
    partner: function () { return known().partner; },
    click: function () { return known().click; },
    ready: function (call) { settled ? call(known()) : waiting.push(call); },
    consent: function (yes) {
      if (!yes) {
        Object.keys(names).forEach(function (key) { write(names[key], ""); });
        return;
      }
      if (set.consent === "required" && !read(names.consent)) {
        write(names.consent, "1");
        start();
      }
    }
  };

  if (set.consent !== "required" || read(names.consent)) start();
  else settle();
  // A checkout form may come later than the snippet, and so may what is known.
  document.addEventListener("DOMContentLoaded", fill);
  document.addEventListener("submit", fill, true);
})();
