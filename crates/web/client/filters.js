/** Which rooms a list is of: the gateway's filters, applied to what events say. */

/** @typedef {import("./model.js").Room} Room */
/** @typedef {import("./model.js").RoomFilter} RoomFilter */

const FIELDS = ["kind", "context_kind", "context_id", "category", "status", "assignee"];

/** The same filter has the same name, in whichever order its fields were written. @param {RoomFilter} filter */
export function nameOf(filter) {
  return JSON.stringify(asQuery(filter));
}

/** The filter as a query: only what is set, in one order. @param {RoomFilter} filter @returns {Record<string, string>} */
export function asQuery(filter) {
  /** @type {Record<string, string>} */
  const query = {};
  for (const field of FIELDS) {
    const value = /** @type {any} */ (filter)[field];
    if (value !== undefined && value !== null) query[field] = String(value);
  }
  return query;
}

/**
 * Whether a room stands in the list.
 * @param {RoomFilter} filter @param {Room} room @param {string} user
 * @param {(category: string) => boolean} serves  whether the user serves this desk, as far as is known
 */
export function fits(filter, room, user, serves) {
  const { kind, context_kind, context_id, category, status, assignee } = filter;
  if (kind !== undefined && room.kind !== kind) return false;
  if (context_kind !== undefined && room.context?.kind !== context_kind) return false;
  if (context_id !== undefined && room.context?.id !== context_id) return false;
  if (category !== undefined && room.category !== category) return false;
  if (status !== undefined && room.status !== status) return false;
  if (assignee !== undefined && (room.assignee ?? "") !== assignee) return false;
  if (room.members.includes(user)) return true;
  // What waits at a desk is told to its agents, and stands only in lists that ask for a desk or for what nobody has.
  const asksForDesks = category !== undefined || assignee === "";
  return asksForDesks && waits(room) && serves(/** @type {string} */ (room.category));
}

/** @param {Room} room */
export function waits(room) {
  return room.assignee === null && room.category !== null;
}
