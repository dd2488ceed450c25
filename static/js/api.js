// Swagger UI in our page: its operations, without the head, the choice of a server and the landmarks
// that the page has itself.
"use strict";

const place = document.getElementById("swagger-ui");
const layout = (system) => ({
  // A link inside the button that opens an operation cannot be told from it.
  wrapComponents: { DeepLink: () => ({ text }) => system.React.createElement("span", null, text) },
  components: {
    OurLayout() {
      const element = system.React.createElement;
      const part = (name) => element(system.getComponent(name, true));
      const state = system.getSystem().specSelectors.loadingStatus();
      if (state === "loading" || !state) return element("p", { role: "status" }, "…");
      if (state !== "success") return element("div", { className: "swagger-ui" }, part("errors"));
      return element(
        "div",
        { className: "swagger-ui" },
        part("SvgAssets"),
        part("errors"),
        element("div", { className: "authorize-bar" }, part("AuthorizeBtnContainer")),
        part("operations"),
        part("Models"),
      );
    },
  },
});
// What has no name of its own, or another one than is written on it.
const names = {
  ".examples-select-element": "Example",
  ".close-modal": "Close",
  ".modal-btn.authorize": "Authorize",
};
const dark = matchMedia("(prefers-color-scheme: dark)");
const paint = () => document.documentElement.classList.toggle("dark-mode", dark.matches);

const name = () => {
  for (const [selector, text] of Object.entries(names)) {
    for (const one of place.querySelectorAll(selector)) one.setAttribute("aria-label", text);
  }
  for (const one of place.querySelectorAll("pre, .opblock-body")) one.tabIndex = 0; // it may scroll
};

new MutationObserver(name).observe(place, { childList: true, subtree: true });
paint();
dark.addEventListener("change", paint);
SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  presets: [SwaggerUIBundle.presets.apis],
  plugins: [layout],
  layout: "OurLayout",
  deepLinking: true,
  docExpansion: "none", // all 140 operations at once keep a browser busy for seconds
  syntaxHighlight: { activated: false },
  requestInterceptor: (request) => {
    if (new URL(request.url, location.href).origin === location.origin) {
      Object.assign(request.headers, JSON.parse(document.body.getAttribute("hx-headers")));
    }
    return request;
  },
});
