/**
 * What one person sees of one room: messages shown at once, and reconciled with the answer to the send and
 * with the event from the poll, in whichever order the two come.
 */

/**
 * @typedef {{id: string, room: string, seq: number, sender: string, body: string, client_id: string|null, created_at: string}} Message
 * @typedef {"sending"|"sent"|"failed"} EntryState
 * @typedef {{key: string, state: EntryState, sender: string, body: string, clientId: string|null, seq: number|null, at: string, reason?: string}} Entry
 */

const MOST_ENTRIES = 500;

export class Conversation {
  /** @type {Map<string, Entry>} by client id, or by id for messages without one */
  #entries = new Map();
  #order = 0;

  /** The room, once something told it. @type {string|null} */
  room = null;

  /** @param {string} me @param {string} other */
  constructor(me, other) {
    this.me = me;
    this.other = other;
  }

  /** A room came to be; it may be the one of these two. @param {{id: string, kind: string, members: string[]}} room */
  created(room) {
    const members = room.members ?? [];
    if (room.kind === "direct" && members.includes(this.me) && members.includes(this.other)) this.room ??= room.id;
  }

  /** Shows a message before anybody accepted it. */
  sending(clientId, body, at = new Date().toISOString()) {
    this.#put({ key: clientId, state: "sending", sender: this.me, body, clientId, seq: null, at });
  }

  /** Tries a failed one again. @returns {Entry|undefined} */
  retrying(clientId) {
    const entry = this.#entries.get(clientId);
    if (entry?.state !== "failed") return undefined;
    return this.#put({ ...entry, state: "sending", reason: undefined });
  }

  /** The send did not go through. The echo may have come all the same; then it did. */
  failed(clientId, reason) {
    const entry = this.#entries.get(clientId);
    if (entry?.state === "sending") this.#put({ ...entry, state: "failed", reason });
  }

  /**
   * A message as the gateway knows it: from the answer, an event, or the history.
   * @param {Message} message
   * @returns {boolean} whether it belongs here
   */
  accepted(message) {
    if (this.room === null && !this.#expects(message)) return false;
    this.room ??= message.room;
    if (message.room !== this.room) return false;
    const key = message.sender === this.me && message.client_id ? message.client_id : message.id;
    this.#put({
      key,
      state: "sent",
      sender: message.sender,
      body: message.body,
      clientId: message.client_id,
      seq: message.seq,
      at: message.created_at,
    });
    return true;
  }

  /** Oldest first; what has no place in the room yet stands last, in the order it was written. @returns {Entry[]} */
  entries() {
    return [...this.#entries.values()].sort((a, b) => (a.seq ?? Infinity) - (b.seq ?? Infinity) || a.nth - b.nth);
  }

  /** The first `seq` missing between those that are shown, or null. */
  hole() {
    let last = null;
    for (const { seq } of this.entries()) {
      if (seq === null) break;
      if (last !== null && seq > last + 1) return last + 1;
      last = seq;
    }
    return null;
  }

  /** While the room is not known: the other's message, or one that was written here. */
  #expects(message) {
    return message.sender === this.other || this.#entries.has(message.client_id);
  }

  #put(entry) {
    const nth = this.#entries.get(entry.key)?.nth ?? this.#order++;
    const kept = { ...entry, nth };
    this.#entries.set(entry.key, kept);
    if (this.#entries.size > MOST_ENTRIES) this.#dropOldest();
    return kept;
  }

  #dropOldest() {
    const oldest = this.entries().find((entry) => entry.state === "sent");
    if (oldest) this.#entries.delete(oldest.key);
  }
}
