/** What the page knows, and the shapes in which the gateway tells it. */

/**
 * @typedef {object} Finding
 * @property {string} code
 * @property {"bad" | "warn" | "info"} severity
 * @property {string} title
 * @property {string} detail
 * @property {string} meaning
 * @property {string} action
 * @property {string} docs
 */

/**
 * @typedef {object} Report
 * @property {string} name
 * @property {string} version
 * @property {string} public
 * @property {string} operator
 * @property {number} started_ms
 * @property {boolean} draining
 * @property {number} held
 * @property {number} streams
 * @property {number} sends
 * @property {number} deliveries
 * @property {number | null} send_p99_ms
 * @property {number | null} delivery_p99_ms
 * @property {number} outbox_rows
 * @property {string} broker
 * @property {string[]} findings
 */

/**
 * @typedef {object} Instance
 * @property {string} id
 * @property {boolean} own
 * @property {"here" | "late" | "stopped" | "gone"} standing
 * @property {number} heard_s
 * @property {number | null} clock_ms
 * @property {Report | null} report
 */

/**
 * @typedef {object} State
 * @property {number} at_ms
 * @property {boolean} draining
 * @property {boolean} store_up
 * @property {boolean} embedded_broker
 * @property {{name: string, up: boolean, blocked: boolean}[]} clusters
 * @property {{name: string, most: number, used: number | null, met: number}[]} limits
 * @property {{alarming: number, deepest: number, alarm_depth: number} | null} depth
 * @property {Instance[]} instances
 * @property {Finding[]} findings
 */

/** @typedef {{instance: string, name: string, version: string, started_ms: number, fine_ms: number}} Hello */
/** @typedef {"connecting" | "live" | "away" | "refused"} Standing */

/**
 * @typedef {object} Page
 * @property {Hello | null} hello
 * @property {State | null} state
 * @property {Standing} standing
 * @property {number | null} lastMs when the gateway was heard last, by this machine's clock
 * @property {boolean} draining
 * @property {boolean} signedIn
 * @property {"fine" | "coarse"} step
 */

/** @returns {Page} */
export const beginning = () => ({
  hello: null,
  state: null,
  standing: "connecting",
  lastMs: null,
  draining: false,
  signedIn: false,
  step: "fine",
});

/** All clusters in a word. @param {State["clusters"]} clusters @returns {"up" | "blocked" | "partly" | "away"} */
export function brokerWord(clusters) {
  const up = clusters.filter((cluster) => cluster.up).length;
  if (up === 0) return "away";
  if (up < clusters.length) return "partly";
  return clusters.some(({ blocked }) => blocked) ? "blocked" : "up";
}
