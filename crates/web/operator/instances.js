/** The gateways: this one, those beside it, and those that left lately. */

import { html, nothing } from "/operator/shared/vendor/lit-html/lit-html.js";
import { repeat } from "/operator/shared/vendor/lit-html/directives/repeat.js";

import { NONE, clockOffset, count, millis, rate, seconds } from "./format.js";

/** @typedef {import("./state.js").Instance} Instance */
/** @typedef {import("./state.js").Page} Page */

const STANDINGS = { here: "At work", late: "Silent", stopped: "Stopped", gone: "Gone" };
const GRADES = { here: "good", late: "warn", stopped: "", gone: "bad" };
/** Further apart than tokens allow by default. */
const APART_MS = 5000;

/** @param {Instance} one @param {number} nowMs */
function row({ id, own, standing, heard_s, clock_ms, report }, nowMs) {
  const here = standing === "here" || standing === "late";
  const draining = here && report?.draining;
  const troubles = here ? (report?.findings.length ?? 0) : 0;
  const figure = (/** @type {string} */ text) => (here && report ? text : NONE);
  return html`<tr data-standing=${standing}>
    <th scope="row"><span class="name">${report?.name || id}</span>${own ? html` <span class="tag">this one</span>` : nothing}
      <span class="quiet small block">${report ? html`${report.public} · operators: ${address(report.operator, own)}` : "an older version, which says nothing of itself"}</span></th>
    <td data-label="State"><span class="state" data-grade=${draining ? "warn" : GRADES[standing]}>${draining ? "Stopping" : STANDINGS[standing]}</span>
      <span class="quiet small block">${here ? html`heard ${seconds(Math.max(0, heard_s))} ago` : nothing}${troubles > 0 && !own ? html`, ${troubles} ${troubles === 1 ? "trouble" : "troubles"}` : nothing}</span></td>
    <td data-label="Version">${report?.version ?? NONE}<span class="quiet small block">${here && report ? `up ${seconds(Math.max(0, nowMs - report.started_ms) / 1000)}` : nothing}</span></td>
    <td data-label="Held" class="number">${figure(count((report?.held ?? 0) + (report?.streams ?? 0)))}</td>
    <td data-label="Sent/s" class="number">${figure(rate(report?.sends))}</td>
    <td data-label="Delivered/s" class="number">${figure(rate(report?.deliveries))}</td>
    <td data-label="Delivery 99 %" class="number">${figure(millis(report?.delivery_p99_ms))}</td>
    <td data-label="Outbox" class="number">${figure(count(report?.outbox_rows))}</td>
    <td data-label="Clock" class="number"><span class="state" data-grade=${here && clock_ms !== null && Math.abs(clock_ms) > APART_MS ? "warn" : ""}>${here && clock_ms !== null ? clockOffset(clock_ms) : NONE}</span></td>
  </tr>`;
}

/** @param {string} operator @param {boolean} own */
function address(operator, own) {
  const url = `http://${operator}/`;
  return own || !URL.canParse(url) ? operator : html`<a href=${url} target="_blank" rel="noreferrer">${operator}<span class="unseen"> (opens a new tab)</span></a>`;
}

/** @param {Instance[]} all */
function sum(all) {
  const reports = all.filter(({ standing }) => standing === "here" || standing === "late").flatMap(({ report }) => (report ? [report] : []));
  if (reports.length < 2) return nothing;
  const total = (/** @type {(report: import("./state.js").Report) => number} */ of) => reports.reduce((sum, report) => sum + of(report), 0);
  return html`<tfoot><tr>
    <th scope="row">All ${reports.length} together</th><td></td><td></td>
    <td data-label="Held" class="number">${count(total(({ held, streams }) => held + streams))}</td>
    <td data-label="Sent/s" class="number">${rate(total(({ sends }) => sends))}</td>
    <td data-label="Delivered/s" class="number">${rate(total(({ deliveries }) => deliveries))}</td>
    <td></td>
    <td data-label="Outbox" class="number">${count(total(({ outbox_rows: rows }) => rows))}</td><td></td>
  </tr></tfoot>`;
}

/** @param {Page} page */
export function instances({ state }) {
  const all = state?.instances ?? [];
  const now = state?.at_ms ?? 0;
  return html`<h2 id="instances-title">Gateways</h2>
    <div class="card table-card"><table class="wide">
      <thead><tr><th scope="col">Gateway</th><th scope="col">State</th><th scope="col">Version</th><th scope="col" class="number">Held</th><th scope="col" class="number">Sent/s</th><th scope="col" class="number">Delivered/s</th><th scope="col" class="number">Delivery 99 %</th><th scope="col" class="number">Outbox</th><th scope="col" class="number">Clock</th></tr></thead>
      <tbody>${repeat(all, ({ id }) => id, (one) => row(one, now))}</tbody>
      ${sum(all)}
    </table></div>`;
}
