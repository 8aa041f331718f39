/**
 * The messages of one room, read and kept whole: its end, older pages, and whatever is missing between.
 *
 * Rules it lives by:
 * - one request at a time for each purpose, whoever asks and how often;
 * - a hole in `seq` is filled once for all that is missing; a room far behind is read anew from its end;
 * - when something cannot be read, what was there stays, and `error` says why.
 */

import { Messages, MOST_IN_MEMORY } from "./messages.js";

/** @typedef {import("./model.js").Message} Message */
/** @typedef {import("./model.js").Room} Room */

/**
 * @typedef {object} HistoryOptions
 * @property {import("./conversation.js").Shared} shared
 * @property {() => string|null} id
 * @property {() => Promise<void>} findRoom   called while there is no id
 * @property {() => boolean} shown            whether somebody waits for what is missing
 * @property {() => void} changed
 * @property {(error: Error) => void} failed
 */

const FIRST_PAGE = 50;
const PAGE = 100;
/** Answers overtake events: a hole is given this long to close by itself. */
const HOLE_MS = 300;
const AGAIN_MS = 5_000;
/** More pages than this are not walked. */
const MOST_WALKED = 2;

export class History {
  /** @type {HistoryOptions} */ #options;
  /** @type {import("./conversation.js").Shared} */ #shared;
  /** @type {Promise<void>|null} */ #loading = null;
  /** @type {Promise<void>|null} */ #paging = null;
  /** @type {Promise<void>|null} */ #repairing = null;
  /** @type {ReturnType<typeof setTimeout>|null} */ #timer = null;
  /** When the end was read; 0: never, or it is not good any more. */
  #readAt = 0;
  /** Whether events kept up to date what was read. */
  #wasTold = true;
  /** What was read before is too old, also when another tab has read it. */
  #expiredAt = -Infinity;
  /** The reader has gone up: what was paged in stays. */
  #paged = false;
  /** Grows when everything is forgotten: answers to what was asked before come too late. */
  #epoch = 0;
  messages;
  /** @type {Error|null} */
  error = null;

  /** @param {HistoryOptions} options */
  constructor(options) {
    this.#options = options;
    this.#shared = options.shared;
    this.messages = new Messages(options.shared.user);
  }

  get loading() {
    return this.#loading !== null || this.#paging !== null;
  }

  get busy() {
    return this.loading || this.#repairing !== null;
  }

  /** Whether it was ever read. */
  get begun() {
    return this.messages.low !== null;
  }

  get hasOlder() {
    return this.messages.hasOlder && !this.messages.full;
  }

  get fresh() {
    const { freshness } = this.#shared;
    if (this.#readAt === 0 || this.#missing) return false;
    return freshness.good(this.#readAt, freshness.times.messagesMs, this.#told);
  }

  /** Whether the user is told of what is said here: who only may look is not. */
  get #told() {
    const room = this.#shared.rooms.get(this.#options.id() ?? "");
    return room?.members.includes(this.#shared.user) ?? true;
  }

  /** The room changed: it may have messages that nobody told of. */
  roomChanged() {
    const { was, told } = { was: this.#wasTold, told: this.#told };
    this.#wasTold = told;
    if (!was && told) this.expire();
    if (this.#missing) this.#plan(HOLE_MS);
  }

  /** The end of the room, unless that is fresh. Rejects only when there is nothing to show. @param {boolean} force */
  async load(force) {
    if (!this.#loading && !force && this.fresh) return;
    if (!this.#loading) {
      this.#loading = this.#load(force).finally(() => {
        this.#loading = null;
        this.#options.changed();
      });
      this.#options.changed();
    }
    await this.#loading;
  }

  /** @param {number} [limit] */
  async loadOlder(limit = FIRST_PAGE) {
    if (!this.begun) return this.load(false);
    if (!this.hasOlder) return;
    this.#paging ??= this.#older(limit).finally(() => {
      this.#paging = null;
      this.#options.changed();
    });
    await this.#paging;
  }

  /** A message came by itself. @param {Message} message */
  put(message) {
    if (this.messages.put(message)) this.#grown();
  }

  /** What was paged in goes. */
  trim() {
    this.#paged = false;
    if (this.messages.trim(this.#shared.keep)) this.#options.changed();
  }

  /** It is not fresh any more. */
  expire() {
    this.#readAt = 0;
    this.#expiredAt = Date.now();
  }

  /** No timer of it runs any more. */
  pause() {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Everything goes; it may begin anew. */
  clear() {
    this.pause();
    this.expire();
    this.#epoch += 1;
    this.#paged = false;
    this.messages.clear();
  }

  /** @param {boolean} force */
  async #load(force) {
    try {
      if (this.#options.id() === null) await this.#options.findRoom();
      const id = this.#options.id();
      if (id === null) this.messages.newest([], false, 0);
      else await this.#end(id, force);
      this.error = null;
    } catch (error) {
      this.#failed(error);
      if (!this.begun && !isStop(error)) throw error;
    }
  }

  /** @param {string} id @param {boolean} force */
  async #end(id, force) {
    const { ops, rooms, freshness, keep } = this.#shared;
    const epoch = this.#epoch;
    const limit = this.begun ? Math.min(PAGE, keep) : Math.min(FIRST_PAGE, keep);
    const maxAgeMs = Math.min(freshness.atMost(freshness.times.messagesMs), Date.now() - this.#expiredAt);
    const asked = { maxAgeMs, force };
    const [{ data, at }] = await Promise.all([
      ops.read("history", { id, limit }, asked),
      rooms.get(id) ? undefined : rooms.loadOne(id).catch(() => {}),
    ]);
    if (epoch !== this.#epoch) return;
    // An empty room whose messages were removed goes on counting.
    const room = rooms.get(id);
    const last = data.messages.length === 0 && room && !room.last_message ? room.last_seq : 0;
    this.messages.newest(data.messages, data.has_more, last);
    this.#readAt = at;
    this.#wasTold = this.#told;
    this.#accept(data.messages);
    this.#grown();
  }

  /** @param {number} limit */
  async #older(limit) {
    this.#paged = true;
    const before = this.messages.low;
    try {
      const { data } = await this.#shared.ops.read("history", { id: this.#options.id(), before, limit }, {});
      // Meanwhile the room may have been read anew from its end.
      if (before === this.messages.low) this.messages.older(data.messages, data.has_more);
      this.error = null;
    } catch (error) {
      this.#failed(error);
      if (!isStop(error)) throw error;
    }
  }

  /** Something came at the end. */
  #grown() {
    this.#bound();
    if (this.#missing) this.#plan(HOLE_MS);
    this.#options.changed();
  }

  /** What the reader has paged in stays until the reader is back. */
  #bound() {
    this.messages.trim(this.#paged ? MOST_IN_MEMORY : this.#shared.keep);
  }

  /** The last place that is known of. */
  get #last() {
    const id = this.#options.id();
    const room = id === null ? undefined : this.#shared.rooms.get(id);
    return Math.max(this.messages.last, room?.last_message?.seq ?? 0);
  }

  get #missing() {
    return this.messages.high !== null && this.#last > this.messages.high;
  }

  /** @param {number} ms */
  #plan(ms) {
    if (!this.#options.shown()) {
      // Whoever looks next reads it again.
      this.expire();
      return;
    }
    if (this.#timer !== null || this.#repairing) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (!this.#missing) return;
      this.#repairing = this.#fill().then((again) => {
        this.#repairing = null;
        if (again > 0) this.#plan(again);
      });
    }, ms);
  }

  /** @returns {Promise<number>} after how many ms to try again; 0: it is done */
  async #fill() {
    const id = /** @type {string} */ (this.#options.id());
    const epoch = this.#epoch;
    try {
      for (let page = 0; this.#missing; page += 1) {
        const after = /** @type {number} */ (this.messages.high);
        if (page >= MOST_WALKED || this.#last - after > PAGE) {
          await this.#end(id, true);
          break;
        }
        const { data } = await this.#shared.ops.read("history", { id, after, limit: PAGE }, {});
        if (epoch !== this.#epoch) return 0;
        this.messages.following(data.messages, after);
        this.#accept(data.messages);
        if (data.messages.length === 0) break;
      }
      this.error = null;
      this.#bound();
      this.#options.changed();
      return 0;
    } catch (error) {
      this.#failed(error);
      return this.#shared.muted() ? 0 : /** @type {any} */ (error).retryAfterMs || AGAIN_MS;
    }
  }

  /** The history knows what was sent, even when answer and event got lost. @param {Message[]} messages */
  #accept(messages) {
    for (const message of messages) if (message.client_id) this.#shared.outbox.accepted(message);
  }

  /** @param {any} error */
  #failed(error) {
    if (isStop(error)) return;
    this.error = error;
    this.#options.failed(error);
  }
}

/** Stopped: nothing is wrong. @param {any} error */
function isStop(error) {
  return error?.name === "AbortError";
}
