/** Who is online: told by events, asked for in batches. */

/** @typedef {import("./model.js").Presence} Presence */

const MOST_ASKED = 100;
const MOST_KNOWN = 2_000;
const GATHER_MS = 10;

export class PresenceBook {
  /** @type {Map<string, Presence & {at: number}>} */ #known = new Map();
  /** @type {Map<string, {promise: Promise<void>, resolve: () => void, reject: (error: any) => void}>} */ #wanted = new Map();
  /** @type {Map<string, Promise<void>>} */ #underWay = new Map();
  /** @type {ReturnType<typeof setTimeout>|null} */ #timer = null;
  #ops;
  #freshness;
  #changed;

  /**
   * @param {{ops: import("./operations.js").Operations, freshness: import("./freshness.js").Freshness, changed: (presence: Presence) => void}} options
   */
  constructor({ ops, freshness, changed }) {
    this.#ops = ops;
    this.#freshness = freshness;
    this.#changed = changed;
  }

  /** @param {string} user @returns {Presence|undefined} */
  get(user) {
    const known = this.#known.get(user);
    return known && { user, online: known.online, since: known.since };
  }

  /** Users asked for within the same moment go into one request. @param {Iterable<string>} users @returns {Promise<(Presence|undefined)[]>} */
  async load(users) {
    const asked = [...new Set(users)];
    const waits = asked.filter((user) => !this.#fresh(user)).map((user) => this.#want(user));
    await Promise.all(waits);
    return asked.map((user) => this.get(user));
  }

  /** @param {Presence} presence */
  heard(presence) {
    const known = this.#known.get(presence.user);
    // Two gateways may tell of two changes in either order.
    if (known?.since && presence.since && presence.since < known.since) return;
    this.#put(presence, known?.at ?? Date.now());
  }

  /** Events may have been missed: those asked for lately are asked for again. */
  async repair() {
    const users = [...this.#known.keys()].slice(-MOST_ASKED);
    for (const known of this.#known.values()) known.at = 0;
    await this.load(users);
  }

  stop() {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    for (const wanted of this.#wanted.values()) wanted.resolve();
    this.#wanted.clear();
  }

  /** @param {string} user */
  #fresh(user) {
    const known = this.#known.get(user);
    return known !== undefined && this.#freshness.good(known.at, this.#freshness.times.roomsMs);
  }

  /** @param {string} user @returns {Promise<void>} */
  #want(user) {
    const waiting = this.#underWay.get(user) ?? this.#wanted.get(user)?.promise;
    if (waiting) return waiting;
    let resolve = () => {};
    let reject = (/** @type {any} */ error) => { void error; };
    /** @type {Promise<void>} */
    const promise = new Promise((yes, no) => ((resolve = yes), (reject = no)));
    this.#wanted.set(user, { promise, resolve, reject });
    this.#timer ??= setTimeout(() => this.#ask(), GATHER_MS);
    return promise;
  }

  #ask() {
    this.#timer = null;
    const wanted = [...this.#wanted];
    this.#wanted.clear();
    for (let from = 0; from < wanted.length; from += MOST_ASKED) void this.#askFor(wanted.slice(from, from + MOST_ASKED));
  }

  /** @param {[string, {promise: Promise<void>, resolve: () => void, reject: (error: any) => void}][]} wanted */
  async #askFor(wanted) {
    for (const [user, { promise }] of wanted) this.#underWay.set(user, promise);
    try {
      const user = wanted.map(([name]) => name).sort();
      const { data, at } = await this.#ops.read("presence", { user }, { maxAgeMs: this.#freshness.atMost(this.#freshness.times.roomsMs) });
      for (const presence of data.users) {
        const known = this.#known.get(presence.user);
        const newer = known?.since && presence.since && presence.since < known.since;
        this.#put(newer ? /** @type {Presence} */ (known) : presence, at);
      }
      for (const [, { resolve }] of wanted) resolve();
    } catch (error) {
      for (const [, { reject }] of wanted) reject(error);
    } finally {
      for (const [user] of wanted) this.#underWay.delete(user);
    }
  }

  /** @param {Presence} presence @param {number} at */
  #put({ user, online, since }, at) {
    const known = this.#known.get(user);
    this.#known.delete(user);
    this.#known.set(user, { user, online, since, at });
    if (this.#known.size > MOST_KNOWN) this.#known.delete(/** @type {string} */ (this.#known.keys().next().value));
    if (known?.online !== online || known?.since !== since) this.#changed({ user, online, since });
  }
}
