/** The conversations of a page: the same object for the same room, and not more than a page needs. */

import { Conversation } from "./conversation.js";
import { peerOf } from "./rooms.js";

/** @typedef {import("./conversation.js").Shared} Shared */
/** @typedef {import("./model.js").GateEvent} GateEvent */
/** @typedef {import("./model.js").Message} Message */

/** More than these are kept only while somebody listens to them. */
export const MOST_KEPT = 50;

export class Conversations {
  /** The one asked for last stands last. @type {Set<Conversation>} */ #open = new Set();
  /** @type {Shared} */ #shared;

  /** @param {Omit<Shared, "revived">} shared */
  constructor(shared) {
    this.#shared = { ...shared, revived: (conversation) => void this.#open.add(conversation) };
  }

  get size() {
    return this.#open.size;
  }

  /** @param {string|{to: string}} which @returns {Conversation} */
  open(which) {
    const to = typeof which === "string" ? null : which.to;
    const id = typeof which === "string" ? which : (this.#shared.rooms.direct(which.to)?.id ?? null);
    if (!id && !to) throw new TypeError("A conversation is one of a room or with a user");
    const found = this.#find(id, to) ?? new Conversation(this.#shared, { id, to });
    if (id !== null) found.bind(id);
    this.#open.delete(found);
    this.#open.add(found);
    this.#forget();
    return found;
  }

  /** @param {string|undefined} id @returns {Conversation[]} */
  of(id) {
    return id === undefined ? [] : [...this.#open].filter((conversation) => conversation.id === id);
  }

  /** Whether somebody shows this room. @param {string} id */
  shows(id) {
    return this.of(id).some((conversation) => conversation.shown);
  }

  get anyShown() {
    return [...this.#open].some((conversation) => conversation.shown);
  }

  /** @param {GateEvent} event @param {number} ageMs */
  apply(event, ageMs) {
    const { type, data, room } = event;
    if (type === "room.created" && data.kind === "direct") this.#bindTo(peerOf(data, this.#shared.user), data.id);
    if (type === "message.created") this.#bindSent(data);
    for (const conversation of this.of(room)) conversation.apply(event, ageMs);
  }

  /** A message of ours was accepted, here or in another tab. @param {Message} message */
  accepted(message) {
    this.#bindSent(message);
    for (const conversation of this.of(message.room)) conversation.accepted(message);
  }

  outboxChanged() {
    for (const conversation of this.#open) conversation.outboxChanged();
  }

  /** @param {Iterable<string>} ids */
  roomsChanged(ids) {
    const changed = new Set(ids);
    for (const conversation of this.#open) if (conversation.id !== null && changed.has(conversation.id)) conversation.roomChanged();
  }

  expire() {
    for (const conversation of this.#open) conversation.expire();
  }

  /** Reads again whatever is shown. Rejects when some of it fails. */
  async repair() {
    await Promise.all([...this.#open].map((conversation) => conversation.repair()));
  }

  /** @returns {Promise<boolean>} whether all went well */
  async refresh() {
    const went = await Promise.all([...this.#open].map((conversation) => conversation.refresh().catch(() => false)));
    return went.every(Boolean);
  }

  pause() {
    for (const conversation of this.#open) conversation.pause();
  }

  /** @param {string|null} id @param {string|null} to */
  #find(id, to) {
    for (const conversation of this.#open) if (id !== null && conversation.id === id) return conversation;
    for (const conversation of this.#open) {
      if (to !== null && conversation.to === to) return conversation;
      // It was opened by the user's name before the room was known.
      const room = id !== null && conversation.id === null ? this.#shared.rooms.get(id) : undefined;
      if (room && peerOf(room, this.#shared.user) === conversation.to) return conversation;
    }
    return undefined;
  }

  /** @param {string|undefined} to @param {string} id */
  #bindTo(to, id) {
    if (to === undefined) return;
    for (const conversation of this.#open) if (conversation.id === null && conversation.to === to) conversation.bind(id);
  }

  /** @param {Message} message */
  #bindSent(message) {
    const item = message.client_id ? this.#shared.outbox.get(message.client_id) : undefined;
    if (item && item.to !== null) this.#bindTo(item.to, message.room);
  }

  /** Those that nobody listens to go, the longest untouched first. */
  #forget() {
    if (this.#open.size <= MOST_KEPT) return;
    const last = [...this.#open].at(-1);
    for (const conversation of this.#open) {
      if (this.#open.size <= MOST_KEPT) return;
      if (conversation === last || !conversation.idle) continue;
      this.#open.delete(conversation);
      conversation.close();
    }
  }
}
