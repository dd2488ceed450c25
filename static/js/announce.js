// Says how much a filter found, once the typing rests: the swapped part's [data-announce], in the dialog's
// own status where it is in one. Without this file a filter loads a page, which is read from its title on.
"use strict";

{
  const REST = 600; // milliseconds
  let waiting = 0;

  document.addEventListener("htmx:afterSettle", (event) => {
    const found = event.target.querySelector?.("[data-announce]");
    if (!found) return;
    const status = (found.closest("dialog") || document).querySelector("[data-announced]");
    status.textContent = ""; // or the same words again would be no change
    clearTimeout(waiting);
    waiting = setTimeout(() => { status.textContent = found.textContent; }, REST);
  });
}
