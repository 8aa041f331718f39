/**
 * The messages of one room that are in memory: one stretch of places without holes, `low` to `high`, and what came
 * ahead of it. `seq` has no holes in a room, so a missing place is a missed message.
 */

/** @typedef {import("./model.js").Message} Message */
/** @typedef {import("./model.js").Entry} Entry */

/** However far a reader goes up, not more than these at once. */
export const MOST_IN_MEMORY = 5_000;

export class Messages {
  /** @type {Map<number, Entry>} */ #bySeq = new Map();
  /** @type {Map<string, number>} */ #seqs = new Map();
  /** @type {Entry[]|null} */ #sorted = null;
  #user;

  /** The first and last place without a hole between; null: nothing was read. @type {number|null} */
  low = null;
  /** @type {number|null} */
  high = null;
  hasOlder = false;

  /** @param {string} user */
  constructor(user) {
    this.#user = user;
  }

  get size() {
    return this.#bySeq.size;
  }

  get full() {
    return this.#bySeq.size >= MOST_IN_MEMORY;
  }

  /** Oldest first. */
  list() {
    this.#sorted ??= [...this.#bySeq.values()].sort((a, b) => /** @type {number} */ (a.seq) - /** @type {number} */ (b.seq));
    return this.#sorted;
  }

  /** @param {string} key */
  has(key) {
    return this.#seqs.has(key);
  }

  /** @param {string} key */
  get(key) {
    const seq = this.#seqs.get(key);
    return seq === undefined ? undefined : this.#bySeq.get(seq);
  }

  /** The last place that something is known of. */
  get last() {
    return Math.max(this.high ?? 0, ...this.#ahead());
  }

  /** How many came ahead of a hole. */
  get ahead() {
    return this.#ahead().length;
  }

  /**
   * A message by itself: from an event or the answer to a send.
   * @param {Message} message @returns {boolean} whether something changed
   */
  put(message) {
    const known = this.#bySeq.get(message.seq);
    if (known) return this.#replace(known, message);
    if (this.low !== null && message.seq < this.low) return false;
    this.#set(message);
    if (this.low === null) {
      this.low = message.seq;
      this.high = message.seq;
      this.hasOlder = message.seq > 1;
    }
    this.#advance();
    return true;
  }

  /** Changes a message that is here; others are none of ours. @param {Message} message */
  update(message) {
    const known = this.#bySeq.get(message.seq);
    return known !== undefined && known.id === message.id && this.#replace(known, message);
  }

  /**
   * The end of the room. When it does not reach what is here, that goes: the way between would have to be walked.
   * @param {Message[]} messages oldest first @param {boolean} hasOlder @param {number} end the last place when there are none
   */
  newest(messages, hasOlder, end) {
    const first = messages[0]?.seq;
    const touches = first !== undefined && this.#touches(first, /** @type {Message} */ (messages.at(-1)).seq);
    if (!touches) this.#keepAfter(messages.at(-1)?.seq ?? end);
    for (const message of messages) this.#accept(message);
    if (!touches) {
      this.low = first ?? end + 1;
      this.high = messages.at(-1)?.seq ?? end;
      this.hasOlder = hasOlder;
    } else {
      this.high = Math.max(/** @type {number} */ (this.high), /** @type {Message} */ (messages.at(-1)).seq);
      if (first < /** @type {number} */ (this.low)) {
        this.low = first;
        this.hasOlder = hasOlder;
      }
    }
    this.#advance();
  }

  /** Older messages than those that are here. @param {Message[]} messages @param {boolean} hasOlder */
  older(messages, hasOlder) {
    const first = messages[0];
    for (const message of messages) this.#accept(message);
    if (first && (this.low === null || first.seq < this.low)) this.low = first.seq;
    this.hasOlder = hasOlder && messages.length > 0;
  }

  /** What follows on `after`, as the gateway has it: a place that is missing in it does not exist any more. @param {Message[]} messages @param {number} after */
  following(messages, after) {
    for (const message of messages) if (this.low === null || message.seq >= this.low) this.#accept(message);
    const last = messages.at(-1)?.seq ?? after;
    if (this.high !== null && after <= this.high) this.high = Math.max(this.high, last);
    this.#advance();
  }

  /** Keeps the newest ones. @param {number} keep @returns {boolean} whether any went */
  trim(keep) {
    if (this.#bySeq.size <= keep) return false;
    const going = this.list().slice(0, this.#bySeq.size - keep);
    for (const entry of going) this.#delete(entry);
    this.low = this.list()[0]?.seq ?? (this.high ?? 0) + 1;
    if (this.high !== null && this.high < this.low) this.high = this.low;
    this.#advance();
    this.hasOlder = true;
    return true;
  }

  clear() {
    this.#bySeq.clear();
    this.#seqs.clear();
    this.#sorted = null;
    this.low = null;
    this.high = null;
    this.hasOlder = false;
  }

  /** @returns {number[]} */
  #ahead() {
    const { high } = this;
    if (high === null) return [];
    const ahead = [];
    const list = this.list();
    for (let at = list.length - 1; at >= 0 && /** @type {number} */ (list[at].seq) > high; at -= 1) {
      ahead.push(/** @type {number} */ (list[at].seq));
    }
    return ahead;
  }

  /** Whether these places and those that are here leave none out between them. @param {number} first @param {number} last */
  #touches(first, last) {
    // An answer may be older than one's own message, which came ahead of it.
    return this.low !== null && this.high !== null && first <= this.high + 1 && last >= this.low - 1;
  }

  /** Only what came after this place stays. @param {number} end */
  #keepAfter(end) {
    for (const entry of this.list().slice()) if (/** @type {number} */ (entry.seq) <= end) this.#delete(entry);
  }

  /** @param {Message} message */
  #accept(message) {
    const known = this.#bySeq.get(message.seq);
    if (known) this.#replace(known, message);
    else this.#set(message);
  }

  /** @param {Entry} known @param {Message} message */
  #replace(known, message) {
    // What was read before a change may come after it.
    if (known.deleted && !message.deleted_at) return false;
    if (known.editedAt && !message.deleted_at && (message.edited_at ?? "") < known.editedAt) return false;
    const next = entryOf(message, this.#user);
    if (same(known, next)) return false;
    this.#bySeq.set(message.seq, next);
    this.#sorted = null;
    return true;
  }

  /** @param {Message} message */
  #set(message) {
    const entry = entryOf(message, this.#user);
    this.#bySeq.set(message.seq, entry);
    this.#seqs.set(entry.key, message.seq);
    this.#sorted = null;
  }

  /** @param {Entry} entry */
  #delete(entry) {
    this.#bySeq.delete(/** @type {number} */ (entry.seq));
    this.#seqs.delete(entry.key);
    this.#sorted = null;
  }

  #advance() {
    if (this.high === null) return;
    while (this.#bySeq.has(this.high + 1)) this.high += 1;
  }
}

/** @param {Message} message @param {string} user @returns {Entry} */
export function entryOf(message, user) {
  const mine = message.sender === user;
  return {
    key: mine && message.client_id ? message.client_id : message.id,
    id: message.id,
    seq: message.seq,
    state: "sent",
    sender: message.sender,
    mine,
    body: message.body,
    at: message.created_at,
    editedAt: message.edited_at ?? null,
    deleted: Boolean(message.deleted_at),
    files: message.files ?? [],
    replyTo: message.reply_to ?? null,
    reason: null,
    clientId: message.client_id ?? null,
  };
}

/** @param {Entry} a @param {Entry} b */
function same(a, b) {
  return (
    a.id === b.id &&
    a.key === b.key &&
    a.body === b.body &&
    a.editedAt === b.editedAt &&
    a.deleted === b.deleted &&
    a.files.length === b.files.length
  );
}
