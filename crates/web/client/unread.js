/** What is unread, over all rooms that are known. */

/** @typedef {import("./model.js").Room} Room */

export class Unread {
  #told = -1;
  #toldRooms = -1;
  #rooms;
  #user;

  /** @param {{user: string, rooms: () => Iterable<Room>}} options */
  constructor({ user, rooms }) {
    this.#user = user;
    this.#rooms = rooms;
  }

  /** @returns {{total: number, rooms: number}} messages, and in how many rooms */
  count() {
    let total = 0;
    let rooms = 0;
    for (const room of this.#rooms()) {
      if (room.unread <= 0 || !room.members.includes(this.#user)) continue;
      total += room.unread;
      rooms += 1;
    }
    return { total, rooms };
  }

  /** What there is to tell, if it changed. */
  change() {
    const { total, rooms } = this.count();
    if (total === this.#told && rooms === this.#toldRooms) return null;
    this.#told = total;
    this.#toldRooms = rooms;
    return { total, rooms };
  }
}
