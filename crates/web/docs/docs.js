/** Draws the gateway's description of its API, and lets the reader try it with a token of their own. */

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

window.SwaggerUIBundle({
  dom_id: "#docs",
  url: new URL("../openapi.json", location.href).pathname,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  // the token stays in this page's memory, and the document is not shown to a validator elsewhere
  persistAuthorization: false,
  validatorUrl: null,
});
