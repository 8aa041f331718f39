/**
 * One room as a page shows it: its messages, what waits to be sent, who types, who has read. A message is told by its
 * id, never by how many there are; what comes twice is shown once.
 */

import { Emitter } from "./emitter.js";
import { History } from "./history.js";
import { Moment } from "./moment.js";
import { peerOf } from "./rooms.js";
import { Typists, TypingTeller } from "./typing.js";

/** @typedef {import("./model.js").Entry} Entry */
/** @typedef {import("./model.js").Message} Message */
/** @typedef {import("./model.js").Room} Room */
/** @typedef {import("./model.js").GateEvent} GateEvent */
/** @typedef {import("./outbox-db.js").Item} Item */
/** @typedef {import("./outbox.js").Draft} Draft */

/**
 * @typedef {object} Shared             what all conversations of a page share
 * @property {string} user
 * @property {import("./operations.js").Operations} ops
 * @property {import("./rooms.js").Rooms} rooms
 * @property {import("./outbox.js").Outbox} outbox
 * @property {import("./reads.js").Reads} reads
 * @property {import("./freshness.js").Freshness} freshness
 * @property {number} keep
 * @property {() => boolean} muted      nothing may be told any more
 * @property {() => void} listened      somebody began or ceased to listen
 * @property {(conversation: Conversation) => void} revived  somebody wants it again after it was forgotten
 */

const MOST_RECEIPTS = 1_000;

export class Conversation extends Emitter {
  /** @type {Shared} */ #shared;
  /** @type {string|null} */ #id;
  /** @type {string|null} */ #to;
  /** @type {History} */ #history;
  /** @type {Entry[]|null} */ #entries = null;
  /** @type {Typists} */ #typists;
  /** @type {TypingTeller} */ #teller;
  /** @type {Map<string, number>} */ #receipts = new Map();
  #receiptsAt = 0;
  /** @type {Moment} */ #change;
  #released = false;
  #closed = false;

  /** @param {Shared} shared @param {{id: string|null, to: string|null}} which */
  constructor(shared, { id, to }) {
    super();
    this.#shared = shared;
    this.#id = id;
    this.#to = to;
    this.#history = new History({
      shared,
      id: () => this.#id,
      findRoom: () => this.#findRoom(),
      shown: () => this.shown,
      changed: () => this.#changed(),
      failed: (error) => this.emit("error", error),
    });
    this.#change = new Moment(() => this.emit("change"));
    this.#typists = new Typists(() => this.#changed());
    this.#teller = new TypingTeller((typing) => {
      if (this.#id !== null) shared.ops.typing(this.#id, typing).catch(() => {});
    });
  }

  /** The room's id; null while there is no room yet. */
  get id() {
    return this.#id;
  }

  /** Who else is in it, in a direct room. @returns {string|null} */
  get to() {
    if (this.#to === null && this.room) this.#to = peerOf(this.room, this.#shared.user) ?? null;
    return this.#to;
  }

  /** @returns {Room|undefined} */
  get room() {
    return this.#id === null ? undefined : this.#shared.rooms.get(this.#id);
  }

  /** Oldest first; what is not sent yet stands last. The same array until something changes. @returns {readonly Entry[]} */
  get entries() {
    if (this.#entries === null) {
      const { messages } = this.#history;
      const waiting = this.#shared.outbox.waiting((item) => this.holds(item) && !messages.has(item.clientId));
      this.#entries = [...messages.list(), ...waiting.map(waitingEntry)];
    }
    return this.#entries;
  }

  get hasOlder() {
    return this.#history.hasOlder;
  }

  get loading() {
    return this.#history.loading;
  }

  /** Why something could not be read the last time; what was read before stays. @returns {Error|null} */
  get error() {
    return this.#history.error;
  }

  /** The others who type. */
  get typists() {
    return this.#typists.users;
  }

  /** How far each member has read, as far as that is known. @returns {ReadonlyMap<string, number>} */
  get receipts() {
    return this.#receipts;
  }

  /** Whether somebody shows it. */
  get shown() {
    return !this.#closed && !this.#released && this.listening("change") > 0;
  }

  /** Whether it may be forgotten. */
  get idle() {
    return this.listening("change") === 0 && !this.#history.busy;
  }

  /**
   * Reads the end of the room, unless that is fresh. Rejects only when there is nothing to show.
   * @param {{force?: boolean}} [options] @returns {Promise<readonly Entry[]>}
   */
  async load({ force = false } = {}) {
    this.#revive();
    await this.#history.load(force);
    return this.entries;
  }

  /** The next older messages. @param {number} [limit] 1 to 100 @returns {Promise<readonly Entry[]>} */
  async loadOlder(limit) {
    await this.#history.loadOlder(limit);
    return this.entries;
  }

  /** The reader is back at the end: what was paged in above goes. */
  trim() {
    this.#history.trim();
  }

  /** Nobody shows it any more. While another part of the page listens to it, nothing changes. */
  release() {
    this.#released = true;
    this.#settle();
  }

  /**
   * @param {Draft} draft @returns {Entry} it stands in `entries` at once
   */
  send(draft) {
    if (!draft.body && !draft.attachments?.length) throw new TypeError("A message needs a text or a file");
    this.#teller.end();
    const to = this.to;
    const lane = to === null ? `room:${this.#id}` : `to:${to}`;
    const item = this.#shared.outbox.add({ room: this.#id, to, lane }, draft);
    return waitingEntry(item);
  }

  /** @param {string} key @returns {boolean} false when too many others wait to be sent */
  retry(key) {
    return this.#shared.outbox.retry(key);
  }

  /** Takes an unsent message away. @param {string} key @returns {boolean} false when it is under way */
  discard(key) {
    return this.#shared.outbox.discard(key);
  }

  /** @param {string} message @param {string} body @returns {Promise<Entry|undefined>} */
  async edit(message, body) {
    if (this.#id === null) throw new TypeError("There is no room yet");
    const answer = await this.#shared.ops.edit(this.#id, message, body);
    this.#amend(answer);
    return this.entries.find((entry) => entry.id === message);
  }

  /** Takes a message back; a tombstone stays. @param {string} message */
  async remove(message) {
    if (this.#id === null) throw new TypeError("There is no room yet");
    await this.#shared.ops.remove(this.#id, message);
    const entry = this.entries.find(({ id }) => id === message);
    if (!entry?.seq || entry.deleted) return;
    this.#amend({
      id: message,
      room: this.#id,
      seq: entry.seq,
      sender: entry.sender,
      body: "",
      client_id: entry.clientId,
      attachments: [],
      reply_to: entry.replyTo,
      created_at: entry.at,
      edited_at: entry.editedAt,
      deleted_at: new Date().toISOString(),
    });
  }

  /** The reader has seen everything up to here. @param {number} [seq] the last message, if nothing is said */
  read(seq = Math.max(this.#history.messages.last, this.room?.last_message?.seq ?? 0)) {
    if (this.#id === null || seq < 1) return;
    this.#shared.reads.read(this.#id, seq);
  }

  /** A key was pressed in the room's field. */
  typing() {
    if (this.#id !== null) this.#teller.key();
  }

  /** @returns {Promise<ReadonlyMap<string, number>>} */
  async loadReceipts({ force = false } = {}) {
    const { ops, freshness } = this.#shared;
    if (this.#id === null || (!force && freshness.good(this.#receiptsAt, freshness.times.roomsMs))) return this.#receipts;
    const { data, at } = await ops.read("receipts", { id: this.#id }, { maxAgeMs: freshness.atMost(freshness.times.roomsMs), force });
    this.#receiptsAt = at;
    for (const { user, seq } of data.receipts) this.#receipt(user, seq);
    return this.#receipts;
  }

  // ---- what the store calls ----

  /** Whether an unsent message belongs here. @param {Item} item */
  holds(item) {
    return item.room !== null ? item.room === this.#id : item.to === this.to;
  }

  /** @param {string} type */
  listenersChanged(type) {
    if (type !== "change") return;
    if (this.#closed && this.listening("change") > 0) this.#revive();
    if (this.#released && this.listening("change") === 0) this.#settle();
    this.#shared.listened();
  }

  /** The room came to be, or was found. @param {string} id */
  bind(id) {
    if (this.#id !== null) return;
    this.#id = id;
    this.#changed();
  }

  /** What waits to be sent changed. */
  outboxChanged() {
    this.#changed();
  }

  /** The room's data changed. */
  roomChanged() {
    this.#history.roomChanged();
    this.#changed();
  }

  /** The answer to a send of ours. @param {Message} message */
  accepted(message) {
    this.bind(message.room);
    this.#history.put(message);
    this.#changed();
  }

  /** An event of this room. @param {GateEvent} event @param {number} ageMs */
  apply(event, ageMs) {
    const { type, data } = event;
    if (type.startsWith("room.") || type.startsWith("member.")) this.#history.roomChanged();
    if (type === "message.created") {
      this.#typists.heard(data.sender, false);
      this.#receipt(data.sender, data.seq);
      // What was never read is read when somebody wants to see it; one's own first message is an exception.
      const ours = data.client_id && this.#shared.outbox.get(data.client_id) && data.sender === this.#shared.user;
      if (this.#history.begun || ours) this.#history.put(data);
    } else if (type === "message.updated" || type === "message.deleted") {
      this.#amend(data);
    } else if (type === "message.read") {
      this.#receipt(data.user, data.seq);
    } else if (type === "typing") {
      if (data.user !== this.#shared.user) this.#typists.heard(data.user, data.typing, ageMs);
    } else if (type === "member.removed") {
      this.#typists.heard(data.user, false);
      if (this.#receipts.delete(data.user)) this.#changed();
    }
  }

  /** Nothing is fresh any more. */
  expire() {
    this.#history.expire();
    this.#receiptsAt = 0;
  }

  /** Reads again what is shown; rejects when that fails. */
  async repair() {
    this.expire();
    if (!this.shown || !this.#history.begun) return;
    await this.load({ force: true });
    if (this.error) throw this.error;
    if (this.#receipts.size > 0) await this.loadReceipts({ force: true });
  }

  /** Part of the shared refresh. @returns {Promise<boolean>} whether it went well */
  async refresh() {
    if (!this.shown || !(this.#history.begun || this.error) || this.#history.fresh) return true;
    await this.load();
    return this.error === null;
  }

  /** No timer of it runs any more. */
  pause() {
    this.#change.cancel();
    this.#teller.cancel();
    this.#history.pause();
    this.#typists.clear();
  }

  /** It is forgotten, until somebody wants it again. */
  close() {
    this.#closed = true;
    this.pause();
    this.#history.clear();
    this.#receiptsAt = 0;
    this.#receipts.clear();
    this.#entries = null;
  }

  /** @param {string} type @param {any} [detail] */
  emit(type, detail) {
    if (!this.#shared.muted()) super.emit(type, detail);
  }

  // ---- inside ----

  #revive() {
    this.#released = false;
    if (!this.#closed) return;
    this.#closed = false;
    this.#shared.revived(this);
  }

  async #findRoom() {
    const room = await this.#shared.rooms.findDirect(/** @type {string} */ (this.#to));
    if (room) this.bind(room.id);
  }

  /** @param {Message} message */
  #amend(message) {
    if (this.#history.messages.update(message)) this.#changed();
  }

  /** @param {string} user @param {number} seq */
  #receipt(user, seq) {
    if (seq <= (this.#receipts.get(user) ?? -1)) return;
    if (!this.#receipts.has(user) && this.#receipts.size >= MOST_RECEIPTS) return;
    this.#receipts.set(user, seq);
    this.#changed();
  }

  /** Nobody shows it: what was paged in goes. */
  #settle() {
    if (this.listening("change") > 0) return;
    this.trim();
    this.#history.pause();
    this.#teller.end();
  }

  #changed() {
    this.#entries = null;
    if (!this.#closed) this.#change.ask();
  }
}

/** @param {Item} item @returns {Entry} */
function waitingEntry(item) {
  return {
    key: item.clientId,
    id: null,
    seq: null,
    state: item.state === "failed" ? "failed" : "sending",
    sender: item.user,
    mine: true,
    body: item.body,
    at: new Date(item.at).toISOString(),
    editedAt: null,
    deleted: false,
    files: item.files,
    replyTo: item.replyTo,
    reason: item.reason,
    clientId: item.clientId,
  };
}
