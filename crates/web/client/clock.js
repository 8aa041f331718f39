/**
 * Waiting.
 *
 * Browsers slow the timers of hidden tabs down to one a second or a minute: a timer may be late, and nothing that must be
 * on time may hang on one.
 */

/**
 * Ends early, without an error, when aborted.
 * @param {number} ms @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
export function pause(ms, signal) {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}

/** A pause that can be cut short. */
export class Nap {
  /** @type {{abort: () => void, firm: boolean}|null} */ #current = null;

  /** @param {number} ms @param {AbortSignal} signal @param {boolean} firm  only `end()` cuts it short */
  async take(ms, signal, firm) {
    const both = joined([signal]);
    const current = { abort: both.abort, firm };
    this.#current = current;
    await pause(ms, both.signal);
    both.release();
    if (this.#current === current) this.#current = null;
  }

  end() {
    this.#current?.abort();
  }

  endUnlessFirm() {
    if (!this.#current?.firm) this.end();
  }
}

/** Wakes whoever waits for a change. */
export class Bell {
  /** @type {Set<() => void>} */ #waiting = new Set();

  ring() {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    waiting.forEach((wake) => wake());
  }

  /**
   * Until it rings, the time is up, or the signal says so.
   * @param {AbortSignal} signal @param {number} [ms]
   * @returns {Promise<void>}
   */
  async heard(signal, ms = Infinity) {
    const both = joined([signal]);
    const wake = () => both.abort();
    this.#waiting.add(wake);
    await (ms === Infinity ? aborted(both.signal) : pause(ms, both.signal));
    this.#waiting.delete(wake);
    both.release();
  }
}

/** @param {AbortSignal} signal @returns {Promise<void>} */
export function aborted(signal) {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** An alarm that goes off once nothing was heard for a time. */
export class Silence {
  /** @type {ReturnType<typeof setTimeout>|undefined} */ #timer;
  #ring;

  /** @param {() => void} ring */
  constructor(ring) {
    this.#ring = ring;
  }

  /** Something was heard: count anew. @param {number} ms */
  within(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#ring, ms);
  }

  stop() {
    clearTimeout(this.#timer);
  }
}

/**
 * One signal out of several. `AbortSignal.any` would do, if it were everywhere by now; this one lets go of its parents.
 * @param {(AbortSignal|undefined|null)[]} parents
 * @returns {{signal: AbortSignal, abort: (reason?: unknown) => void, release: () => void}}
 */
export function joined(parents) {
  const own = new AbortController();
  const release = () => watched.forEach(([parent, listener]) => parent.removeEventListener("abort", listener));
  const watched = parents
    .filter((parent) => parent instanceof AbortSignal)
    .map((parent) => {
      const listener = () => own.abort(parent.reason);
      if (parent.aborted) listener();
      else parent.addEventListener("abort", listener, { once: true });
      return /** @type {const} */ ([parent, listener]);
    });
  return { signal: own.signal, abort: (reason) => own.abort(reason), release };
}
