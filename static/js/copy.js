// One click copies. Without this file one click selects the text.
"use strict";

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
    button.textContent = done ? "Copied" : "Selected";
    said.textContent = done ? `${button.dataset.label}: copied` : `${button.dataset.label}: selected. Press Control and C.`;
    setTimeout(() => { button.textContent = button.dataset.word; said.textContent = ""; said.remove(); }, 3000);
  });
}
