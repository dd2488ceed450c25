"use strict";

// Finds anything in a dialog over the page: what /find/ shows, which the same link opens without
// this file.
{
  const dialog = document.getElementById("palette");
  const input = dialog.querySelector("input");
  const hits = () => [...dialog.querySelectorAll(".hit")];

  if (/Mac|iP(hone|ad)/.test(navigator.platform)) {
    for (const keys of document.querySelectorAll("[data-palette] kbd")) keys.textContent = "⌘ K";
  }

  function open() {
    if (document.querySelector("dialog[open]")) return;
    dialog.showModal(); // which gives the focus back when it closes
    input.select();
    htmx.trigger(input.form, "asked"); // as it is now: rows may have changed
  }

  function move(by) {
    const places = [input, ...hits()];
    const next = places[(places.indexOf(document.activeElement) + by + places.length) % places.length];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }

  dialog.addEventListener("keydown", (event) => {
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!isPlain || event.isComposing) return;
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) {
      event.preventDefault();
      move(by);
    } else if (event.target.matches(".hit") && (event.key.length === 1 && event.key !== " " || event.key === "Backspace")) {
      input.focus(); // and what was pressed is typed there
    }
  });

  let wantsFirst = false; // Enter was pressed before the answer to what was typed

  function takeFirst() {
    wantsFirst = dialog.querySelector("[data-sought]")?.dataset.sought !== input.value;
    if (!wantsFirst) hits()[0]?.click();
  }

  input.form.addEventListener("submit", (event) => {
    event.preventDefault();
    takeFirst();
  });
  input.addEventListener("input", () => { wantsFirst = false; });
  dialog.addEventListener("htmx:afterSettle", () => { if (wantsFirst) takeFirst(); });
  dialog.addEventListener("close", () => { wantsFirst = false; });

  document.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // the veil
    const link = event.target.closest("[data-palette]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open();
  });

  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "k") return;
    event.preventDefault();
    if (dialog.open) dialog.close();
    else open();
  });
}

// Keys for rows and searches. A row's hooks are data attributes: see docs/pages.md. Single keys can
// be switched off,
// for those who speak to their browser or press keys by accident (WCAG 2.1.4).
{
  const KEPT = "single-keys";
  const dialog = document.getElementById("keys");
  const rows = () => [...document.querySelectorAll("#main [data-row]")].filter((row) => row.getClientRects().length);
  const current = () => document.activeElement.closest("[data-row]");

  function isOn() {
    try { return localStorage.getItem(KEPT) !== "off"; } catch { return true; } // a browser may refuse it
  }

  function go(by) {
    const all = rows();
    const at = all.indexOf(current());
    const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by];
    next?.querySelector("[data-open]")?.focus();
    next?.scrollIntoView({ block: "nearest" });
    return Boolean(next);
  }

  function press(hook) {
    const found = current()?.querySelector(hook);
    found?.click();
    return Boolean(found);
  }

  function search() {
    const field = document.querySelector("#main [role=search] [type=search]");
    if (field) field.select();
    else document.querySelector("[data-palette]").click();
    return true;
  }

  function show() {
    document.querySelectorAll("dialog[open]").forEach((one) => one.close());
    dialog.showModal();
    htmx.trigger(dialog.querySelector("[hx-get]"), "asked"); // once
    return true;
  }

  const ACTS = {
    "/": search, "?": show, j: () => go(1), k: () => go(-1),
    x: () => press("[data-tick]"), e: () => press("[data-edit]"), t: () => press("[data-test]"),
  };

  document.addEventListener("keydown", (event) => {
    const act = ACTS[event.key.length === 1 ? event.key.toLowerCase() : ""];
    const isTyping = event.target.isContentEditable || event.target.matches("input:not([type=checkbox], [type=radio]), select, textarea");
    if (!act || isTyping || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (event.defaultPrevented || !isOn() || document.querySelector("dialog[open], [popover]:popover-open")) return;
    if (event.shiftKey && /[a-z]/i.test(event.key)) return;
    if (act()) event.preventDefault();
  });

  function set(place) {
    for (const box of place.querySelectorAll("[data-single-keys]")) box.checked = isOn();
  }

  set(document);
  dialog.addEventListener("htmx:afterSettle", () => set(dialog));

  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-single-keys]")) return;
    try { localStorage.setItem(KEPT, event.target.checked ? "on" : "off"); } catch { /* until the page is left */ }
    for (const box of document.querySelectorAll("[data-single-keys]")) box.checked = event.target.checked;
  });

  document.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("#keys [data-close], #palette [data-close]")) event.target.closest("dialog").close();
    if (!event.target.closest("[data-keys]")) return;
    event.preventDefault();
    show();
  });
}
