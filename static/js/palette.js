// Finds anything in a dialog over the page: what /find/ shows, which the same link opens without this file.
"use strict";

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
