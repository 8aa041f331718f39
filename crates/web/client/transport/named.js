/** The transports there are, each made by its name. */

import { Poll } from "./poll.js";
import { Sse } from "./sse.js";
import { Ws } from "./ws.js";

/**
 * @param {import("../types.js").TransportName} name
 * @param {object} options
 * @param {import("../api.js").Api} options.api
 * @param {string} options.session
 * @param {boolean} [options.presence]
 * @param {typeof globalThis.WebSocket} [options.WebSocket]
 * @param {() => boolean} options.hidden  whether nobody sees the page: its timers may come late, so a WebSocket confirms without one
 * @returns {import("../types.js").Transport}
 */
export function transportNamed(name, { api, session, presence, WebSocket, hidden }) {
  if (name === "poll") return new Poll({ api, session, presence });
  if (name === "sse") return new Sse({ api, session, presence });
  return new Ws({ api, session, presence, WebSocket, hidden });
}
