// Shows an answer while it comes. Without this file the same form leads to a page with the whole answer.
// What a model says is put into the page as text only.
"use strict";

for (const form of document.querySelectorAll("form[data-stream]")) {
  const section = form.closest("section");
  const log = section.querySelector("[role=log]");
  const error = section.querySelector("[data-error]");
  const facts = section.querySelector("[data-facts]");
  const stop = form.querySelector("[data-stop]");
  const message = form.elements.namedItem("message");
  const history = form.elements.namedItem("history");
  const texts = form.dataset; // in the language of the page
  let running = null;

  for (const one of form.querySelectorAll("[data-scripted]")) one.hidden = false;

  function addTurn(role, text) {
    const turn = section.querySelector("template").content.firstElementChild.cloneNode(true);
    turn.classList.add(role);
    turn.querySelector(".who").textContent = role === "user" ? texts.you : texts.answer;
    turn.querySelector(".said").textContent = text;
    log.append(turn);
    log.hidden = false;
    log.scrollTop = log.scrollHeight;
    return turn.querySelector(".said");
  }

  function shown(value, kind) {
    if (value === null || value === undefined) return "–";
    if (kind !== "duration") return String(value);
    return value < 1000 ? `${value} ms` : `${(value / 1000).toFixed(2)} s`;
  }

  function fill(values) {
    for (const place of section.querySelectorAll("[data-fact]")) {
      const name = place.dataset.fact;
      if (place.matches("pre *")) {
        if (name in values) place.textContent = values[name];
        continue;
      }
      const link = values[place.dataset.link];
      const inner = link ? Object.assign(document.createElement("a"), { href: link }) : document.createElement("span");
      inner.textContent = shown(values[name], place.dataset.kind);
      place.replaceChildren(inner);
      const row = place.closest("[data-optional]");
      if (row) row.hidden = !values[name];
    }
    facts.hidden = false;
  }

  function fail(text) {
    error.firstElementChild.textContent = text;
    error.hidden = false;
  }

  async function* events(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      const found = (rest + value).split("\n\n");
      rest = found.pop();
      for (const one of found) if (one.startsWith("data: ")) yield JSON.parse(one.slice(6)); // not a comment
    }
  }

  async function ask(data, said, signal) {
    const answer = await fetch(form.getAttribute("action"), { // form.action is the button of that name
      method: "POST", body: new URLSearchParams(data), headers: { Accept: "text/event-stream" }, signal,
    });
    if (!(answer.headers.get("Content-Type") || "").startsWith("text/event-stream")) {
      throw new Error((answer.redirected ? texts.signedOut : texts.refused).replace("{status}", answer.status));
    }
    const found = { text: "", failed: false, ended: false };
    for await (const event of events(answer.body)) {
      if (event.content) {
        said.append(event.content);
        found.text += event.content;
        log.scrollTop = log.scrollHeight;
      }
      if (event.error) {
        fail(event.error.message);
        found.failed = true;
      }
      if (event.facts) fill({ ...event.facts, ...event.code });
      found.ended = found.ended || Boolean(event.facts || event.error);
    }
    if (!found.ended) throw new Error(texts.brokenOff);
    return found;
  }

  function carryOn(question, answer) {
    const turns = JSON.parse(history.value || "[]");
    history.value = JSON.stringify([...turns, { role: "user", content: question }, { role: "assistant", content: answer }]);
  }

  // A turn that failed or was stopped is no part of the conversation: its message goes back to where it was typed.
  function takeBack(said, question) {
    said.parentElement.classList.add("dropped");
    said.parentElement.previousElementSibling.classList.add("dropped");
    if (!said.textContent) said.parentElement.remove();
    if (!message.value) message.value = question;
  }

  async function send() {
    const data = new FormData(form);
    const question = message.value;
    addTurn("user", question);
    const said = addTurn("assistant", "");
    message.value = "";
    error.hidden = facts.hidden = true;
    log.setAttribute("aria-busy", "true");
    stop.hidden = false;
    running = new AbortController();
    try {
      const found = await ask(data, said, running.signal);
      if (found.failed) takeBack(said, question);
      else if (found.text) carryOn(question, found.text);
      else said.textContent = texts.empty;
    } catch (problem) {
      if (!log.contains(said)) return; // the conversation was cleared meanwhile
      takeBack(said, question);
      const gone = problem instanceof TypeError ? texts.unreachable : problem.message;
      fail(problem.name === "AbortError" ? texts.stopped : gone);
    }
    finish();
  }

  function finish() {
    running = null;
    log.setAttribute("aria-busy", "false");
    if (document.activeElement === stop) message.focus();
    stop.hidden = true;
  }

  function clear() {
    if (running) running.abort();
    finish();
    log.replaceChildren();
    log.hidden = error.hidden = facts.hidden = true;
    history.value = "[]";
    message.focus();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.submitter && event.submitter.value === "clear") clear();
    else if (!running) send();
  });
  stop.addEventListener("click", () => running && running.abort());
  message.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
}
