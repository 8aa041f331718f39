/** How old an event is, whatever the clock of this machine says. */

const BELIEVED_MS = 60_000;
const FORGET_MS = 3_600_000;

export class ServerTime {
  /** This clock less the gateway's, and the quickest way that was seen. @type {number|null} */ #ahead = null;
  #heard = 0;

  /**
   * Call it for each event, when it comes.
   * @param {string} at @param {boolean} settled  no event can have waited: the loop has been live for some time
   * @returns {number} its age in milliseconds, 0 or more
   */
  age(at, settled) {
    const now = Date.now();
    const since = now - Date.parse(at);
    if (!Number.isFinite(since)) return 0;
    // A clock that drifts or was set is learnt anew.
    if (now - this.#heard > FORGET_MS) this.#ahead = null;
    this.#heard = now;
    // An old event looks like a clock that is wrong; while events may have waited, a minute is what it may be wrong by.
    if (this.#ahead === null && !settled && since > BELIEVED_MS) return since;
    this.#ahead = Math.min(this.#ahead ?? since, since);
    return since - this.#ahead;
  }
}
