// Values of a chart under the pointer or, with the arrow keys, one after the other. Without this file
// they are in the titles of the columns and in the table.
"use strict";

{
  function prepare() {
    for (const chart of document.querySelectorAll("[data-chart]:not([tabindex])")) {
      const drawing = chart.querySelector(".plot");
      chart.tabIndex = 0;
      chart.setAttribute("role", "group");
      chart.setAttribute("aria-label", `${drawing.getAttribute("aria-label")} ${chart.dataset.hint}`);
      chart.querySelector(".reading").hidden = false;
    }
  }

  function read(chart, column) {
    chart.querySelector(".is-read")?.classList.remove("is-read");
    column.classList.add("is-read");
    chart.querySelector(".reading").textContent = column.querySelector("title").textContent;
  }

  document.addEventListener("pointerover", (event) => {
    const column = event.target.closest?.("[data-chart] .column");
    if (column) read(column.closest("[data-chart]"), column);
  });

  document.addEventListener("keydown", (event) => {
    const chart = event.target;
    if (!chart.matches?.("[data-chart]")) return;
    const columns = [...chart.querySelectorAll(".column")];
    const now = columns.indexOf(chart.querySelector(".is-read"));
    const last = columns.length - 1;
    const next = {
      ArrowRight: Math.min(now + 1, last), ArrowLeft: now < 0 ? last : Math.max(now - 1, 0),
      Home: 0, End: last,
    }[event.key];
    if (next === undefined || !columns[next]) return;
    event.preventDefault();
    read(chart, columns[next]);
  });

  document.addEventListener("htmx:load", prepare);
  prepare();
}
