// Adds a connection in a dialog over the page that needs one. Without this file the same "+" leads
// to pages that lead back.
"use strict";

{
  const dropped = new WeakSet(); // requests that a dialog was closed over; htmx tells of an aborted one as of an error
  let dialog = null; // there while it is open, so that no secret stays in the page
  let opener = null;
  let asking = null;

  const part = (selector) => dialog.querySelector(selector);
  const isOurs = (event) => dialog && dialog.contains(event.detail.elt || event.detail.requestConfig?.elt);

  function open(button) {
    opener = button;
    document.body.append(document.getElementById("add-here-template").content.cloneNode(true));
    dialog = document.getElementById("add-here");
    dialog.addEventListener("close", clear);
    dialog.showModal();
    part("#add-here-title").focus();
    const content = part("#add-here-content");
    content.addEventListener("htmx:afterSwap", (event) => {
      if (event.target === content || event.target.parentElement === content) shown(); // not a part of the form, such as a row
    });
    htmx.ajax("GET", button.dataset.addHere, { source: content, target: content, swap: "innerHTML" });
  }

  function clear() {
    if (asking) dropped.add(asking);
    dialog.remove();
    dialog = asking = null;
  }

  // The new connection as an option of the picker, and chosen: a list, texts with suggestions, or
  // boxes to tick.

  function chosenIn(form, name, { value, name: called, label }) {
    const inputs = [...form.elements].filter((one) => one.name === name);
    const [first] = inputs;
    if (first && first.matches("select")) {
      if (![...first.options].some((one) => one.value === value)) first.add(new Option(label, value));
      first.value = value;
      return first;
    }
    if (first && first.type !== "checkbox") {
      first.value = "several" in first.dataset && first.value.trim() ? `${first.value}, ${value}` : value;
      return first;
    }
    return ticked(form, name, value, called, inputs.length);
  }

  function ticked(form, name, value, called, number) {
    const id = `id_${name}_${number}`;
    const box = Object.assign(document.createElement("input"), { type: "checkbox", name, value, id, checked: true });
    const text = Object.assign(document.createElement("label"), { htmlFor: id });
    const row = document.createElement("div");
    text.append(box, ` ${called}`);
    row.append(text);
    form.querySelector(`#id_${name}`).append(row);
    return box;
  }

  function take(created) {
    const input = chosenIn(opener.form, opener.value, created.dataset);
    const messages = [...created.children];
    dialog.close();
    input.dispatchEvent(new Event("change", { bubbles: true }));
    input.focus();
    opener.parentElement.querySelector("[role=status]").replaceChildren(...messages);
  }

  function shown() {
    asking = null;
    const created = part("[data-created]");
    if (created) return take(created);
    const form = part("[data-title]");
    const title = part("#add-here-title");
    title.textContent = form ? form.dataset.title : title.dataset.first;
    (part("#add-here-content [role=alert]") || part("#add-here-title")).focus();
    dialog.scrollTop = 0;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-add-here]");
    if (button) {
      event.preventDefault();
      open(button);
    } else if (event.target.closest("#add-here [data-close]")) {
      dialog.close();
    }
  });

  document.addEventListener("htmx:configRequest", (event) => { // "." is the form's address, not the page's
    const form = event.detail.elt.closest("#add-here form");
    if (form && event.detail.path === ".") event.detail.path = form.getAttribute("action");
  });

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (isOurs(event)) asking = event.detail.xhr;
  });

  document.addEventListener("htmx:beforeSwap", (event) => { // what a closed dialog had asked for would go to the page behind
    if (dropped.has(event.detail.xhr)) event.detail.shouldSwap = false;
  });
}
