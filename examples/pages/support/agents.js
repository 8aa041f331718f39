/** The agents' dashboard: who is signed in, the library, and the page over them. */

import { nameOf } from "../common/names.js";
import { signIn } from "../common/signin.js";
import { startTheme } from "../common/theme.js";
import { render } from "../vendor/lit-html/lit-html.js";
import { Desk } from "./desk/desk.js";
import { Page } from "./desk/page.js";
import { welcome } from "./desk/welcome.js";
import { Pollgate } from "./library.js";

const app = /** @type {HTMLElement} */ (document.getElementById("app"));
const agent = signIn();
let redraw = () => {};
startTheme(() => redraw());

/** The colleagues at a desk, from the gateway. @param {string} token @param {string} desk @returns {Promise<string[]>} */
async function agentsOf(token, desk) {
  const response = await fetch(`/v1/desks/${encodeURIComponent(desk)}/agents`, { headers: { authorization: `Bearer ${token}` } });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return (await response.json()).agents;
}

function storage() {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

if (agent) {
  const { user, token } = agent;
  const gate = new Pollgate({ user, token });
  const desk = new Desk({ gate, me: user, storage: storage(), agentsOf: (name) => agentsOf(token, name) });
  const page = new Page({ desk, home: app, name: nameOf });
  redraw = () => page.update();
  await page.open();
} else {
  render(welcome(`${location.origin}${location.pathname}`), app);
}
// Another person's link, opened in the same tab.
addEventListener("hashchange", () => location.reload());
