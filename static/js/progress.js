// Asks how far an import is once its form is sent. htmx alone would not let the form be sent: it
// cancels whatever submit it is triggered by.
"use strict";

document.addEventListener("submit", (event) => {
  if (event.submitter?.id === "import-it") htmx.trigger("#progress", "sent");
});
