// Passkeys: what the browser and the person's device answer is put into the form's field
// `credential`, and the form is sent. Without this file the password and codes still let people in.
// https://developer.mozilla.org/docs/Web/API/Web_Authentication_API
"use strict";

{
  const Key = window.PublicKeyCredential;
  // an address of numbers has no passkeys: https://www.w3.org/TR/webauthn-3/#rp-id
  const isNumbers = /^[\d.]+$|:/.test(location.hostname);
  const can = !isNumbers && Key?.parseRequestOptionsFromJSON && Key.parseCreationOptionsFromJSON;
  const NEW = { residentKey: "required", requireResidentKey: true, userVerification: "required" };

  async function optionsOf(form) {
    if (form.dataset.options) return JSON.parse(form.dataset.options).publicKey;
    const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(answer.status);
    return (await answer.json()).request_options.publicKey;
  }

  async function credentialFor(form) {
    const options = await optionsOf(form);
    if (form.dataset.passkey !== "add") {
      return navigator.credentials.get({ publicKey: Key.parseRequestOptionsFromJSON(options) });
    }
    const wanted = { ...options.authenticatorSelection, ...NEW };
    const all = { ...options, authenticatorSelection: wanted };
    return navigator.credentials.create({ publicKey: Key.parseCreationOptionsFromJSON(all) });
  }

  function say(form, which) {
    const place = form.querySelector("[data-passkey-error]");
    place.textContent = which ? place.dataset[which] : "";
    place.hidden = !which;
  }

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    if (form.dataset.passkey === "sign-in") form.hidden = !can;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      event.stopImmediatePropagation();
      if (!can) return say(form, "cannot");
      say(form, "");
      try {
        form.elements.credential.value = JSON.stringify((await credentialFor(form)).toJSON());
      } catch (error) {
        return say(form, error.name === "SecurityError" ? "cannot" : "notDone");
      }
      form.submit(); // no submit event: it would come here again
    });
  }
}
