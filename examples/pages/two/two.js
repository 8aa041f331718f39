/** Two people in one window, each in a frame with a session of their own. */

import { html, render } from "../vendor/lit-html/lit-html.js";

import { nameOf } from "../common/names.js";
import { everybody, takeTokens } from "../common/signin.js";
import { startTheme } from "../common/theme.js";
import { cast } from "../cast.js";

startTheme();
takeTokens();
const { pair } = cast(everybody());
const home = /** @type {HTMLElement} */ (document.querySelector("#two"));
if (pair) {
  // The frames are of the same tab and find the tokens in its storage. Each begins with the other one.
  const frame = (/** @type {string} */ user, /** @type {string} */ other) =>
    html`<iframe title=${`Chat as ${nameOf(user)}`} src=${`../chat/?${new URLSearchParams({ as: user, to: other })}`}></iframe>`;
  render(html`${frame(pair[0].user, pair[1].user)}${frame(pair[1].user, pair[0].user)}`, home);
} else {
  location.replace("../");
}
