/**
 * How long what was read may be shown as it is: a short time by itself, a long one when events have kept it up to
 * date ever since it was read.
 */

/** @typedef {{roomsMs: number, messagesMs: number, liveMs: number}} Times */

export class Freshness {
  /** @type {Times} */ times;
  #live = false;
  /** Since when no event can have been missed. @type {number|null} */ #fedSince = null;
  #missedAt = -Infinity;

  /** @param {Partial<Times>} [times] */
  constructor(times = {}) {
    this.times = { roomsMs: 10_000, messagesMs: 5_000, liveMs: 60_000, ...times };
  }

  get live() {
    return this.#live;
  }

  /** The loop came to be live or ceased to be. Events wait in the mailbox meanwhile: a pause alone misses nothing. */
  set live(live) {
    this.#live = live;
    if (live) this.#fedSince ??= Date.now();
  }

  /** Events may have been missed: what was read until now is good for nothing. */
  missed() {
    this.#missedAt = Date.now();
    this.#fedSince = this.#live ? this.#missedAt : null;
  }

  /** How old an answer of another tab may be: never from before something was missed. @param {number} ms */
  atMost(ms) {
    return Math.max(0, Math.min(ms, Date.now() - this.#missedAt));
  }

  /**
   * @param {number} at when it was read @param {number} ms how long that is good without events
   * @param {boolean} [told] whether this user is told of what happens there
   */
  good(at, ms, told = true) {
    const age = Date.now() - at;
    const fed = told && this.#live && this.#fedSince !== null && at >= this.#fedSince;
    return age >= 0 && age < (fed ? Math.max(ms, this.times.liveMs) : ms);
  }
}
