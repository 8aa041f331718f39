/** What a log shows besides messages, and a day of them. */

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { repeat } from "../../vendor/lit-html/directives/repeat.js";

import { icon } from "../icons.js";
import { entryTemplate } from "./entry.js";

/** @param {import("./rows.js").Day} day @param {import("./entry.js").EntryView} view */
export function dayTemplate({ label, rows }, view) {
  return html`<div class="day">
    <div class="day-line" role="separator" aria-label=${label}><span>${label}</span></div>
    ${repeat(rows, ({ key }) => key, (row) => rowTemplate(row, view))}
  </div>`;
}

/** @param {import("./rows.js").Row} row @param {import("./entry.js").EntryView} view */
function rowTemplate(row, view) {
  if (row.kind === "entry") return entryTemplate(row, view);
  if (row.kind === "note") return html`<p class="note" data-note=${row.note.key}><span>${row.note.text}</span></p>`;
  return html`<div class="new-line" role="separator" aria-label="New messages"><span>New messages</span></div>`;
}

/** @param {boolean} loading */
export function olderLine(loading) {
  return html`<div class="log-top">${loading ? html`<span class="spinner"></span><span class="unseen">Loading older messages</span>` : nothing}</div>`;
}

export function beginning() {
  return html`<p class="log-top quiet small">This is where it began.</p>`;
}

export function nothingYet() {
  return html`<div class="log-empty">${icon("chat")}<p>Nothing here yet.</p><p class="quiet small">The first message is yours.</p></div>`;
}

/** @param {() => void} again */
export function notLoaded(again) {
  return html`<div class="log-empty">${icon("alert")}<p>The messages could not be loaded.</p>
    <button type="button" class="button" @click=${again}>Try again</button></div>`;
}

/** Whether it shows is set by who knows where the reader is. @param {number} count new messages below @param {() => void} jump */
export function jumpButton(count, jump) {
  const name = count > 0 ? `Jump to the end, ${count} new` : "Jump to the end";
  return html`<button type="button" class="log-jump" aria-label=${name} title=${name} @click=${jump}>${icon("down")}${
    count > 0 ? html`<span class="badge">${count > 99 ? "99+" : count}</span>` : nothing}</button>`;
}

/** The shape of what is to come, while it is loaded. */
export function skeleton() {
  return html`<div class="log-skeleton" role="status"><span class="unseen">Loading messages</span>
    ${["a", "b", "c mine", "d", "e mine", "f"].map((name) => html`<span class="bone ${name}"></span>`)}</div>`;
}
