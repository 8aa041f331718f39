/**
 * Every request of the store, by name. Over the WebSocket where one is open, else over HTTP; what is read goes
 * through the link, so that all tabs of the browser share one request and its answer.
 */

import { keptOf, madeOldBy } from "./concerns.js";

/** @typedef {import("./model.js").RoomFilter} RoomFilter */
/** @typedef {import("./model.js").Message} Message */
/** @typedef {import("./model.js").Room} Room */
/** @typedef {import("./model.js").HistoryPage} HistoryPage */

const room = (/** @type {string} */ id) => `/v1/rooms/${encodeURIComponent(id)}`;

/** Reads that tabs share. @type {Record<string, (ops: Operations, args: any) => Promise<any>>} */
const READS = {
  rooms: (ops, query) => ops.ask("GET", "/v1/rooms", { query }, ["rooms", query]),
  room: (ops, { id }) => ops.ask("GET", room(id), {}, ["room", { room: id }]),
  history: (ops, { id, ...query }) => ops.ask("GET", `${room(id)}/messages`, { query }, ["history", { room: id, ...query }]),
  receipts: (ops, { id }) => ops.ask("GET", `${room(id)}/receipts`, {}, ["receipts", { room: id }]),
  presence: (ops, { user }) => ops.ask("GET", "/v1/presence", { query: { user } }, ["presence", { user }]),
  desks: (ops) => ops.ask("GET", "/v1/desks"),
};

export class Operations {
  /** @type {any} */ #api;
  /** @type {any} */ #link;
  #stop = new AbortController();

  /** @param {{api: any, link: any, user: string}} with_ */
  constructor({ api, link, user }) {
    this.#api = api;
    this.#link = link;
    for (const [kind, read] of Object.entries(READS)) {
      link.provide(kind, (/** @type {any} */ args) => read(this, args), madeOldBy(kind, user), keptOf(kind));
    }
  }

  /** Ends what is under way; later requests are made again. */
  abort() {
    this.#stop.abort();
    this.#stop = new AbortController();
  }

  /**
   * @param {keyof typeof READS} kind @param {any} args
   * @param {{maxAgeMs?: number, force?: boolean}} [options]
   * @returns {Promise<{data: any, at: number}>}
   */
  read(kind, args, options = {}) {
    return this.#link.fetchShared(kind, args, { maxAgeMs: 0, ...options });
  }

  /**
   * One request. `op` names the operation of the WebSocket that does the same.
   * @param {string} method @param {string} path @param {{query?: any, body?: any, keepalive?: boolean}} [init]
   * @param {[string, any]} [op]
   */
  async ask(method, path, init = {}, op) {
    const { signal } = this.#stop;
    if (op && this.#link.info?.transport === "ws" && this.#link.leading) {
      try {
        return await this.#link.call(op[0], op[1]);
      } catch (error) {
        // The connection went away, perhaps with the answer: everything that is asked like this may be asked twice.
        signal.throwIfAborted();
        if (/** @type {any} */ (error).code !== "network") throw error;
      }
    }
    return this.#api.request(method, path, { ...init, signal });
  }

  /** @param {any} body @returns {Promise<Message>} */
  send(body) {
    return this.ask("POST", "/v1/messages", { body }, ["send", body]);
  }

  /** @param {string} id @param {string} message @param {string} body @returns {Promise<Message>} */
  edit(id, message, body) {
    const fields = { room: id, message, body };
    return this.ask("PATCH", `${room(id)}/messages/${encodeURIComponent(message)}`, { body: { body } }, ["edit", fields]);
  }

  /** @param {string} id @param {string} message */
  remove(id, message) {
    return this.ask("DELETE", `${room(id)}/messages/${encodeURIComponent(message)}`, {}, ["delete", { room: id, message }]);
  }

  /** @param {string} id @param {number} seq @param {boolean} [keepalive] outlive the page */
  markRead(id, seq, keepalive = false) {
    return this.ask("POST", `${room(id)}/read`, { body: { seq }, keepalive }, ["read", { room: id, seq }]);
  }

  /** @param {string} id @param {boolean} typing */
  typing(id, typing) {
    return this.ask("POST", `${room(id)}/typing`, { body: { typing } }, ["typing", { room: id, typing }]);
  }

  /** @param {any} body @returns {Promise<Room>} */
  createRoom(body) {
    return this.ask("POST", "/v1/rooms", { body });
  }

  /** @param {string} id @param {any} body @returns {Promise<Room>} */
  changeRoom(id, body) {
    return this.ask("PATCH", room(id), { body });
  }

  /** @param {string} id @param {string} user @param {boolean} member */
  setMember(id, user, member) {
    return this.ask(member ? "PUT" : "DELETE", `${room(id)}/members/${encodeURIComponent(user)}`);
  }

  /** @param {any} query */
  search(query) {
    return this.ask("GET", "/v1/search", { query }, ["search", query]);
  }

  /** @param {Blob} file @param {any} options */
  upload(file, options) {
    return this.#api.upload(file, options);
  }

  /** @param {string} id @returns {Promise<Blob>} */
  file(id) {
    return this.#api.blob(`/v1/attachments/${encodeURIComponent(id)}`, {});
  }
}
