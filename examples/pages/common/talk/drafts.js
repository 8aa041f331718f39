/** What was begun to be written, kept per room on this device. */

const MOST = 100;

export class Drafts {
  #key;

  /** @param {string} user whose drafts */
  constructor(user) {
    this.#key = `pollgate-demo-drafts:${user}`;
  }

  /** @returns {Record<string, string>} */
  #all() {
    try {
      return JSON.parse(localStorage.getItem(this.#key) ?? "{}") ?? {};
    } catch {
      return {};
    }
  }

  /** @param {string} room @returns {string} */
  get(room) {
    const text = this.#all()[room];
    return typeof text === "string" ? text : "";
  }

  /** @param {string} room @param {string} text empty: none */
  set(room, text) {
    const all = this.#all();
    if ((all[room] ?? "") === text) return;
    delete all[room];
    if (text) all[room] = text;
    // The newest stand last; the oldest go.
    const kept = Object.fromEntries(Object.entries(all).slice(-MOST));
    try {
      localStorage.setItem(this.#key, JSON.stringify(kept));
    } catch {
      // A full or missing storage costs the draft, not the message.
    }
  }
}
