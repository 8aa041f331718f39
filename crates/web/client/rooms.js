/**
 * The rooms of one user: lists by filter, read once for everybody and kept up to date by events.
 *
 * Rules it lives by:
 * - a list that is fresh costs no request, nor does one that is being read;
 * - an answer does not undo what events said while it was on its way;
 * - when a list cannot be read, the last good one stays, and its error is told.
 */

import { asQuery, fits, nameOf } from "./filters.js";
import { applyToRoom, mergeRooms } from "./room-events.js";

/** @typedef {import("./model.js").Room} Room */
/** @typedef {import("./model.js").RoomFilter} RoomFilter */
/** @typedef {import("./model.js").GateEvent} GateEvent */

/**
 * @typedef {object} List
 * @property {RoomFilter} filter
 * @property {Set<string>} ids
 * @property {number} at            when its beginning was read; 0: never
 * @property {string|null} next     where older ones go on
 * @property {Error|null} error
 * @property {Promise<void>|null} loading
 * @property {Promise<Room[]>|null} paging
 * @property {Set<string>} changed  rooms that events told of while it was being read
 * @property {Room[]|null} sorted
 * @property {boolean} used         asked for since the last refresh
 */

const PAGE = 50;
const MOST_LISTS = 50;
const MOST_LISTED = 2_000;
const MOST_ROOMS = 4_000;
/** A direct room is looked for among this many pages of 100. */
const MOST_SEARCHED = 5;

export class Rooms {
  /** @type {Map<string, Room>} */ #rooms = new Map();
  /** The `updated_at` that was read last: older events are in it already. @type {Map<string, string>} */ #read = new Map();
  /** @type {Map<string, List>} */ #lists = new Map();
  /** @type {Map<string, Promise<Room>>} */ #single = new Map();
  /** When rooms were read by themselves. @type {Map<string, number>} */ #readAt = new Map();
  /** @type {Set<string>|null} */ #desks = null;
  /** Rooms that somebody shows, whatever the lists say. @type {(id: string) => boolean} */ #shown;
  #user;
  #ops;
  #freshness;
  #changed;

  /**
   * @param {{user: string, ops: import("./operations.js").Operations, freshness: import("./freshness.js").Freshness,
   *   changed: (ids: string[]) => void, shown?: (id: string) => boolean}} options
   */
  constructor({ user, ops, freshness, changed, shown = () => false }) {
    this.#user = user;
    this.#ops = ops;
    this.#freshness = freshness;
    this.#changed = changed;
    this.#shown = shown;
  }

  /** What is known of a list now, newest activity first; the same array until something changes. @param {RoomFilter} [filter] */
  list(filter = {}) {
    const list = this.#list(filter);
    list.used = true;
    return this.#sort(list);
  }

  /** @param {RoomFilter} [filter] */
  hasMore(filter = {}) {
    return goesOn(this.#list(filter));
  }

  /** Why the list could not be read the last time. @param {RoomFilter} [filter] */
  error(filter = {}) {
    return this.#list(filter).error;
  }

  /** All rooms that are known. */
  all() {
    return this.#rooms.values();
  }

  /** @param {string} id */
  get(id) {
    return this.#rooms.get(id);
  }

  /** The direct room with somebody, if it is known. @param {string} other */
  direct(other) {
    for (const room of this.#rooms.values()) if (other === peerOf(room, this.#user)) return room;
    return undefined;
  }

  /** Which desks the user serves, once that is known. @param {string[]} desks */
  serves(desks) {
    this.#desks = new Set(desks);
  }

  /**
   * Rejects only when there is nothing to show.
   * @param {RoomFilter} [filter] @param {{force?: boolean}} [options] @returns {Promise<Room[]>}
   */
  load(filter = {}, { force = false } = {}) {
    const list = this.#list(filter);
    list.used = true;
    return this.#ensure(list, force).then(() => this.list(filter));
  }

  /** The next older rooms. @param {RoomFilter} [filter] @returns {Promise<Room[]>} */
  async more(filter = {}) {
    const list = this.#list(filter);
    if (list.loading) await list.loading.catch(() => {});
    if (list.at === 0) return this.load(filter);
    if (!goesOn(list)) return this.list(filter);
    list.paging ??= this.#more(list).finally(() => (list.paging = null));
    return list.paging;
  }

  /** @param {string} id @param {{force?: boolean}} [options] @returns {Promise<Room>} */
  loadOne(id, { force = false } = {}) {
    const known = this.#rooms.get(id);
    const at = this.#readAt.get(id) ?? 0;
    if (known && !force && this.#freshness.good(at, this.#freshness.times.roomsMs, this.#tells(known))) return Promise.resolve(known);
    const under = this.#single.get(id);
    if (under) return under;
    const read = this.#loadOne(id, force).finally(() => this.#single.delete(id));
    this.#single.set(id, read);
    return read;
  }

  /** Looks for the direct room with somebody, further back than what is known. @param {string} other */
  async findDirect(other) {
    await this.#ensure(this.#list({}), false);
    if (this.direct(other) || this.#list({}).next === null) return this.direct(other);
    const filter = { kind: "direct" };
    await this.#ensure(this.#list(filter), false);
    for (let page = 0; !this.direct(other) && this.hasMore(filter) && page < MOST_SEARCHED; page += 1) {
      await this.more(filter);
    }
    return this.direct(other);
  }

  /** A room as the gateway answered it. @param {Room} room @param {number} [at] when it was read */
  put(room, at = Date.now()) {
    const merged = mergeRooms(this.#rooms.get(room.id), room);
    this.#read.set(room.id, room.updated_at);
    this.#readAt.set(room.id, at);
    this.#keep(merged);
    return merged;
  }

  /** Applies what an event says of its room. @param {GateEvent} event */
  apply(event) {
    const id = event.room ?? event.data?.id;
    if (typeof id !== "string") return;
    const known = this.#rooms.get(id);
    const room = applyToRoom(known, event, this.#user, this.#read.get(id));
    if (room === "unknown") {
      // A room outside of what was read: one request, and it stands where it belongs.
      if (this.#lists.size > 0) this.loadOne(id, { force: known !== undefined }).catch(() => {});
    } else if (room && room !== known) {
      this.#keep(room);
    }
  }

  /** @param {string} id @param {number} seq */
  markRead(id, seq) {
    const room = this.#rooms.get(id);
    if (!room || seq <= room.last_read_seq) return;
    const last_read_seq = Math.min(seq, room.last_seq);
    this.#keep({ ...room, last_read_seq, unread: Math.max(0, room.last_seq - last_read_seq) });
  }

  /** Nothing is fresh any more; what is known stays until something newer comes. */
  expire() {
    for (const list of this.#lists.values()) list.at = Math.min(list.at, 1);
    this.#readAt.clear();
  }

  /** Reads again what is in use and stale; lists that nobody asked for since the last time are left alone. */
  async refresh() {
    const used = [...this.#lists.values()].filter((list) => list.used && (list.at > 0 || list.error));
    for (const list of used) list.used = false;
    const results = await Promise.allSettled(used.map((list) => this.#reload(list)));
    return results.every((result) => result.status === "fulfilled" && result.value === null);
  }

  /** @param {List} list */
  async #reload(list) {
    if (!this.#good(list)) {
      await this.#ensure(list, false);
      if (list.error === null) return null;
    }
    // Fresh, or still to be read: the next refresh looks at it again.
    list.used = true;
    return list.error;
  }

  get #maxAgeMs() {
    return this.#freshness.atMost(this.#freshness.times.roomsMs);
  }

  /** @param {List} list */
  #good(list) {
    if (list.at === 0) return false;
    // Of what is said in rooms that wait at a desk, their agents are not told.
    const told = [...list.ids].every((id) => this.#tells(this.#rooms.get(id)));
    return this.#freshness.good(list.at, this.#freshness.times.roomsMs, told);
  }

  /** @param {Room|undefined} room */
  #tells(room) {
    return room === undefined || room.members.includes(this.#user);
  }

  /** @param {List} list @param {boolean} force */
  async #ensure(list, force) {
    if (!list.loading && !force && this.#good(list)) return;
    list.loading ??= this.#load(list, force).finally(() => (list.loading = null));
    await list.loading;
  }

  /** @param {List} list @param {boolean} force */
  async #load(list, force) {
    list.changed.clear();
    try {
      const query = { ...asQuery(list.filter), limit: PAGE };
      const { data, at } = await this.#ops.read("rooms", query, { maxAgeMs: this.#maxAgeMs, force });
      this.#begin(list, data, at);
      list.error = null;
    } catch (error) {
      // Stopped: nothing is wrong, and nothing is told.
      if (/** @type {any} */ (error).name === "AbortError") return;
      list.error = /** @type {Error} */ (error);
      this.#changed([]);
      if (list.at === 0) throw error;
    }
  }

  /** The beginning of a list was read. @param {List} list @param {{rooms: Room[], has_more: boolean, next: string|null}} page @param {number} at */
  #begin(list, page, at) {
    const ids = new Set(page.rooms.map((room) => room.id));
    const last = page.rooms.at(-1);
    // Where the page ends at a place that was known, nothing behind it has changed: what changes moves to the top.
    const end = last && list.ids.has(last.id) ? this.#rooms.get(last.id) : undefined;
    const joins = page.has_more && last && end && end.updated_at >= last.updated_at;
    let older = false;
    for (const id of list.ids) {
      const room = this.#rooms.get(id);
      // What stands behind the end of this page is still there; what the page could have held and did not, is gone.
      const behind = joins && room && room.updated_at < last.updated_at;
      if (behind) older = true;
      if (behind || (room && list.changed.has(id) && this.#fits(list, room))) ids.add(id);
    }
    list.ids = ids;
    list.at = at;
    if (!older || list.next === null) list.next = page.has_more ? page.next : null;
    list.sorted = null;
    for (const room of page.rooms) this.put(room, at);
    this.#changed([]);
  }

  /** @param {List} list */
  async #more(list) {
    const query = { ...asQuery(list.filter), limit: PAGE, before: list.next };
    const { data } = await this.#ops.read("rooms", query, { maxAgeMs: this.#maxAgeMs });
    for (const room of data.rooms) list.ids.add(room.id);
    list.next = data.has_more ? data.next : null;
    list.sorted = null;
    for (const room of data.rooms) this.put(room);
    this.#changed([]);
    return this.list(list.filter);
  }

  /** @param {string} id @param {boolean} force */
  async #loadOne(id, force) {
    try {
      const { data, at } = await this.#ops.read("room", { id }, { maxAgeMs: this.#maxAgeMs, force });
      return this.put(data, at);
    } catch (error) {
      if (/** @type {any} */ (error).status === 404) this.#forget(id);
      throw error;
    }
  }

  /** @param {Room} room */
  #keep(room) {
    this.#rooms.set(room.id, room);
    for (const list of this.#lists.values()) {
      if (list.loading) list.changed.add(room.id);
      const had = list.ids.has(room.id);
      const has = this.#fits(list, room) && (had || this.#reaches(list, room));
      if (has) list.ids.add(room.id);
      else list.ids.delete(room.id);
      if (had || has) list.sorted = null;
    }
    if (this.#rooms.size > MOST_ROOMS) this.#dropOld();
    this.#changed([room.id]);
  }

  /** @param {string} id */
  #forget(id) {
    if (!this.#rooms.delete(id)) return;
    for (const list of this.#lists.values()) {
      if (list.loading) list.changed.add(id);
      if (list.ids.delete(id)) list.sorted = null;
    }
    this.#read.delete(id);
    this.#readAt.delete(id);
    this.#changed([id]);
  }

  /** Whether the part of the list that was read reaches to this room. @param {List} list @param {Room} room */
  #reaches(list, room) {
    if (list.next === null) return true;
    const end = this.#sort(list).at(-1);
    return end === undefined || room.updated_at >= end.updated_at;
  }

  /** @param {List} list @param {Room} room */
  #fits(list, room) {
    return fits(list.filter, room, this.#user, (category) => this.#desks === null || this.#desks.has(category));
  }

  /** @param {List} list @returns {Room[]} */
  #sort(list) {
    if (list.sorted === null) {
      const rooms = [...list.ids].map((id) => this.#rooms.get(id)).filter((room) => room !== undefined);
      list.sorted = rooms.sort((a, b) => compare(b.updated_at, a.updated_at) || compare(b.id, a.id));
    }
    return list.sorted;
  }

  /** @param {RoomFilter} filter @returns {List} */
  #list(filter) {
    const name = nameOf(filter);
    let list = this.#lists.get(name);
    if (list) return list;
    list = { filter: asQuery(filter), ids: new Set(), at: 0, next: null, error: null, loading: null, paging: null, changed: new Set(), sorted: null, used: true };
    for (const room of this.#rooms.values()) if (this.#fits(list, room)) list.ids.add(room.id);
    this.#lists.set(name, list);
    if (this.#lists.size > MOST_LISTS) this.#dropList(name);
    return list;
  }

  /** @param {string} but */
  #dropList(but) {
    const unused = [...this.#lists].find(([name, list]) => name !== but && name !== "{}" && !list.used && !list.loading);
    const oldest = [...this.#lists.keys()].find((name) => name !== but && name !== "{}");
    const name = unused?.[0] ?? oldest;
    if (name !== undefined) this.#lists.delete(name);
  }

  /** Rooms that stand in no list and that nobody shows go first. */
  #dropOld() {
    const listed = new Set([...this.#lists.values()].flatMap((list) => [...list.ids]));
    for (const id of this.#rooms.keys()) {
      if (this.#rooms.size <= MOST_ROOMS) return;
      if (listed.has(id) || this.#shown(id)) continue;
      this.#rooms.delete(id);
      this.#read.delete(id);
      this.#readAt.delete(id);
    }
  }
}

/** Whether older rooms of a list can be read: a list holds so many and no more. @param {List} list */
function goesOn({ next, ids }) {
  return next !== null && ids.size < MOST_LISTED;
}

/** Who else is in a direct room: oneself, in the room of one. @param {Room} room @param {string} user */
export function peerOf(room, user) {
  if (room.kind !== "direct") return undefined;
  return room.members.find((member) => member !== user) ?? (room.members.includes(user) ? user : undefined);
}

/** @param {string} a @param {string} b */
function compare(a, b) {
  return a < b ? -1 : Number(a > b);
}
