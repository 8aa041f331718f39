/** What is wrong, in the gateway's own words, on top of everything else. */

import { html, nothing } from "/operator/shared/vendor/lit-html/lit-html.js";
import { repeat } from "/operator/shared/vendor/lit-html/directives/repeat.js";
import { icon } from "/operator/shared/common/icons.js";

/** @typedef {import("./state.js").Finding} Finding */
/** @typedef {import("./state.js").Page} Page */

const DOCS = "https://github.com/pollgate/pollgate/blob/main/docs/";
const GRADES = { bad: "Now", warn: "Soon", info: "Note" };

/** Words between backquotes are code. @param {string} text */
const words = (text) => text.split("`").map((part, place) => (place % 2 ? html`<code>${part}</code>` : part));

/** @param {Finding} finding */
const one = ({ severity, title, detail, meaning, action, docs }) => html`<li class="finding" data-severity=${severity}>
    <div class="finding-head">${icon(severity === "info" ? "info" : "alert")}<h3>${title}</h3><span class="grade">${GRADES[severity]}</span></div>
    <p class="detail">${detail}</p>
    <p>${words(meaning)}</p>
    <p><b>What to do:</b> ${words(action)} <a href="${DOCS}${docs}" target="_blank" rel="noreferrer">More in the documentation<span class="unseen"> (opens a new tab)</span></a></p>
  </li>`;

/** @param {Page} page */
export function findings({ state, standing }) {
  if (!state) return html`<h2 id="findings-title" class="unseen">What is wrong</h2>`;
  const stale = standing !== "live";
  const { findings: all } = state;
  const calm = html`<p class="calm card" role="status">${icon("check")}<span>${stale ? "Nothing was wrong when it was last heard of." : "Nothing is wrong."}</span></p>`;
  const told = html`<ul class="finding-list" aria-live="polite">${repeat(all, ({ code }) => code, one)}</ul>`;
  return html`<h2 id="findings-title" class="unseen">What is wrong</h2>
    ${stale ? away(standing) : nothing}
    ${all.length > 0 ? told : calm}`;
}

/** @param {Page["standing"]} standing */
const away = (standing) => html`<p class="finding card" data-severity="warn">
    ${standing === "refused"
      ? "The gateway wants its operator token (http.operator_token), or a token with the scope operator. Sign in to go on."
      : "This page hears nothing from the gateway. What it shows is old. It connects again by itself."}
  </p>`;
