// Tells what was changed in a form, asks before it is lost, and keeps open what was opened by hand.
// Without this file the buttons do the same,
// and nothing asks.
"use strict";

{
  const came = new Map(); // by the id of a field: what it said when the page came, also after its form was replaced
  let isLeaving = false;

  const fieldsOf = (form) => [...form.querySelectorAll(".field[id]")];

  function saidBy(field) {
    const inputs = [...field.querySelectorAll("input:not([type=hidden]), select, textarea")];
    return inputs
      .map((one) => (/^(checkbox|radio)$/.test(one.type) ? one.checked && `${one.name}=${one.value}` : one.value))
      .filter(Boolean)
      .join("\n");
  }

  function note() {
    for (const field of document.querySelectorAll("form[data-asks] .field[id]")) {
      if (!came.has(field.id)) came.set(field.id, saidBy(field));
    }
    document.querySelectorAll("form[data-asks]").forEach(tell);
  }

  const changed = (form) => fieldsOf(form).filter((one) => "changed" in one.dataset || saidBy(one) !== came.get(one.id));

  function tell(form) {
    const names = changed(form).map((one) => one.dataset.label);
    const place = form.querySelector(".changes");
    if (!place) return;
    const { one, some, more } = place.dataset;
    const pattern = names.length > 4 ? more : names.length > 1 ? some : one;
    const places = { number: names.length, names: names.slice(0, 4).join(", "), rest: names.length - 4 };
    const text = names.length ? pattern.replace(/\{(\w+)\}/g, (_all, name) => places[name]) : "";
    if (place.textContent !== text) place.textContent = text;
  }

  const isTyped = (form) => [...form.elements].some((one) => {
    if (one.matches("select")) return [...one.options].some((option) => option.selected !== option.defaultSelected);
    return one.type === "checkbox" || one.type === "radio" ? one.checked !== one.defaultChecked : one.value !== one.defaultValue;
  });

  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (form?.matches("[data-asks]")) tell(form);
  });

  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-asks]")) isLeaving = true;
  });

  addEventListener("pageshow", () => { isLeaving = false; });
  addEventListener("beforeunload", (event) => {
    if (!isLeaving && [...document.querySelectorAll("form[data-asks]")].some((one) => changed(one).length)) event.preventDefault();
  });

  document.addEventListener("cancel", (event) => { // Escape in a dialog
    const form = event.target.matches?.("dialog") && event.target.querySelector("form[method=post]");
    if (form && isTyped(form) && !confirm(event.target.dataset.lose)) event.preventDefault();
  }, true);

  document.addEventListener("click", (event) => { // a choice beside an input fills it
    const button = event.target.closest("[data-fills]");
    if (!button) return;
    event.preventDefault();
    const input = button.form.elements[button.dataset.fills];
    input.value = button.value;
    for (const kind of ["input", "change"]) input.dispatchEvent(new Event(kind, { bubbles: true }));
    input.focus();
  });

  document.addEventListener("input", (event) => { // a box narrows the list that it names
    const list = event.target.dataset.narrows && document.getElementById(event.target.dataset.narrows);
    if (!list) return;
    const words = event.target.value.toLowerCase().split(/\s+/);
    for (const one of list.children) one.hidden = !words.every((word) => one.textContent.toLowerCase().includes(word));
  });

  const opened = new Set();
  document.addEventListener("toggle", (event) => {
    if (event.target.matches("details[id]")) opened[event.target.open ? "add" : "delete"](event.target.id);
  }, true);
  document.addEventListener("htmx:afterSwap", () => {
    opened.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
    note();
    const free = document.querySelector("[data-alias]");
    const alias = free?.closest("form")?.elements.alias;
    if (alias) alias.placeholder = free.dataset.alias;
  });
  document.addEventListener("DOMContentLoaded", note);
  if (document.readyState !== "loading") note();
}
