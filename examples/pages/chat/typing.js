/** Who is typing in which room, for the list: forgotten 5 s after the last word of it. */

const FORGET_MS = 5000;

export class TypingList extends EventTarget {
  /** @type {Map<string, Map<string, ReturnType<typeof setTimeout>>>} */ #rooms = new Map();

  /** @param {any} event the gateway's `typing` */
  take({ room, data, at }) {
    const left = FORGET_MS - Math.max(0, Date.now() - Date.parse(at));
    // A clock that is off by more than that would hide all typing: then the event's arrival counts.
    if (data.typing) this.#add(room, data.user, left > 0 && left <= FORGET_MS ? left : FORGET_MS);
    else this.forget(room, data.user);
  }

  /** @param {string} room @returns {string[]} */
  in(room) {
    return [...(this.#rooms.get(room)?.keys() ?? [])];
  }

  /** @param {string} room @param {string} user */
  forget(room, user) {
    const users = this.#rooms.get(room);
    if (!users?.has(user)) return;
    clearTimeout(users.get(user));
    users.delete(user);
    if (users.size === 0) this.#rooms.delete(room);
    this.dispatchEvent(new Event("change"));
  }

  /** @param {string} room @param {string} user @param {number} ms */
  #add(room, user, ms) {
    const users = this.#rooms.get(room) ?? new Map();
    const known = users.has(user);
    clearTimeout(users.get(user));
    users.set(user, setTimeout(() => this.forget(room, user), ms));
    this.#rooms.set(room, users);
    if (!known) this.dispatchEvent(new Event("change"));
  }
}
