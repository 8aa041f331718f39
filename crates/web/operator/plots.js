/** Which plots there are, and what stands in each. */

import { count, millis, rate, seconds } from "./format.js";

/**
 * @typedef {object} Plot
 * @property {string} key
 * @property {string} title
 * @property {(value: number | null | undefined) => string} format
 * @property {{field: string, name: string, colour: number, dash?: boolean, onlySeveral?: boolean}[]} lines
 * @property {number} least the scale goes up to this at least
 */

/** @type {Plot[]} */
export const PLOTS = [
  {
    key: "held", title: "Held polls and streams", format: count, least: 4,
    lines: [
      { field: "held", name: "Polls", colour: 1 },
      { field: "streams", name: "Streams", colour: 2 },
      { field: "all_held", name: "Polls, all gateways", colour: 4, dash: true, onlySeveral: true },
    ],
  },
  {
    key: "rates", title: "Messages and deliveries a second", format: rate, least: 1,
    lines: [
      { field: "sends", name: "Sent", colour: 1 },
      { field: "deliveries", name: "Delivered", colour: 2 },
      { field: "all_sends", name: "Sent, all gateways", colour: 4, dash: true, onlySeveral: true },
    ],
  },
  {
    key: "send", title: "Time to store a message", format: millis, least: 5,
    lines: [
      { field: "send_p50_ms", name: "Half", colour: 2 },
      { field: "send_p95_ms", name: "95 %", colour: 1 },
      { field: "send_p99_ms", name: "99 %", colour: 3 },
    ],
  },
  {
    key: "delivery", title: "Time from accepted to answered", format: millis, least: 5,
    lines: [
      { field: "delivery_p50_ms", name: "Half", colour: 2 },
      { field: "delivery_p95_ms", name: "95 %", colour: 1 },
      { field: "delivery_p99_ms", name: "99 %", colour: 3 },
    ],
  },
  {
    key: "outbox", title: "Age of the oldest in the outbox", format: seconds, least: 2,
    lines: [{ field: "outbox_oldest_s", name: "Oldest", colour: 3 }],
  },
  {
    key: "depth", title: "The deepest mailbox", format: count, least: 10,
    lines: [
      { field: "deepest", name: "Waiting in it", colour: 1 },
      { field: "alarming", name: "Mailboxes in alarm", colour: 3 },
    ],
  },
  {
    key: "polls", title: "Polls answered a second", format: rate, least: 1,
    lines: [{ field: "polls", name: "Answered", colour: 1 }],
  },
  {
    key: "refused", title: "Turned away a second", format: rate, least: 1,
    lines: [
      { field: "throttled", name: "Throttled", colour: 1 },
      { field: "refused", name: "At a limit", colour: 3 },
    ],
  },
];
