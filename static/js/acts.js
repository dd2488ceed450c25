// The menu of a row closes when something in it is pressed: the focus goes back to its opener, which
// htmx finds again by its id when the row is swapped.
"use strict";

document.addEventListener("click", (event) => {
  const pressed = event.target.closest(".acts[popover] :is(a, button)");
  if (pressed && !("copy" in pressed.dataset)) pressed.closest(".acts").hidePopover?.();
}, true);
