/** The face of the library: one `Pollgate` for a page. What it promises stands in docs/client.md. */

import { Emitter } from "./emitter.js";
import { Store } from "./store.js";

/** @typedef {import("./model.js").Entry} Entry */
/** @typedef {import("./model.js").FileInfo} FileInfo */
/** @typedef {import("./model.js").GateEvent} GateEvent */
/** @typedef {import("./model.js").Message} Message */
/** @typedef {import("./model.js").Presence} Presence */
/** @typedef {import("./model.js").Room} Room */
/** @typedef {import("./model.js").RoomFilter} RoomFilter */
/** @typedef {import("./conversation.js").Conversation} Conversation */
/** @typedef {import("./outbox.js").Draft} Draft */
/** @typedef {import("./problem.js").Problem} Problem */
/** @typedef {import("./types.js").ConnectionInfo} ConnectionInfo */

/**
 * @typedef {object} PollgateOptions
 * @property {string} user
 * @property {import("./types.js").TokenSource} token
 * @property {string} [url]            the gateway's origin; empty: the page's
 * @property {import("./types.js").TransportChoice} [transport]
 * @property {string} [session]        names this device's mailbox
 * @property {boolean} [presence]      hear who comes and goes
 * @property {boolean} [share]         one loop for all tabs of the browser
 * @property {{roomsMs?: number, messagesMs?: number, liveMs?: number}} [cache]
 * @property {number} [keep]           messages of a room kept in memory
 *
 * @typedef {object} Parts             for tests: what is used instead of the real thing
 * @property {any} [api]
 * @property {any} [link]
 * @property {any} [page]
 * @property {IDBFactory} [indexedDB]
 * @property {import("./outbox.js").Lock} [lock]
 * @property {any} [Notification]
 * @property {() => number} [random]
 */

const DESKS_MS = 60_000;

export class Pollgate extends Emitter {
  #user;
  /** @type {Store} */ #store;

  /** @param {PollgateOptions} options @param {Parts} [parts] */
  constructor(options, parts = {}) {
    super();
    const { user } = options;
    if (typeof user !== "string" || user === "") throw new TypeError("user: whose messages are these?");
    this.#user = user;
    this.#store = new Store(options, parts, {
      emit: (type, detail) => this.emit(type, detail),
      listening: (...types) => this.listening(...types),
    });
  }

  get user() {
    return this.#user;
  }

  // ---- the loop ----

  /** Starts, or goes on where it was stopped. */
  start() {
    this.#store.start();
  }

  /** No callback runs afterwards. What is not sent yet waits for the next start. */
  stop() {
    this.#store.stop();
  }

  /** For when the user signs out: stops, and no unsent message of the user stays in this browser. */
  async forget() {
    this.#store.stop();
    await this.#store.outbox.clear();
  }

  /** At once instead of after the back-off. */
  reconnect() {
    this.#store.reconnect();
  }

  /** @returns {ConnectionInfo} */
  connectionInfo() {
    return this.#store.link.info;
  }

  // ---- rooms ----

  /** What is known now, newest activity first; the same array until something changes. @param {RoomFilter} [filter] @returns {readonly Room[]} */
  rooms(filter) {
    return this.#store.rooms.list(filter);
  }

  /**
   * The list, read when it is not fresh. Rejects only when there is nothing to show; else see `roomsError`.
   * @param {RoomFilter} [filter] @param {{force?: boolean}} [options] @returns {Promise<readonly Room[]>}
   */
  loadRooms(filter, options) {
    return this.#store.rooms.load(filter, options);
  }

  /** The next older rooms of the list. @param {RoomFilter} [filter] @returns {Promise<readonly Room[]>} */
  loadMoreRooms(filter) {
    return this.#store.rooms.more(filter);
  }

  /** @param {RoomFilter} [filter] */
  hasMoreRooms(filter) {
    return this.#store.rooms.hasMore(filter);
  }

  /** Why the list could not be read the last time; the last good one is shown meanwhile. @param {RoomFilter} [filter] */
  roomsError(filter) {
    return this.#store.rooms.error(filter);
  }

  /** @param {string} id @returns {Room|undefined} */
  room(id) {
    return this.#store.rooms.get(id);
  }

  /** @param {string} id @param {{force?: boolean}} [options] @returns {Promise<Room>} */
  loadRoom(id, options) {
    return this.#store.rooms.loadOne(id, options);
  }

  /**
   * @param {{name?: string, members?: string[], context?: {kind: string, id: string}, category?: string, status?: string, assignee?: string}} room
   * @returns {Promise<Room>}
   */
  async createRoom(room) {
    return this.#store.rooms.put(await this.#store.ops.createRoom(room));
  }

  /**
   * @param {string} id @param {{name?: string|null, category?: string|null, status?: string|null, assignee?: string|null}} change
   * @returns {Promise<Room>}
   */
  async changeRoom(id, change) {
    return this.#store.rooms.put(await this.#store.ops.changeRoom(id, change));
  }

  /** @param {string} id @param {string} user */
  async addMember(id, user) {
    await this.#store.ops.setMember(id, user, true);
    this.#member("member.added", id, user);
  }

  /** @param {string} id @param {string} user */
  async removeMember(id, user) {
    await this.#store.ops.setMember(id, user, false);
    this.#member("member.removed", id, user);
  }

  /** Messages, and in how many rooms, of those that are known. @returns {{total: number, rooms: number}} */
  unread() {
    return this.#store.unread();
  }

  /** @param {string|{to: string}} which @returns {Conversation} the same object for the same room */
  conversation(which) {
    return this.#store.conversations.open(which);
  }

  // ---- users, files, search, desks ----

  /** @param {string} user @returns {Presence|undefined} */
  presence(user) {
    return this.#store.presence.get(user);
  }

  /** Those asked for in the same moment go into one request. @param {Iterable<string>} users @returns {Promise<(Presence|undefined)[]>} */
  loadPresence(users) {
    return this.#store.presence.load(users);
  }

  /**
   * @param {{q: string, room?: string, before?: string, limit?: number}} query
   * @returns {Promise<{messages: Message[], has_more: boolean, next: string|null}>}
   */
  search(query) {
    return this.#store.ops.search(query);
  }

  /**
   * @param {Blob} file @param {{onProgress?: (progress: any) => void, signal?: AbortSignal}} [options]
   * @returns {Promise<FileInfo>}
   */
  upload(file, options) {
    return this.#store.ops.upload(file, options);
  }

  /** @param {string} id @returns {Promise<Blob>} */
  loadFile(id) {
    return this.#store.ops.file(id);
  }

  /** The desks that the user serves. @param {{force?: boolean}} [options] @returns {Promise<string[]>} */
  async desks({ force = false } = {}) {
    const { data } = await this.#store.ops.read("desks", {}, { maxAgeMs: DESKS_MS, force });
    this.#store.rooms.serves(data.desks);
    return data.desks;
  }

  /** Notifications of the system. @returns {import("./notifications.js").Notifications} */
  get notifications() {
    return this.#store.notifications;
  }

  /** @param {string} type */
  listenersChanged(type) {
    if (type === "rooms" || type === "room" || type === "unread") this.#store.listened();
  }

  /** @param {string} type @param {string} room @param {string} user */
  #member(type, room, user) {
    // The event with its time comes; this clock may be another one.
    this.#store.rooms.apply({ id: "", type, at: "", room, data: { user } });
  }
}
