// Asks how far the work is that a form does once it is sent. htmx alone would not let the form be
// sent: it cancels whatever submit it is triggered by.
"use strict";

document.addEventListener("submit", (event) => {
  if (event.submitter?.matches("[data-progress]")) htmx.trigger("#progress", "sent");
});
