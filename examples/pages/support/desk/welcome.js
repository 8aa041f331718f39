/** What stands on the page when nobody is signed in, and when somebody is who serves no desk. */

import { icon } from "../../common/icons.js";
import { html } from "../../vendor/lit-html/lit-html.js";

/** @param {string} page */
export function welcome(page) {
  return html`<main class="welcome">
    <span class="welcome-mark" aria-hidden="true">${icon("headset")}</span>
    <h1>Support desk</h1>
    <p>An agent signs in with the token in the address, after the <code>#</code>. That part never leaves the browser.</p>
    <ol class="steps">
      <li>Sign a token: <code>pollgate jwt --user dora</code></li>
      <li>Open <code>${page}#dora=TOKEN</code></li>
    </ol>
  </main>`;
}

/** @param {string} me */
export function noDesk(me) {
  return html`<div class="welcome">
    <span class="welcome-mark" aria-hidden="true">${icon("headset")}</span>
    <h2>You serve no desk yet</h2>
    <p>A back end seats its agents, with a credential of the scope <code>publish</code>:</p>
    <p><code>PUT /v1/desks/demo-support/agents/${me}</code></p>
    <p>Then load this page again.</p>
  </div>`;
}

/** @param {string} title @param {string} text @param {string} label @param {() => void} act */
export function failure(title, text, label, act) {
  return html`<div class="welcome" role="alert">
    <span class="welcome-mark" aria-hidden="true">${icon("alert")}</span>
    <h2>${title}</h2><p>${text}</p>
    <button type="button" class="button primary" @click=${act}>${label}</button>
  </div>`;
}
