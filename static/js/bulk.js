// Ticks of a list: all of the page, a range with Shift, their number, and the keys between them and
// the bar.
// Without this file each row has its tick, and the bar is always there with "All ..." in it.
"use strict";

{
  const ticks = () => [...document.querySelectorAll('input[name="ids"][form="bulk"]')];
  let last = null;

  function show() {
    const form = document.getElementById("bulk");
    if (!form) return;
    const all = form.querySelector("[data-all]");
    const rows = ticks();
    const number = rows.filter((one) => one.checked).length;
    const head = document.querySelector("[data-tick-page]");
    if (head) {
      head.checked = number > 0 && number === rows.length;
      head.indeterminate = number > 0 && number < rows.length;
    }
    const isAll = all && all.checked;
    const count = form.querySelector("[data-count]");
    count.textContent = isAll ? count.dataset.every : count.dataset.some.replace("{number}", number);
  }

  document.addEventListener("change", (event) => {
    const box = event.target;
    if (box.matches("[data-tick-page]")) for (const one of ticks()) one.checked = box.checked;
    if (box.matches('input[name="ids"], [data-tick-page], [data-all]')) show();
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-untick]")) {
      for (const one of document.querySelectorAll('input[name="ids"][form="bulk"], #bulk [data-all]')) one.checked = false;
      show();
      document.querySelector("[data-tick-page]")?.focus();
    } else if (event.target.matches('input[name="ids"]')) {
      const rows = ticks();
      const [from, to] = [rows.indexOf(last), rows.indexOf(event.target)].sort((a, b) => a - b);
      if (event.shiftKey && from >= 0) for (const one of rows.slice(from, to + 1)) one.checked = event.target.checked;
      last = event.target;
      show();
    }
  });

  document.addEventListener("keydown", (event) => {
    if (!event.target.matches?.('input[name="ids"], [data-tick-page]') || event.ctrlKey || event.metaKey || event.altKey) return;
    const rows = ticks();
    const next = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const to = next && rows[rows.indexOf(event.target) + next];
    if (to) to.focus();
    else if (event.key === "Enter" || event.key === "b") document.querySelector("#bulk .acts .button")?.focus(); // Enter alone would press the first switch
    else return;
    event.preventDefault();
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    show();
    const isLost = document.activeElement === document.body; // with the button that was pressed
    if (isLost && event.target.id === "rows") ticks().find((one) => one.checked)?.focus();
  });
  show();
}
