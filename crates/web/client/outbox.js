/**
 * Messages on their way: shown at once, sent in the order of their room, kept until the gateway has them.
 *
 * Rules it lives by:
 * - a message goes under one `client_id` from the first attempt to the last, so the gateway stores it once;
 * - of one room, one message is under way at a time, in one tab of the browser (a Web Lock);
 * - network trouble, 429 and 5xx are tried again, later and later; any other refusal is final and told;
 * - what waits survives a reload. What waits for longer than a day is not sent unasked any more.
 */

import { clientId } from "./clientid.js";
import { OutboxDb } from "./outbox-db.js";

/** @typedef {import("./outbox-db.js").Item} Item */
/** @typedef {import("./model.js").Message} Message */
/** @typedef {import("./model.js").FileInfo} FileInfo */
/** @typedef {{body?: string, attachments?: (string|FileInfo)[], reply_to?: string|null}} Draft */

/** @typedef {(name: string, work: () => Promise<void>) => Promise<unknown>} Lock */

/**
 * @typedef {object} OutboxOptions
 * @property {string} user
 * @property {string} gateway                    its origin: nothing goes to another one
 * @property {(body: any) => Promise<Message>} send
 * @property {() => void} changed                what waits, or why, changed
 * @property {(message: Message, item: Item) => void} sent  called before the item is gone
 * @property {(kind: string, data: any) => void} broadcast  to the other tabs
 * @property {IDBFactory} [indexedDB]
 * @property {Lock} [lock]
 * @property {() => number} [random]
 */

export const MOST_ITEMS = 200;
export const MOST_BYTES = 4 * 1024 * 1024;
export const MOST_AGE_MS = 24 * 3_600_000;
/** Failed ones that nobody looked after are forgotten. */
export const MOST_FAILED_AGE_MS = 7 * MOST_AGE_MS;
/** So long the tab that wrote a message has for sending it, before another one does. */
const TAKE_OVER_MS = 5_000;
/** So long another tab's word of what it has sent or discarded may take. */
const WORD_MS = 2_000;
const TOO_MANY = "Too many messages wait to be sent";
const GONE = "The browser has not kept it; it may not have been sent";
const FIRST_BACKOFF_MS = 500;
const MOST_BACKOFF_MS = 20_000;
/** A longer wait was never asked for: then the clock was set back. */
const MOST_WAIT_MS = 600_000;

export class Outbox {
  /** @type {Map<string, Item>} */ #items = new Map();
  /** @type {Map<string, Promise<unknown>>} lanes that this tab is sending */ #lanes = new Map();
  /** @type {Map<string, ReturnType<typeof setTimeout>>} */ #timers = new Map();
  /** Being written down. @type {Map<string, Promise<void>>} */ #writes = new Map();
  /** @type {Set<string>} */ #underWay = new Set();
  /** @type {Promise<void>|null} */ #loaded = null;
  /** Not to wait for the back-off that is written down. @type {Set<string>} */ #eager = new Set();
  /** Since when they lie in the database no more, though nobody said why. @type {Map<string, number>} */ #gone = new Map();
  #running = false;
  #n = 0;
  /** @type {Required<Omit<OutboxOptions, "indexedDB">>} */ #options;
  #db;

  /** @param {OutboxOptions} options */
  constructor(options) {
    this.#options = { lock: webLock, random: Math.random, ...options };
    this.#db = new OutboxDb(options, options.indexedDB ?? globalThis.indexedDB);
  }

  /** What waits for a room, in its order. @param {(item: Item) => boolean} belongs */
  waiting(belongs) {
    return [...this.#items.values()].filter(belongs).sort((a, b) => a.n - b.n);
  }

  /** @param {string} id */
  get(id) {
    return this.#items.get(id);
  }

  /** Goes on with what an earlier page left behind. */
  start() {
    if (this.#running) return;
    this.#running = true;
    this.#load().then(() => this.wake());
  }

  stop() {
    this.#running = false;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.rest();
  }

  /** The page may be gone, or come back: the database is let go of. */
  rest() {
    void this.#db.close();
  }

  /** The gateway can be reached again: nothing waits for its back-off. */
  wake() {
    if (!this.#running) return;
    this.#eager.clear();
    for (const item of this.#items.values()) {
      // A gateway that said how long to wait is taken at its word.
      if (item.state !== "queued" || item.asked) continue;
      item.notBefore = 0;
      this.#eager.add(item.clientId);
    }
    for (const lane of new Set([...this.#items.values()].filter(isQueued).map((item) => item.lane))) this.#go(lane);
  }

  /**
   * @param {{room: string|null, to: string|null, lane: string}} where @param {Draft} draft @returns {Item}
   */
  add({ room, to, lane }, { body = "", attachments = [], reply_to = null }) {
    const at = Date.now();
    this.#n = Math.max(at, this.#n + 1);
    /** @type {Item} */
    const item = {
      clientId: clientId(),
      user: this.#options.user,
      gateway: this.#options.gateway,
      lane,
      n: this.#n,
      room,
      to: room === null ? to : null,
      body,
      files: attachments.filter((file) => typeof file === "object"),
      attachments: attachments.map((file) => (typeof file === "object" ? file.id : file)),
      replyTo: reply_to,
      at,
      state: "queued",
      reason: null,
      attempts: 0,
      notBefore: 0,
    };
    if (this.#items.size >= 2 * MOST_ITEMS) throw new RangeError(TOO_MANY);
    const fits = this.#fits(item);
    this.#items.set(item.clientId, item);
    if (!fits) {
      Object.assign(item, { state: "failed", reason: TOO_MANY });
    } else {
      this.#write(item);
      this.#go(lane);
    }
    this.#options.changed();
    return item;
  }

  /** Tries a failed one once more. @param {string} id @returns {boolean} false when too many others wait */
  retry(id) {
    const item = this.#items.get(id);
    if (!item || this.#underWay.has(id)) return true;
    if (!this.#fits(item)) return false;
    const again = { ...item, state: /** @type {const} */ ("queued"), reason: null, notBefore: 0, attempts: 0, at: item.state === "failed" ? Date.now() : item.at };
    delete again.asked;
    this.#items.set(id, again);
    this.#write(again);
    this.#options.changed();
    this.#go(item.lane);
    return true;
  }

  /** Gives one up. What is under way cannot be called back. @param {string} id @returns {boolean} */
  discard(id) {
    if (!this.#items.has(id) || this.#underWay.has(id)) return false;
    this.#drop(id);
    return true;
  }

  /** The gateway has it: an event or the history says so. @param {Message} message */
  accepted(message) {
    const item = message.client_id && message.sender === this.#options.user ? this.#items.get(message.client_id) : undefined;
    if (item) this.#drop(item.clientId);
  }

  /** Another tab did something. @param {string} kind @param {any} data */
  heard(kind, data) {
    if (data?.user !== this.#options.user) return;
    if (kind === "outbox-item") {
      this.#items.set(data.item.clientId, data.item);
      this.#options.changed();
      // The tab that wrote it may close before it was sent.
      if (isQueued(data.item)) this.#later(data.item.lane, dueIn(data.item) + TAKE_OVER_MS);
    } else if (kind === "outbox-sent") {
      const item = this.#items.get(data.message.client_id);
      if (item) this.#options.sent(data.message, item);
      this.#left(data.message.client_id);
    } else if (kind === "outbox-gone") {
      this.#left(data.clientId);
    }
  }

  /** Another tab has seen to it. @param {string} id */
  #left(id) {
    this.#gone.delete(id);
    if (this.#items.delete(id)) this.#options.changed();
  }

  /** Whether there is room for it beside the others. @param {Item} item */
  #fits(item) {
    const others = [...this.#items.values()].filter((other) => other.clientId !== item.clientId && other.reason !== TOO_MANY);
    const bytes = others.reduce((sum, other) => sum + other.body.length, item.body.length) * 2;
    return others.length < MOST_ITEMS && bytes <= MOST_BYTES;
  }

  /** Nothing of the user stays in this browser. */
  async clear() {
    await this.#load();
    await Promise.all(this.#writes.values());
    for (const id of [...this.#items.keys()]) this.#drop(id);
    await this.#db.clear();
  }

  async #load() {
    this.#loaded ??= this.#db.all().then((items) => {
      for (const item of items) {
        if (this.#items.has(item.clientId)) continue;
        if (item.state === "failed" && Date.now() - item.at > MOST_FAILED_AGE_MS) void this.#db.delete(item.clientId);
        else this.#items.set(item.clientId, item);
      }
      if (items.length > 0) this.#options.changed();
    });
    await this.#loaded;
  }

  /** Sends what a lane holds, unless that is going on. @param {string} lane */
  #go(lane) {
    if (!this.#running || this.#lanes.has(lane)) return;
    clearTimeout(this.#timers.get(lane));
    this.#timers.delete(lane);
    const { gateway, user, lock } = this.#options;
    const going = lock(`pollgate-outbox ${gateway} ${user} ${lane}`, () => this.#drain(lane))
      .catch(() => {})
      .finally(() => {
        this.#lanes.delete(lane);
        if (this.#running) this.#plan(lane);
      });
    this.#lanes.set(lane, going);
  }

  /** The next attempt, where one is due later. @param {string} lane */
  #plan(lane) {
    const next = this.#first(lane);
    if (next) this.#later(lane, dueIn(next));
  }

  /** @param {string} lane @param {number} ms */
  #later(lane, ms) {
    if (!this.#running || this.#lanes.has(lane)) return;
    clearTimeout(this.#timers.get(lane));
    this.#timers.set(lane, setTimeout(() => this.#go(lane), ms));
  }

  /** @param {string} lane */
  async #drain(lane) {
    for (let item = this.#first(lane); item && this.#running; item = this.#first(lane)) {
      if (dueIn(item) > 0) return;
      await this.#writes.get(item.clientId);
      const kept = await this.#db.get(item.clientId);
      if (!this.#running) return;
      // Sent by another tab or discarded meanwhile.
      if (!this.#items.has(item.clientId)) continue;
      if (!kept) {
        this.#lost(item);
        continue;
      }
      this.#gone.delete(item.clientId);
      // What another tab wrote down while we waited for the lock counts.
      const now = { ...item, ...kept };
      if (this.#eager.delete(now.clientId) && !now.asked) now.notBefore = 0;
      this.#items.set(now.clientId, now);
      if (now.state === "failed" || dueIn(now) > 0) continue;
      if (Date.now() - now.at > MOST_AGE_MS) this.#set({ ...now, state: "failed", reason: "It waited for too long" });
      else await this.#send(now);
    }
  }

  /**
   * It is kept no more: another tab has sent or discarded it while we waited for the lock, and its word is on its way;
   * or the site's data was cleared, and only the user knows what is to become of it.
   * @param {Item} item
   */
  #lost(item) {
    const since = this.#gone.get(item.clientId) ?? Date.now();
    const age = Date.now() - since;
    const waits = age >= 0 && age < WORD_MS;
    if (waits) this.#gone.set(item.clientId, since);
    else this.#gone.delete(item.clientId);
    // Nothing is told to the other tabs, nor written down: one of them may know better.
    this.#items.set(item.clientId, waits ? { ...item, notBefore: since + WORD_MS } : { ...item, state: "failed", reason: GONE });
    this.#options.changed();
  }

  /** @param {Item} item */
  async #send(item) {
    this.#underWay.add(item.clientId);
    try {
      const message = await this.#options.send(bodyOf(item));
      if (!this.#running) return;
      this.#options.sent(message, item);
      this.#items.delete(item.clientId);
      this.#eager.delete(item.clientId);
      await this.#db.delete(item.clientId);
      this.#options.broadcast("outbox-sent", { user: item.user, message });
    } catch (error) {
      if (this.#running && this.#items.has(item.clientId)) this.#trouble(item, error);
    } finally {
      this.#underWay.delete(item.clientId);
    }
    if (this.#running) this.#options.changed();
  }

  /** @param {Item} item @param {any} error */
  #trouble(item, error) {
    const reason = String(error?.detail ?? error?.message ?? error);
    if (!isPassing(error)) return this.#set({ ...item, state: "failed", reason });
    const { random } = this.#options;
    const attempts = item.attempts + 1;
    const asked = error.retryAfterMs > 0;
    const wait = asked
      ? error.retryAfterMs * (1 + random() / 4)
      : Math.min(MOST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (attempts - 1)) * random();
    this.#set({ ...item, reason, attempts, notBefore: Date.now() + Math.ceil(wait), asked });
  }

  /** @param {Item} item */
  #set(item) {
    this.#items.set(item.clientId, item);
    void this.#db.change(item);
    this.#options.broadcast("outbox-item", { user: item.user, item });
    this.#options.changed();
  }

  /** @param {Item} item */
  #write(item) {
    const writing = this.#db.put(item).finally(() => this.#writes.get(item.clientId) === writing && this.#writes.delete(item.clientId));
    this.#writes.set(item.clientId, writing);
    this.#options.broadcast("outbox-item", { user: item.user, item });
  }

  /** @param {string} id */
  #drop(id) {
    this.#items.delete(id);
    this.#eager.delete(id);
    this.#gone.delete(id);
    const written = this.#writes.get(id) ?? Promise.resolve();
    void written.then(() => this.#db.delete(id));
    this.#options.broadcast("outbox-gone", { user: this.#options.user, clientId: id });
    this.#options.changed();
  }

  /** @param {string} lane */
  #first(lane) {
    return this.waiting((item) => item.lane === lane && isQueued(item))[0];
  }
}

/** @param {Item} item */
function isQueued(item) {
  return item.state === "queued";
}

/** How long it has to wait still. @param {Item} item */
function dueIn({ notBefore }) {
  const ms = notBefore - Date.now();
  return ms > MOST_WAIT_MS ? 0 : Math.max(ms, 0);
}

/** Whether another attempt may cure it. @param {any} error */
function isPassing(error) {
  const status = error?.status ?? 0;
  return error?.name !== "AbortError" ? status === 0 || status === 408 || status === 429 || status >= 500 : true;
}

/** @param {Item} item */
function bodyOf({ room, to, body, clientId, attachments, replyTo }) {
  return {
    ...(room === null ? { to } : { room }),
    body,
    client_id: clientId,
    ...(attachments.length > 0 && { attachments }),
    ...(replyTo !== null && { reply_to: replyTo }),
  };
}

/** @type {Lock} */
function webLock(name, work) {
  const locks = globalThis.navigator?.locks;
  return locks ? locks.request(name, work) : work();
}
