/** The big numbers. */

import { html, nothing } from "/operator/shared/vendor/lit-html/lit-html.js";

import { NONE, count, millis, rate, seconds } from "./format.js";
import { spark } from "./spark.js";
import { brokerWord } from "./state.js";

/** @typedef {import("./state.js").Page} Page */
/** @typedef {import("./record.js").Lines} Lines */

/** A minute of fine lines. */
const RECENT = 30;
const BROKER = { up: "Up", blocked: "Blocked", partly: "Partly up", away: "Away" };

/** @typedef {{name: string, value: string, more?: unknown, line?: (number | null)[], grade?: "good" | "warn" | "bad"}} Tile */

/** @param {Tile} tile */
const tile = ({ name, value, more, line, grade }) => html`<li class="tile card" data-grade=${grade ?? nothing}>
    <h3>${name}</h3>
    <p class="value">${value}</p>
    <p class="more quiet small">${more ?? nothing}</p>
    ${line ? spark(line) : nothing}
  </li>`;

/** @param {Page} page @param {Lines} record @returns {Tile[]} */
function all({ state }, record) {
  const now = (/** @type {string} */ name) => record.now(name);
  const line = (/** @type {string} */ name) => record.recent(name, RECENT);
  const several = (state?.instances.filter(({ standing }) => standing === "here" || standing === "late").length ?? 0) > 1;
  const ofAll = (/** @type {string} */ text) => (several ? html`${text} at all gateways` : nothing);
  const streams = now("streams");
  const broker = state ? brokerWord(state.clusters) : null;
  return [
    { name: "Held polls", value: count(now("held")), line: line("held"), more: html`${streams ? `and ${count(streams)} streams` : nothing}${several ? ofAll(`${streams ? ", " : ""}${count(now("all_held"))}`) : nothing}` },
    { name: "Messages sent", value: `${rate(now("sends"))}/s`, line: line("sends"), more: ofAll(`${rate(now("all_sends"))}/s`) },
    { name: "Deliveries", value: `${rate(now("deliveries"))}/s`, line: line("deliveries"), more: ofAll(`${rate(now("all_deliveries"))}/s`) },
    { name: "Send, 99 of 100", value: millis(now("send_p99_ms")), line: line("send_p99_ms"), more: html`half within ${millis(now("send_p50_ms"))}` },
    { name: "Delivery, 99 of 100", value: millis(now("delivery_p99_ms")), line: line("delivery_p99_ms"), more: html`half within ${millis(now("delivery_p50_ms"))}` },
    { name: "Oldest in the outbox", value: seconds(now("outbox_oldest_s")), line: line("outbox_oldest_s"), more: html`${count(now("outbox_rows"))} ${now("outbox_rows") === 1 ? "event waits" : "events wait"} for ${state?.embedded_broker ? "readers" : "RabbitMQ"}` },
    { name: state?.embedded_broker ? "Broker, in this process" : "RabbitMQ", value: broker ? BROKER[broker] : NONE, grade: !broker ? undefined : broker === "up" ? "good" : "bad", more: state && state.clusters.length > 1 ? `${state.clusters.filter(({ up }) => up).length} of ${state.clusters.length} clusters` : state && !state.embedded_broker ? html`<span class="cut block">${state.clusters[0]?.name}</span>` : nothing },
    { name: "Database", value: state ? (state.store_up ? "Up" : "Away") : NONE, grade: !state ? undefined : state.store_up ? "good" : "bad" },
  ];
}

/** @param {Page} page @param {Lines} record */
export const tiles = (page, record) => html`<ul class="tile-list">${all(page, record).map(tile)}</ul>`;
