/** The top of the page: which gateway this is, whether what is shown is live, and what can be chosen. */

import { html, nothing } from "/operator/shared/vendor/lit-html/lit-html.js";
import { icon } from "/operator/shared/common/icons.js";
import { shownTheme } from "/operator/shared/common/theme.js";

import { seconds } from "./format.js";

/** @typedef {import("./state.js").Page} Page */

const WORDS = {
  connecting: "Connecting",
  live: "Live",
  away: "Not live",
  refused: "Signed out",
};

/** @param {Page} page */
function badge({ standing, lastMs, draining }) {
  const live = standing === "live";
  const words = live && draining ? "Stopping" : WORDS[standing];
  return html`<p class="live" role="status" data-standing=${live && draining ? "draining" : standing}>
    <span class="dot" aria-hidden="true"></span><span>${words}</span>
    ${!live && lastMs ? html`<span class="quiet since">as of ${seconds((Date.now() - lastMs) / 1000)} ago</span>` : nothing}
  </p>`;
}

/** @param {Page} page @param {{range: (step: "fine" | "coarse") => void, theme: () => void, sign: () => void}} act */
export function head(page, act) {
  const { hello, step, signedIn } = page;
  const dark = shownTheme() === "dark";
  const up = hello ? (Date.now() - hello.started_ms) / 1000 : null;
  /** @param {"fine" | "coarse"} which @param {string} words */
  const range = (which, words) => html`<button type="button" aria-pressed=${step === which ? "true" : "false"} @click=${() => act.range(which)}>${words}</button>`;
  return html`<div class="brand"><img src="/operator/icon.svg" alt="" width="30" height="30"><div class="cut">
      <b>pollgate</b>
      <span class="quiet small cut who">${hello ? html`${hello.name} · ${hello.version} · up ${seconds(Math.max(0, up ?? 0))}` : "operator page"}</span>
    </div></div>
    ${badge(page)}
    <div class="choices">
      <div class="range" role="group" aria-label="Time shown">${range("fine", "5 min")}${range("coarse", "1 hour")}</div>
      <button type="button" class="icon-button" aria-label=${dark ? "Light colours" : "Dark colours"} @click=${act.theme}>${icon(dark ? "sun" : "moon")}</button>
      <button type="button" class="button compact sign" @click=${act.sign}>${icon(signedIn ? "door" : "person")}<span>${signedIn ? "Sign out" : "Sign in"}</span></button>
    </div>`;
}
