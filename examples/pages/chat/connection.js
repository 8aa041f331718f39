/** How the connection is: a quiet word below the list; a strip on top only when there is something to know or to do. */

import { html, nothing } from "../vendor/lit-html/lit-html.js";

import { icon } from "../common/icons.js";
import { signOut } from "../common/signin.js";
import { connectionWords, secondsLeft } from "./connection-words.js";

/** @param {any} info */
export function connectionPill(info) {
  const { short, long, tone } = connectionWords(info);
  return html`<p class="pill" role="status" data-connection data-state=${info.state} data-transport=${info.transport ?? nothing} data-tone=${tone} title=${long}><i aria-hidden="true"></i>${short}</p>`;
}

/** @param {any} info @param {number} retryAt @param {any} gate */
export function connectionStrip(info, retryAt, gate) {
  const { long, action, tone } = connectionWords(info);
  const shown = tone === "warn" || tone === "bad";
  if (!shown) return html`<section class="strip" aria-label="Connection" hidden></section>`;
  const left = retryAt ? secondsLeft(retryAt) : 0;
  return html`<section class="strip" aria-label="Connection" data-tone=${tone}>${icon("alert")}
    <span class="strip-text">${long}${left > 0 ? html` <span aria-hidden="true">Trying again in ${left} s.</span>` : nothing}</span>
    ${action === "now" ? html`<button type="button" class="button compact" @click=${() => gate.reconnect()}>Try now</button>` : nothing}
    ${action === "here" ? html`<button type="button" class="button compact" @click=${() => gate.reconnect()}>Use it here</button>` : nothing}
    ${action === "sign-in" ? html`<a class="button compact" href="../" @click=${signOut}>Sign in again</a>` : nothing}
  </section>`;
}
