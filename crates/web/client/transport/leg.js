/** One run of a transport, from its beginning to its end. */

import { joined } from "../clock.js";

/** @typedef {{ending: import("../types.js").Ending, error?: undefined} | {ending?: undefined, error: any}} Outcome */

export class Leg {
  #end;
  #release;
  isOpen = false;
  #openedAt = 0;

  /**
   * @param {import("../types.js").Transport} transport
   * @param {Omit<import("../types.js").LegOptions, "signal"> & {signal: AbortSignal}} options
   */
  constructor(transport, { signal, opened, ...options }) {
    const both = joined([signal]);
    this.#end = both.abort;
    this.#release = both.release;
    this.signal = both.signal;
    this.transport = transport;
    /** @type {Promise<void>} */
    this.opened = new Promise((resolve) => {
      this.#tellOpened = resolve;
    });
    const open = () => {
      if (!this.isOpen) {
        this.isOpen = true;
        this.#openedAt = Date.now();
        this.#tellOpened();
      }
      // Also when it was open before: a poll that is answered after a failure says that all is well.
      opened();
    };
    const run = Promise.resolve().then(() => transport.run({ ...options, opened: open, signal: both.signal }));
    /** Never rejects. @type {Promise<Outcome>} */
    this.done = run.then((ending) => ({ ending }), (error) => ({ error })).finally(this.#release);
  }

  /** @type {() => void} */ #tellOpened = () => {};

  get name() {
    return this.transport.name;
  }

  get livedMs() {
    return this.isOpen ? Date.now() - this.#openedAt : 0;
  }

  end() {
    this.#end();
  }
}
