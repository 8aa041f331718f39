/**
 * What waits at a desk, seen by one agent: which rooms belong in which list, in which order, and for how long
 * somebody has been waiting. No I/O and no page: rooms in, rooms out.
 *
 * @typedef {import("../../../crates/web/client/pollgate.js").Room} Room
 *
 * @typedef {object} View
 * @property {"waiting"|"mine"} who   nobody's, or the agent's own
 * @property {""|"open"|"pending"|"closed"} status   empty: every one
 * @property {string} desk            empty: every desk of the agent
 */

const DAY_MS = 86_400_000;
const FIRST_V7_MS = Date.UTC(2020, 0, 1);

/** In this order everywhere. */
export const STATUSES = /** @type {const} */ (["open", "pending", "closed"]);

/** A room without a status has just begun. @param {Room} room @returns {string} */
export function statusOf(room) {
  return room.status ?? "open";
}

/** Whether a room belongs to a view. @param {Room} room @param {View} view @param {string} me @param {string[]} desks */
export function belongs(room, view, me, desks) {
  if (room.kind !== "group" || !room.category) return false;
  if (view.desk ? room.category !== view.desk : !desks.includes(room.category) && room.assignee !== me) return false;
  if ((room.assignee ?? null) !== (view.who === "mine" ? me : null)) return false;
  return view.status === "" || statusOf(room) === view.status;
}

/**
 * What the gateway is asked for, first what must be complete. Rooms that a back end made may have no status at all, and
 * count as open: they are found in the list of every status.
 * @param {View} view @param {string} me
 * @returns {Record<string, string>[]}
 */
export function filtersOf(view, me) {
  const all = { assignee: view.who === "mine" ? me : "", ...(view.desk && { category: view.desk }) };
  if (view.status === "") return [all];
  const one = { ...all, status: view.status };
  return view.status === "open" ? [one, all] : [one];
}

/** When a room was made: its id is a UUID of version 7, which begins with the time. @param {string} id @returns {number|null} */
export function madeAt(id) {
  const digits = id.replaceAll("-", "");
  if (!/^[0-9a-f]{12}7[0-9a-f]{19}$/i.test(digits)) return null;
  const ms = Number.parseInt(digits.slice(0, 12), 16);
  return ms >= FIRST_V7_MS ? ms : null;
}

/**
 * Since when the visitor waits for a word, or null when it is the visitor's turn.
 *
 * At the desk: since the conversation began; came the visitor back on a later day, since the last word. With an agent:
 * since the visitor's last word, if that is the last one.
 * @param {Room} room @param {string} me @returns {number|null}
 */
export function waitingSince(room, me) {
  if (statusOf(room) === "closed") return null;
  const last = room.last_message ? Date.parse(room.last_message.created_at) : null;
  if (room.assignee !== null && room.assignee !== undefined) {
    return last !== null && room.last_message?.sender !== me && room.last_message?.sender !== room.assignee ? last : null;
  }
  const made = madeAt(room.id) ?? last ?? Date.parse(room.updated_at);
  return last !== null && last - made > DAY_MS ? last : made;
}

/** Who is being helped. @param {Room} room @param {Set<string>} [agents] @returns {string} */
export function visitorOf(room, agents = new Set()) {
  const others = room.members.filter((user) => user !== room.assignee && !agents.has(user));
  return others[0] ?? room.members.find((user) => user !== room.assignee) ?? room.members[0] ?? "";
}

/**
 * The rooms of a view. Whoever waits longest stands first among what is to be answered; elsewhere the newest activity
 * does.
 * @param {Room[]} rooms @param {View} view @param {string} me @param {string[]} desks @returns {Room[]}
 */
export function listed(rooms, view, me, desks) {
  const chosen = rooms.filter((room) => belongs(room, view, me, desks));
  if (view.who === "waiting" && view.status === "open") {
    return chosen.sort((a, b) => (waitingSince(a, me) ?? 0) - (waitingSince(b, me) ?? 0) || (a.id < b.id ? -1 : 1));
  }
  return chosen.sort((a, b) => Date.parse(b.updated_at) - Date.parse(a.updated_at) || (a.id < b.id ? 1 : -1));
}

/** What an agent should look at now: all that waits, and own rooms with something unread. @param {Room[]} rooms @param {string} me @param {string[]} desks */
export function pressing(rooms, me, desks) {
  const waiting = listed(rooms, { who: "waiting", status: "open", desk: "" }, me, desks).length;
  const unread = listed(rooms, { who: "mine", status: "", desk: "" }, me, desks).filter((room) => room.unread > 0).length;
  return { waiting, unread, total: waiting + unread };
}

/** "just now", "4 min", "2 h 10 min", "3 days". @param {number} ms @returns {string} */
export function lasting(ms) {
  const minutes = Math.floor(Math.max(ms, 0) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return hours < 10 && minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  const days = Math.floor(hours / 24);
  return days === 1 ? "1 day" : `${days} days`;
}
