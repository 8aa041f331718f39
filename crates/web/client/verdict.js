/** What the end of a transport's run means for the loop. */

import { Problem } from "./problem.js";

/**
 * @typedef {"signed-out"|"refused"|"superseded"|"cursor"|"unopened"|"broke"|"again"|"trouble"} VerdictKind
 *   `cursor`: the gateway cannot read it; `unopened`: this transport does not work here; `broke`: it did, until now;
 *   `again`: come back, after `pauseMs` if there is one; `trouble`: come back after a back-off.
 * @typedef {{kind: VerdictKind, reason?: string, pauseMs?: number, retryAfterMs?: number}} Verdict
 */

/** @type {Record<string, string>} */
const REASONS = {
  closed: "The connection broke",
  silent: "Nothing was heard for too long",
  superseded: "The session is in use elsewhere",
  drained: "The gateway is going down",
  paused: "The gateway asks for a pause",
  slow: "The gateway waited for this client for too long",
  overloaded: "The gateway has too much to do",
  "broker-unavailable": "The gateway cannot reach its broker",
};

/**
 * @param {import("./types.js").TransportName} name @param {import("./transport/leg.js").Outcome} outcome
 * @returns {Verdict}
 */
export function verdict(name, { ending, error }) {
  return ending ? ofEnding(ending) : ofError(name, error);
}

/** @param {import("./types.js").Ending} ending @returns {Verdict} */
function ofEnding({ why, pauseMs }) {
  const reason = REASONS[why] ?? `The gateway ended the stream (${why})`;
  if (why === "superseded") return { kind: "superseded", reason };
  if (why === "closed" || why === "silent") return { kind: "broke", reason };
  if (pauseMs && pauseMs > 0) return { kind: "again", pauseMs, reason };
  // A credential that ran out is found out by the next request, which renews it.
  const atOnce = ["confirm", "token-expired", "unauthenticated", "slow"].includes(why);
  return { kind: atOnce ? "again" : "trouble", reason };
}

/** @param {import("./types.js").TransportName} name @param {any} error @returns {Verdict} */
function ofError(name, error) {
  const reason = String(error?.message ?? error);
  if (!(error instanceof Problem)) return { kind: "trouble", reason };
  const { status, code, retryAfterMs } = error;
  if (status === 401) return { kind: "signed-out", reason };
  if (status === 403) return { kind: "refused", reason };
  if (name === "poll" || name === "sse") {
    if (status === 409) return { kind: "superseded", reason };
    if (status === 400) return { kind: "cursor", reason };
  }
  if (name !== "poll" && unopened(name, status, code)) return { kind: "unopened", reason, retryAfterMs };
  return { kind: "trouble", reason, retryAfterMs };
}

/**
 * Whether another transport may do better. What the gateway itself says of its own state holds for all of them, and a
 * WebSocket's ticket is asked for by a plain request: if that does not reach the gateway, polls do not either.
 * @param {"sse"|"ws"} name @param {number} status @param {string} code
 */
function unopened(name, status, code) {
  if (code === "token") return false;
  if (name === "ws") return code !== "network" && status !== 503;
  return code === "network" || code === "buffered" || code === "no-stream" || status === 404 || status === 405 || code.startsWith("http-");
}
