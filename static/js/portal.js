/* Everything the portal's pages do in a browser, hooked by data-* attributes; every page works without it.
   Sections: words, copying, theme, dialogs and menus, forms, htmx, charts. No inline script exists anywhere, so a
   strict Content-Security-Policy needs no exception; styles that ApexCharts adds carry the nonce of this script. */
(() => {
  "use strict";

  const root = document.documentElement;
  const nonce = document.currentScript ? document.currentScript.nonce : "";
  root.classList.add("js");

  // --- Words: translated by the server, kept on <html> ------------------------------------------------------

  const say = (key) => root.dataset["say" + key] || "";

  function toast(text) {
    const region = document.getElementById("toasts");
    if (!region || !text) return;
    const box = document.createElement("div");
    box.className = "toast";
    box.textContent = text;
    region.append(box);
    setTimeout(() => box.remove(), 6000);
  }

  // --- Copying and sharing ----------------------------------------------------------------------------------

  async function copy(button) {
    const source = button.dataset.copyFrom ? document.getElementById(button.dataset.copyFrom) : null;
    const text = source ? ("value" in source ? source.value : source.textContent).trim() : button.dataset.copy;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without permission (or over plain http) the text is at least selected for the user.
      if (source && source.select) source.select();
      else if (source) getSelection().selectAllChildren(source);
      toast(say("CopyFailed"));
      return;
    }
    button.classList.add("copied");
    toast(say("Copied"));
    setTimeout(() => button.classList.remove("copied"), 2500);
  }

  function offerSharing(scope) {
    for (const button of scope.querySelectorAll("[data-share][hidden]")) button.hidden = !navigator.share;
  }

  // --- Theme ------------------------------------------------------------------------------------------------

  function setTheme(button) {
    const theme = button.dataset.themeSet;
    root.dataset.theme = theme;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `theme=${theme}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
    for (const other of document.querySelectorAll("[data-theme-set]")) {
      other.setAttribute("aria-pressed", String(other.dataset.themeSet === theme));
    }
    redrawCharts();
    // The server keeps the choice with the user, for his other devices; nobody waits for that.
    const body = new FormData(button.form);
    body.set("theme", theme);
    fetch(button.form.action, { method: "POST", body: new URLSearchParams(body), redirect: "manual" }).catch(() => {});
  }

  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", () => redrawCharts());
  const isDark = () => root.dataset.theme === "dark" || (root.dataset.theme !== "light" && dark.matches);

  // --- Dialogs and menus ------------------------------------------------------------------------------------

  function openDialog(id) {
    const dialog = document.getElementById(id);
    if (!dialog || typeof dialog.showModal !== "function") return false;
    if (dialog.open) dialog.close();
    dialog.showModal();
    const first = dialog.querySelector("[aria-invalid=true], [autofocus], input:not([type=hidden]), select, textarea");
    if (first) first.focus();
    return true;
  }

  function closeMenus(except) {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== except) menu.open = false;
  }

  // --- Clicks, in one place ---------------------------------------------------------------------------------

  document.addEventListener("click", (event) => {
    const target = event.target;
    if (!(target instanceof Element)) return;
    closeMenus(target.closest("details.menu"));

    const copier = target.closest("[data-copy], [data-copy-from]");
    if (copier) { event.preventDefault(); copy(copier); return; }

    const sharer = target.closest("[data-share]");
    if (sharer) { navigator.share({ url: sharer.dataset.share }).catch(() => {}); return; }

    const themer = target.closest("[data-theme-set]");
    if (themer) { event.preventDefault(); setTheme(themer); return; }

    const opener = target.closest("[data-dialog-open]");
    if (opener && openDialog(opener.dataset.dialogOpen)) { event.preventDefault(); return; }

    const closer = target.closest("[data-dialog-close]");
    if (closer) { event.preventDefault(); closer.closest("dialog").close(); return; }
    if (target instanceof HTMLDialogElement && !inside(event, target)) target.close();

    const reveal = target.closest("[data-reveal]");
    if (reveal) {
      const input = document.getElementById(reveal.dataset.reveal);
      const hidden = input.type === "password";
      input.type = hidden ? "text" : "password";
      reveal.setAttribute("aria-pressed", String(hidden));
      return;
    }

    const filler = target.closest("[data-fill]");
    if (filler) {
      const input = document.getElementById(filler.dataset.fill);
      input.value = filler.dataset.fillWith;
      input.dispatchEvent(new Event("input", { bubbles: true }));
      input.focus();
    }
  });

  function inside(event, element) {
    const box = element.getBoundingClientRect();
    return event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
  }

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.activeElement && document.activeElement.closest("details.menu[open]");
    closeMenus(null);
    if (menu) menu.querySelector("summary").focus();
  });

  // --- Forms ------------------------------------------------------------------------------------------------

  document.addEventListener("change", (event) => {
    if (event.target instanceof Element && event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
    if (event.target instanceof Element && event.target.matches("[data-shows]")) showParts(event.target.form);
  });

  // A part with data-shown-for="kind:company self_employed" belongs to those values of the field `kind` only.
  function showParts(scope) {
    for (const part of scope.querySelectorAll("[data-shown-for]")) {
      const [name, values] = part.dataset.shownFor.split(":");
      const form = part.closest("form");
      const chosen = form ? new FormData(form).get(name) : null;
      part.hidden = !values.split(" ").includes(String(chosen));
    }
  }

  // A second press on a button that is already working sends nothing.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
    setTimeout(() => delete form.dataset.sent, 8000);
  });
  addEventListener("pageshow", () => { for (const form of document.forms) delete form.dataset.sent; });

  // --- htmx -------------------------------------------------------------------------------------------------

  document.addEventListener("htmx:config:request", (event) => {
    const token = document.querySelector("meta[name=csrf-token]");
    const request = event.detail.ctx.request;
    if (token && request.method !== "GET") request.headers[token.dataset.header] = token.content;
  });

  let waiting = 0;
  document.addEventListener("htmx:before:request", () => {
    waiting += 1;
    setTimeout(() => {
      if (waiting && !document.querySelector(".loading-bar")) {
        const bar = document.createElement("div");
        bar.className = "loading-bar";
        document.body.append(bar);
      }
    }, 150);
  });
  document.addEventListener("htmx:finally:request", () => {
    waiting = Math.max(0, waiting - 1);
    if (!waiting) document.querySelector(".loading-bar")?.remove();
  });
  document.addEventListener("htmx:error", () => toast(say("Offline")));
  document.addEventListener("htmx:after:swap", () => wake(document));

  // --- Charts: one thin function over ApexCharts 4.7 ---------------------------------------------------------

  const charts = new Map();
  let library = null;

  function loadLibrary(address) {
    library ||= new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = address;
      script.onload = done;
      script.onerror = failed;
      document.head.append(script);
    });
    return library;
  }

  async function drawCharts(scope) {
    for (const [place, chart] of charts) {
      if (!place.isConnected) { chart.destroy(); charts.delete(place); }
    }
    for (const place of scope.querySelectorAll("[data-chart]")) {
      if (charts.has(place) || place.dataset.drawn) continue;
      place.dataset.drawn = "yes";
      await loadLibrary(place.dataset.chartLibrary);
      draw(place);
    }
  }

  // updateOptions() is not redrawn reliably in 4.7, so a change of theme makes each chart anew.
  function redrawCharts() {
    for (const [place, chart] of charts) { chart.destroy(); draw(place); }
  }

  function draw(place) {
    const chart = new ApexCharts(place, options(JSON.parse(document.getElementById(place.dataset.chart).textContent)));
    charts.set(place, chart);
    chart.render();
  }

  // Names, labels and texts come HTML-escaped from the server (app/ui/charts.py), because the library writes them as
  // HTML. Values are whole minor units; only the ticks of the axis are shortened here, everything exact is `texts`.
  // The axis ends at the next round number above the highest value: 4,100 at 5,000, not at 8,000.
  function axisEnd(data) {
    const highest = Math.max(1, ...data.series.flatMap((one) => one.values.map((value) => value || 0)));
    const unit = 10 ** data.digits;
    let best = null;
    for (const ticks of [4, 5, 3]) {
      for (let size = unit; size <= highest * 10; size *= 10) {
        for (const step of [size, 2 * size, 5 * size]) {
          if (ticks * step >= highest && (best === null || ticks * step < best.max)) best = { max: ticks * step, ticks };
        }
      }
    }
    return best || { max: 4 * unit, ticks: 4 };
  }

  function options(data) {
    const night = isDark();
    const colour = { line: night ? "#56b4e9" : "#0072b2", before: night ? "#98a2ae" : "#6f7782", text: night ? "#a6b0bd" : "#566070", grid: night ? "#2c3541" : "#e2e6eb" };
    const count = data.labels.length;
    const narrow = innerWidth < 576;
    const tick = new Intl.NumberFormat(data.locale, { notation: "compact", maximumFractionDigits: 1 });
    const unit = 10 ** data.digits;
    const axis = axisEnd(data);
    return {
      series: data.series.map((one) => ({ name: one.name, data: one.values })),
      chart: { type: "area", height: narrow ? 190 : 250, nonce, fontFamily: "inherit", background: "transparent", animations: { enabled: false }, toolbar: { show: false }, zoom: { enabled: false }, parentHeightOffset: 0 },
      colors: data.series.map((one) => (one.previous ? colour.before : colour.line)),
      fill: { type: "solid", opacity: data.series.map((one) => (one.previous ? 0 : night ? 0.16 : 0.09)) },
      stroke: { curve: "straight", width: data.series.map((one) => (one.previous ? 1.5 : 2.5)), dashArray: data.series.map((one) => (one.previous ? 4 : 0)) },
      forecastDataPoints: { count: data.unfinishedFrom === null ? 0 : count - data.unfinishedFrom, dashArray: 3, strokeWidth: 2 },
      markers: { size: 0, strokeWidth: 0, hover: { size: 4 } },
      dataLabels: { enabled: false },
      legend: { show: false },
      grid: { borderColor: colour.grid, strokeDashArray: 0, padding: { left: 8, right: 12, top: -12, bottom: -4 } },
      xaxis: {
        categories: data.labels, tickAmount: Math.min(narrow ? 3 : 6, Math.max(1, count - 1)), tooltip: { enabled: false },
        labels: { rotate: 0, hideOverlappingLabels: true, style: { colors: colour.text, fontSize: "12px" } },
        axisBorder: { color: colour.grid }, axisTicks: { show: false }, crosshairs: { stroke: { color: colour.before, width: 1, dashArray: 0 } },
      },
      yaxis: { min: 0, max: axis.max, tickAmount: axis.ticks, labels: { style: { colors: colour.text, fontSize: "12px" }, formatter: (value) => tick.format(Math.round(value) / unit) } },
      tooltip: {
        shared: true, intersect: false,
        custom: ({ dataPointIndex }) => {
          const rows = data.series.map((one) => `<div class="tip__row"><span>${one.name}</span><b>${one.texts[dataPointIndex]}</b></div>`);
          return `<div class="tip"><div class="tip__title">${data.labels[dataPointIndex]}</div>${rows.join("")}</div>`;
        },
      },
    };
  }

  // --- Start, and again after each swap ------------------------------------------------------------------------

  function wake(scope) {
    offerSharing(scope);
    for (const form of scope.querySelectorAll("form")) if (form.querySelector("[data-shown-for]")) showParts(form);
    for (const dialog of scope.querySelectorAll("dialog[open]:not(:modal)")) openDialog(dialog.id);
    drawCharts(scope);
  }

  wake(document);
  const wrong = document.querySelector("[data-error-summary]");
  if (wrong) wrong.focus();
})();
