// Keys for rows and searches. A row's hooks are data attributes: see docs/pages.md. Single keys can be switched off,
// for those who speak to their browser or press keys by accident (WCAG 2.1.4).
"use strict";

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
