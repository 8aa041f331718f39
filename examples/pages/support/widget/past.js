/**
 * The conversations that a visitor has had in this browser. An agent may send one to another desk, where the widget would
 * not look for it; and who has had one before may have news, and is connected without opening the chat.
 */

const MOST = 20;

export class Past {
  #storage;
  #key;
  /** @type {Record<string, string[]>} room ids by user, the newest last */ #kept = {};

  /** @param {Pick<Storage, "getItem"|"setItem">|null} storage @param {string} key */
  constructor(storage, key) {
    this.#storage = storage;
    this.#key = key;
    this.#read();
  }

  get any() {
    return Object.values(this.#kept).some((rooms) => rooms.length > 0);
  }

  /** @param {string} user @returns {string[]} */
  rooms(user) {
    return this.#kept[user] ?? [];
  }

  /** @param {string} user @param {string[]} ids */
  remember(user, ids) {
    const known = this.rooms(user);
    if (ids.every((id) => known.includes(id))) return;
    // Another tab may have written one down.
    this.#read();
    this.#kept[user] = [...new Set([...this.rooms(user), ...ids])].slice(-MOST);
    this.#write();
  }

  /** @param {string} user @param {string} id */
  forget(user, id) {
    this.#read();
    this.#kept[user] = this.rooms(user).filter((other) => other !== id);
    this.#write();
  }

  #read() {
    try {
      const kept = JSON.parse(this.#storage?.getItem(this.#key) ?? "{}");
      for (const [user, rooms] of Object.entries(kept)) if (Array.isArray(rooms)) this.#kept[user] = rooms.filter((id) => typeof id === "string");
    } catch {
      // Storage that is forbidden or was written by somebody else.
    }
  }

  #write() {
    try {
      this.#storage?.setItem(this.#key, JSON.stringify(this.#kept));
    } catch {
      // Full or forbidden: after a reload news come when the chat is opened.
    }
  }
}
