/**
 * Which transport to use: the best one that works here.
 *
 * Rules it lives by:
 * - a transport that does not open, or breaks twice within 30 s, makes room for the next one;
 * - that counts against it only once a worse one has worked: when none works, it is the gateway that is away;
 * - it is tried again after 1, 2, 4 ... 30 minutes, and whenever the network comes back.
 */

const EARLY_MS = 30_000;
const FIRST_RETRY_MS = 60_000;
const MOST_RETRY_MS = 30 * 60_000;

/** @typedef {import("../types.js").TransportName} TransportName */

/** @type {Record<import("../types.js").TransportChoice, TransportName[]>} */
const ORDER = { poll: ["poll"], sse: ["sse", "poll"], ws: ["ws", "poll"], auto: ["ws", "sse", "poll"] };

export class Choice {
  #order;
  /** @type {Map<TransportName, {lastBreak: number, retryMs: number, retryAt: number}>} */ #notes = new Map();
  /** Those that did not open since one did. @type {Set<TransportName>} */ #failed = new Set();
  #current = 0;

  /** @param {import("../types.js").TransportChoice} choice */
  constructor(choice) {
    const order = ORDER[choice];
    if (!order) throw new TypeError(`There is no transport ${choice}`);
    this.#order = order;
    for (const name of order) this.#notes.set(name, { lastBreak: -Infinity, retryMs: 0, retryAt: 0 });
  }

  /** @returns {TransportName} */
  get current() {
    return this.#order[this.#current];
  }

  /** @param {TransportName} name */
  opened(name) {
    const place = this.#order.indexOf(name);
    // Now it is known that the gateway is there: those that failed on the way here failed by themselves.
    for (const failed of this.#failed) if (this.#order.indexOf(failed) < place) this.#postpone(failed);
    this.#failed.clear();
    this.#current = place;
  }

  /**
   * It could not be opened. The next one is to be tried at once, if there is one left.
   * @param {TransportName} name @returns {boolean} whether there is one
   */
  unopened(name) {
    this.#failed.add(name);
    return this.#down();
  }

  /**
   * It was open, and broke. @param {TransportName} name @param {number} livedMs
   * @returns {boolean} whether another one is to be tried at once
   */
  broke(name, livedMs) {
    const note = this.#note(name);
    const now = Date.now();
    if (livedMs >= FIRST_RETRY_MS) note.retryMs = 0;
    const again = livedMs < EARLY_MS && now - note.lastBreak < EARLY_MS;
    note.lastBreak = livedMs < EARLY_MS ? now : -Infinity;
    if (!again || this.#current === this.#order.length - 1) return false;
    this.#failed.add(name);
    return this.#down();
  }

  /** A try at a better one beside the current one came to nothing. @param {TransportName} name */
  refused(name) {
    this.#postpone(name);
  }

  /** None of them opened, or the network is another one: begin with the best that is not known to fail here. */
  begin() {
    this.#failed.clear();
    const now = Date.now();
    this.#current = this.#order.findIndex((name, place) => place === this.#order.length - 1 || this.#note(name).retryAt <= now);
  }

  /** The network came back: it may be another one, where all of them work. */
  forgive() {
    for (const note of this.#notes.values()) note.retryAt = 0;
  }

  /** The better one that is next to be tried, and when. @returns {{name: TransportName, inMs: number}|null} */
  better() {
    const now = Date.now();
    const ahead = this.#order.slice(0, this.#current).map((name) => ({ name, inMs: Math.max(0, this.#note(name).retryAt - now) }));
    return ahead.reduce((best, one) => (best && best.inMs <= one.inMs ? best : one), /** @type {any} */ (null));
  }

  #down() {
    if (this.#current < this.#order.length - 1) {
      this.#current += 1;
      return true;
    }
    this.begin();
    return false;
  }

  /** @param {TransportName} name */
  #postpone(name) {
    const note = this.#note(name);
    note.retryMs = Math.min(note.retryMs ? note.retryMs * 2 : FIRST_RETRY_MS, MOST_RETRY_MS);
    note.retryAt = Date.now() + note.retryMs;
  }

  /** @param {TransportName} name */
  #note(name) {
    return /** @type {{lastBreak: number, retryMs: number, retryAt: number}} */ (this.#notes.get(name));
  }
}
