/**
 * Which tab leads, by a Web Lock: held while the tab lives, and free the moment it is closed or crashes.
 *
 * A lock can be stolen from a tab that holds it and stands still. Whoever lost it hears so, and stands in line again.
 */

/**
 * @typedef {Pick<LockManager, "request">} Locks
 *
 * @typedef {object} Attempt
 * @property {AbortController} waiting  leaves the line
 * @property {() => void} release       gives up what it has
 * @property {Promise<void>} released
 */

export class Leadership {
  #locks;
  #name;
  #changed;
  #alone;
  /** @type {Attempt|null} */ #attempt = null;
  #held = false;

  /**
   * @param {{locks: Locks, name: string, changed: (leading: boolean) => void, alone: () => void}} options
   *   `alone`: called when the browser refuses locks to this page
   */
  constructor({ locks, name, changed, alone }) {
    this.#locks = locks;
    this.#name = name;
    this.#changed = changed;
    this.#alone = alone;
  }

  get held() {
    return this.#held;
  }

  /** Stands in line. */
  seek() {
    if (this.#attempt) return;
    const attempt = this.#begin();
    void this.#request(attempt, { signal: attempt.waiting.signal });
  }

  /** Leaves the line, or gives the lock to the next in it. */
  release() {
    const attempt = this.#attempt;
    this.#attempt = null;
    attempt?.waiting.abort();
    attempt?.release();
    this.#set(false);
  }

  /** Gives up what it may have lost without knowing, and stands in line again. */
  rejoin() {
    this.release();
    this.seek();
  }

  /**
   * Takes the lock from whoever has it. Of several tabs that want to, one does.
   * @param {() => boolean} still  asked when it is this tab's turn
   */
  async steal(still) {
    await this.#locks.request(`${this.#name}:takeover`, { ifAvailable: true }, async (turn) => {
      if (!turn || this.#held || !this.#attempt || !still()) return;
      this.#attempt.waiting.abort();
      const attempt = this.#begin();
      // Whoever is next to want it finds a leader that has said so.
      await new Promise((granted) => void this.#request(attempt, { steal: true }, granted));
    });
  }

  /** @returns {Attempt} */
  #begin() {
    let release = () => {};
    /** @type {Promise<void>} */
    const released = new Promise((resolve) => (release = resolve));
    this.#attempt = { waiting: new AbortController(), release, released };
    return this.#attempt;
  }

  /** @param {Attempt} attempt @param {LockOptions} options @param {(value?: unknown) => void} [granted] */
  async #request(attempt, options, granted = () => {}) {
    try {
      await this.#locks.request(this.#name, options, () => {
        if (this.#attempt === attempt) this.#set(true);
        else attempt.release();
        granted();
        return attempt.released;
      });
    } catch (error) {
      // `AbortError`: stolen, or we left the line ourselves; in that case another attempt or none is current.
      if (this.#attempt === attempt && /** @type {any} */ (error)?.name !== "AbortError") return this.#forbidden(error);
    } finally {
      granted();
    }
    if (this.#attempt !== attempt) return;
    this.#attempt = null;
    this.#set(false);
    this.seek();
  }

  /** No locks for this page (in a sandbox there are none): it stands for itself. One that is going away asks for nothing. @param {any} error */
  #forbidden(error) {
    if (error?.name !== "InvalidStateError") this.#alone();
  }

  /** @param {boolean} held */
  #set(held) {
    if (this.#held === held) return;
    this.#held = held;
    this.#changed(held);
  }
}
