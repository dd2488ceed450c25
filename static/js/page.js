// What every page loads, in one file: each file costs a browser 600 bytes of headers.
"use strict";

const words = document.currentScript.dataset; // in the language of the page

// Shows that a request runs, and says so when no answer of ours comes: then nothing is swapped, and
// what was typed stays.
// Without this file the browser says it on a page of its own.
{
  const live = words.live; // answers while the server does
  const WAIT = 8000, FRESH = 10000; // milliseconds
  const ANSWERS = /id=["']?main\b/; // a page of ours, whatever its status
  const passed = new WeakSet(); // forms and links that may go on: the server answers
  const asking = new WeakSet();
  const left = new WeakSet(); // targets that had the focus
  let answered = performance.now(); // when the server last answered

  function say(text) {
    const place = document.querySelector("dialog[open] [data-error]") || document.getElementById("trouble");
    place.textContent = text;
    place.hidden = !text;
  }

  function wordsFor(status, body = "") {
    if (status === 504) return words.late;
    if (status === 502 || status === 503 && !ANSWERS.test(body)) return words.silent.replace("{status}", status);
    const page = new DOMParser().parseFromString(body, "text/html");
    const said = page.querySelector("#main .card p") || page.getElementById("main");
    return said ? said.textContent.trim().slice(0, 300) : words.failed.replace("{status}", status);
  }

  function fail(event, text) {
    answered = -FRESH;
    if (document.contains(event.detail.elt)) say(text); // not in a dialog that was closed
  }

  document.addEventListener("htmx:configRequest", ({ detail }) => { // "." is where the button goes without this file
    if (detail.path === "." && detail.elt.matches("[formaction]")) detail.path = detail.elt.getAttribute("formaction");
  });
  document.addEventListener("htmx:beforeRequest", ({ detail }) => {
    detail.target.setAttribute("aria-busy", "true");
    if (document.getElementById("trouble") && !detail.elt.matches("[role=status]")) say(""); // what asks by itself takes nothing away
  });
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    detail.target?.removeAttribute("aria-busy");
    if (detail.successful) answered = performance.now();
    const isLost = left.delete(detail.target) && document.activeElement === document.body;
    if (isLost) document.querySelector("#messages:has(*)")?.focus(); // what was swapped took it along; the outcome is told there
  });
  document.addEventListener("htmx:responseError", (event) => {
    fail(event, wordsFor(event.detail.xhr.status, event.detail.xhr.responseText));
  });
  document.addEventListener("htmx:sendError", (event) => fail(event, words.lost));

  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.target?.contains(document.activeElement)) left.add(detail.target);
    if (!/<html/i.test(detail.serverResponse) || ANSWERS.test(detail.serverResponse) || detail.isError) return;
    detail.shouldSwap = false; // a captive portal's page
    say(words.foreign);
  });

  document.addEventListener("htmx:oobErrorNoTarget", ({ detail }) => { // what had asked is gone; its outcome is told all the same
    document.querySelector(detail.target)?.replaceChildren(...detail.content.childNodes);
  });

  // A plain form and a download leave the page only for a server that answers.

  const isFresh = () => performance.now() - answered < FRESH;

  async function isThere() {
    try {
      const answer = await fetch(live, { cache: "no-store", signal: AbortSignal.timeout(WAIT) });
      if (answer.status < 502 || answer.status > 504) return true;
      say(wordsFor(answer.status));
    } catch {
      say(words.lost);
    }
    return false;
  }

  async function ask(element, goOn) {
    if (asking.has(element)) return;
    asking.add(element);
    element.setAttribute("aria-busy", "true");
    say("");
    const isAnswered = await isThere();
    element.removeAttribute("aria-busy");
    asking.delete(element);
    if (!isAnswered) return;
    passed.add(element);
    goOn();
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.getAttribute("method") !== "post" || isFresh() || passed.delete(form)) return;
    event.preventDefault();
    event.stopImmediatePropagation(); // others hear of it when it goes
    ask(form, () => form.requestSubmit(event.submitter));
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-close-trouble]")) say("");
    const link = event.target.closest("a[download]");
    if (!link || isFresh() || event.ctrlKey || event.metaKey || event.shiftKey || passed.delete(link)) return;
    event.preventDefault();
    ask(link, () => link.click());
  });
}

// The menu of a row closes when something in it is pressed: the focus goes back to its opener,
// which
// htmx finds again by its id when the row is swapped.
document.addEventListener("click", (event) => {
  const pressed = event.target.closest(".acts[popover] :is(a, button)");
  if (pressed && !("copy" in pressed.dataset)) pressed.closest(".acts").hidePopover?.();
}, true);

// A list that is wider than its place scrolls there: then Tab leads into it, and it has a name.
const reach = () => {
  for (const one of document.querySelectorAll("#rows > .scroll")) {
    const isWide = one.scrollWidth > one.clientWidth;
    one.toggleAttribute("tabindex", isWide);
    if (isWide) one.tabIndex = 0;
    one.role = isWide ? "group" : null;
    one.ariaLabel = isWide ? one.firstElementChild.ariaLabel : null;
  }
};
addEventListener("load", reach);
addEventListener("resize", reach);
document.addEventListener("htmx:afterSettle", reach);

// Says how much a filter found, once the typing rests: the swapped part's [data-announce], in the
// dialog's
// own status where it is in one. Without this file a filter loads a page, which is read from its
// title on.
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

// One click copies. Without this file one click selects the text.
{
  document.documentElement.classList.add("scripted");
  const said = document.createElement("div");
  said.className = "hidden";
  said.setAttribute("role", "status");

  function select(text) {
    const range = document.createRange();
    range.selectNodeContents(text);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
  }

  async function copy(button) {
    try {
      await navigator.clipboard.writeText(button.dataset.copy); // only there over HTTPS and on this machine
    } catch {
      select(button.parentElement.querySelector("code"));
      return document.execCommand("copy");
    }
    return true;
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    document.body.append(said); // in the page before it has a text, so that the text is a change
    button.dataset.word ??= button.textContent;
    const done = await copy(button);
    button.textContent = done ? words.copied : words.selected;
    said.textContent = (done ? words.saidCopied : words.saidSelected).replace("{label}", () => button.dataset.label);
    setTimeout(() => { button.textContent = button.dataset.word; said.textContent = ""; said.remove(); }, 3000);
  });
}

// Tells the server the browser's time zone, for the next page: see backoffice/localization.py.
{
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  if (zone) document.cookie = `zone=${zone}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
}
