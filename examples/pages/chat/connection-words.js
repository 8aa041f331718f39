/** What the state of the connection means to somebody who only wants to write. Pure. */

const TRANSPORTS = new Map([["ws", "WebSocket"], ["sse", "event stream"], ["poll", "long poll"]]);

/**
 * @param {{state: string, transport?: string, retryInMs?: number | null, reason?: string | null}} info
 * @returns {{short: string, long: string, action: "" | "now" | "here" | "sign-in", tone: "good" | "warn" | "bad" | "quiet"}}
 */
export function connectionWords({ state, transport = "", reason }) {
  switch (state) {
    case "live":
      return { short: "Connected", long: `Connected by ${TRANSPORTS.get(transport) ?? (transport || "another tab")}`, action: "", tone: "good" };
    case "idle":
    case "connecting":
      return { short: "Connecting …", long: "Connecting to the gateway …", action: "", tone: "quiet" };
    case "waiting":
      return { short: "Reconnecting", long: sentence(reason) || "The connection was lost.", action: "now", tone: "warn" };
    case "offline":
      return { short: "Offline", long: "You are offline. What you write is sent when you are back.", action: "now", tone: "warn" };
    case "superseded":
      return { short: "Open elsewhere", long: "This session goes on in another window.", action: "here", tone: "bad" };
    case "signed-out":
      return { short: "Signed out", long: "You are signed out: your token is not good any more.", action: "sign-in", tone: "bad" };
    default:
      return { short: "Refused", long: sentence(reason) || "The gateway does not let this page in.", action: "sign-in", tone: "bad" };
  }
}

/** @param {string | null | undefined} text */
const sentence = (text) => (text && !/[.!?…]$/.test(text) ? `${text}.` : text);

/** Whether what is known of the others may be told as the present: nobody knows while nothing comes in. @param {string} state */
export function knowsPresence(state) {
  return state === "live" || state === "connecting" || state === "idle";
}

/** @param {number} until @param {number} [now] @returns {number} whole seconds left, at least 0 */
export function secondsLeft(until, now = Date.now()) {
  return Math.max(0, Math.ceil((until - now) / 1000));
}
