/** How a connection stands. */

/** @typedef {Omit<import("./types.js").ConnectionInfo, "leader">} OwnInfo */

/** Before it begins, and after it was stopped. @param {import("./types.js").TransportName} [transport] @returns {OwnInfo} */
export function idle(transport = "poll") {
  return { state: "idle", transport, since: Date.now(), attempt: 0, retryInMs: null, reason: null, lastEventAt: null };
}
