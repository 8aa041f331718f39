/** @typedef {import("../../../../crates/web/client/pollgate.js").Room} Room */

const FRESH_MS = 86_400_000;

/**
 * Which conversation a visitor goes on with: an open one about what the page is about, if it is about something; else
 * the newest open one; else the newest that was closed within a day, for it may not be done. None: a new one.
 * @param {Room[]} rooms @param {{kind: string, id: string}|null} context @param {number} [now] @returns {Room|undefined}
 */
export function pick(rooms, context, now = Date.now()) {
  const newest = [...rooms].sort((a, b) => Date.parse(b.updated_at) - Date.parse(a.updated_at));
  const about = newest.filter((room) => context && room.context?.kind === context.kind && room.context?.id === context.id);
  const fresh = (/** @type {Room} */ room) => room.status !== "closed" || now - Date.parse(room.updated_at) < FRESH_MS;
  const open = (/** @type {Room} */ room) => room.status !== "closed";
  if (context) return about.find(open) ?? about.find(fresh);
  return newest.find(open) ?? newest.find(fresh);
}
