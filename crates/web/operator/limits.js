/** The bounds that are used most. */

import { html, nothing } from "/operator/shared/vendor/lit-html/lit-html.js";

import { count } from "./format.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {State["limits"][number]} Limit */

const SHOWN = 8;
const NEAR = 0.8;

/** @param {Limit} limit */
const part = ({ most, used }) => (most > 0 ? Math.min(1, (used ?? 0) / most) : 0);

/** Those first that were met lately, then the fullest. @param {Limit[]} limits @returns {Limit[]} */
export function fullest(limits) {
  return limits
    .filter(({ used, met }) => used !== null || met > 0)
    .sort((a, b) => Number(b.met > 0) - Number(a.met > 0) || part(b) - part(a) || a.name.localeCompare(b.name))
    .slice(0, SHOWN);
}

/** @param {Limit} limit */
const row = (limit) => html`<li class="limit" data-near=${limit.met > 0 || part(limit) >= NEAR ? "yes" : nothing}>
    <span class="cut"><code>${limit.name}</code></span>
    <span class="number">${count(limit.used)} of ${count(limit.most)}${limit.met > 0 ? html`, <b>met ${count(limit.met)}×</b>` : nothing}</span>
    <meter aria-label=${limit.name} min="0" max="1" low=${NEAR} high="0.95" optimum="0" value=${part(limit)}>${Math.round(part(limit) * 100)} %</meter>
  </li>`;

/** @param {{state: State | null}} page */
export const limits = ({ state }) => html`<h2 id="limits-title">Limits</h2>
  <div class="card pad"><ul class="limit-list">${fullest(state?.limits ?? []).map(row)}</ul>
    <p class="hint">Those of this gateway that are used most; “met” counts the last five minutes. All of them stand in <a href="/metrics">/metrics</a>.</p></div>`;
