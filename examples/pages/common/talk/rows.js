/** What a conversation shows, row by row: days, the line above new messages, runs of one sender. Pure, so that it can be tested. */

import { dayKey, dayLabel } from "../time.js";

/** Two messages of one sender stand together when no more than this lies between them. */
const RUN_MS = 5 * 60_000;

/**
 * @typedef {object} File
 * @property {string} id
 * @property {string} name
 * @property {string} media_type
 * @property {number} size
 */

/**
 * @typedef {object} Entry
 * @property {string} key
 * @property {string | null} [id]
 * @property {number | null} [seq]
 * @property {"sending" | "sent" | "failed"} state
 * @property {string} sender
 * @property {boolean} mine
 * @property {string} body
 * @property {string} at
 * @property {string | null} [editedAt]
 * @property {boolean} [deleted]
 * @property {File[]} [files]
 * @property {string | null} [replyTo]
 * @property {string | null} [reason]
 */

/** A line of the system's among the messages: somebody joined, something was closed. @typedef {{key: string, at: string, text: string}} Note */
/** @typedef {{kind: "new", key: string} | {kind: "note", key: string, note: Note} | {kind: "entry", key: string, entry: Entry, first: boolean, last: boolean}} Row */
/** @typedef {{key: string, label: string, rows: Row[]}} Day */

/** @param {Entry | undefined} before @param {Entry} entry */
function startsRun(before, entry) {
  if (!before || before.sender !== entry.sender) return true;
  return Date.parse(entry.at) - Date.parse(before.at) > RUN_MS;
}

/** The first message that counts as new: somebody else's, after what had been read. @param {readonly Entry[]} entries @param {number | null} readUpTo */
export function firstNew(entries, readUpTo) {
  if (readUpTo === null) return undefined;
  return entries.find((entry) => !entry.mine && typeof entry.seq === "number" && entry.seq > readUpTo);
}

/** The days of a conversation, as they are begun. */
class Days {
  /** @type {Day[]} */ all = [];
  #latest = -Infinity;
  #now;

  /** @param {number} now */
  constructor(now) {
    this.#now = now;
  }

  /** The rows of the day of a time. A clock that was put back must not show a day twice: what follows stays in the later day. @param {string} at */
  rows(at) {
    const key = dayKey(at);
    const time = Date.parse(at);
    const last = this.all[this.all.length - 1];
    if (!last || (last.key !== key && time > this.#latest)) this.all.push({ key, label: dayLabel(at, this.#now), rows: [] });
    this.#latest = Math.max(this.#latest, time);
    return this.all[this.all.length - 1].rows;
  }
}

/**
 * @param {readonly Entry[]} entries oldest first
 * @param {{newAfter?: number | null, now?: number, notes?: readonly Note[], whole?: boolean}} [options]
 *   `whole`: nothing older is missing, so notes from before the first message have their place
 * @returns {Day[]}
 */
export function daysOf(entries, { newAfter = null, now = Date.now(), notes = [], whole = true } = {}) {
  const fresh = firstNew(entries, newAfter);
  const days = new Days(now);
  const left = notes.filter(({ at }) => whole || (entries.length > 0 && at >= entries[0].at)).sort((one, other) => (one.at < other.at ? -1 : 1));
  /** @type {Entry | undefined} */ let before;
  /** @type {Extract<Row, {kind: "entry"}> | undefined} */ let row;
  const endRun = () => {
    if (row) row.last = true;
    row = undefined;
    before = undefined;
  };
  /** @param {Entry} [entry] notes before it; all that are left, without one */
  const addNotes = (entry) => {
    while (left.length > 0 && (!entry || left[0].at < entry.at)) {
      const note = /** @type {Note} */ (left.shift());
      days.rows(note.at).push({ kind: "note", key: `note:${note.key}`, note });
      endRun();
    }
  };
  for (const entry of entries) {
    // What is not sent yet stands last, after all that has happened.
    addNotes(entry.seq ? entry : undefined);
    const rows = days.rows(entry.at);
    let first = rows.length === 0 || startsRun(before, entry);
    if (entry === fresh) {
      rows.push({ kind: "new", key: "new" });
      first = true;
    }
    if (row && first) row.last = true;
    row = { kind: "entry", key: entry.key, entry, first, last: false };
    rows.push(row);
    before = entry;
  }
  addNotes();
  endRun();
  return days.all;
}

/**
 * How far the others have read, as faces under the message they have come to.
 * @param {readonly Entry[]} entries @param {ReadonlyMap<string, number>} receipts @param {string} me
 * @returns {Map<string, string[]>} key of an entry to those who have read up to it
 */
export function readersByEntry(entries, receipts, me) {
  const found = new Map();
  for (const [user, seq] of receipts) {
    if (user === me) continue;
    const entry = entries.findLast((one) => typeof one.seq === "number" && one.seq <= seq);
    if (!entry || entry.sender === user) continue;
    found.set(entry.key, [...(found.get(entry.key) ?? []), user]);
  }
  return found;
}

/**
 * @param {Entry} entry @param {ReadonlyMap<string, number>} receipts @param {readonly string[]} others
 * @returns {{read: number, of: number}} how many of the others have read it
 */
export function readCount(entry, receipts, others) {
  const { seq } = entry;
  if (typeof seq !== "number") return { read: 0, of: others.length };
  return { read: others.filter((user) => (receipts.get(user) ?? 0) >= seq).length, of: others.length };
}
