/** Ids met lately; bounded, the oldest goes first. */
export class Seen {
  /** @type {Set<string>} */ #ids = new Set();
  #most;

  /** @param {number} [most] */
  constructor(most = 4_000) {
    this.#most = most;
  }

  /** @param {string|undefined} id @returns {boolean} whether it is new; what has no id always is */
  add(id) {
    if (id === undefined) return true;
    if (this.#ids.has(id)) return false;
    this.#ids.add(id);
    if (this.#ids.size > this.#most) this.#ids.delete(/** @type {string} */ (this.#ids.values().next().value));
    return true;
  }
}
