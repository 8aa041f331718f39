/**
 * How a room came to an agent, which no event says: taken on this page, or taken from those that wait (by the same agent
 * on another page, or in the agent's name), or handed over by somebody who had it.
 *
 * @typedef {import("../../../../crates/web/client/pollgate.js").Room} Room
 */

export class Hands {
  #me;
  /** Taken on this page; that they are the agent's now is no news. @type {Set<string>} */ #taken = new Set();
  /** Waited until they became the agent's. @type {Set<string>} */ #waited = new Set();

  /** @param {string} me */
  constructor(me) {
    this.#me = me;
  }

  /** This page takes it: said before the gateway is asked, for its events may be faster than its answer. @param {string} id */
  takes(id) {
    this.#taken.add(id);
  }

  /** It was not to be had, or was given away. @param {string} id */
  lost(id) {
    this.#taken.delete(id);
    this.#waited.delete(id);
  }

  /**
   * @param {Room} room as an event tells of it @param {string} type @param {boolean} waited whether it was known to wait
   * @returns {"taken"|"waited"|"given"|null} how the room came, when it has just come
   */
  told(room, type, waited) {
    if (room.assignee !== this.#me) {
      // Nobody's: what is being taken may still be told of as it was before.
      if (room.assignee !== null) this.lost(room.id);
      return null;
    }
    if (waited) this.#waited.add(room.id);
    if (type !== "room.created") return null;
    const taken = this.#taken.has(room.id);
    const fromQueue = this.#waited.has(room.id);
    this.lost(room.id);
    return taken ? "taken" : fromQueue ? "waited" : "given";
  }
}
