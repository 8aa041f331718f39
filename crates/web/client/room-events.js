/** What events make of a room, without anything else: a room goes in and comes out. */

/** @typedef {import("./model.js").Room} Room */
/** @typedef {import("./model.js").Message} Message */
/** @typedef {import("./model.js").GateEvent} GateEvent */

const MOST_TEXT = 200;

/**
 * @param {Room|undefined} room what is known
 * @param {GateEvent} event
 * @param {string} user
 * @param {string} [readAs] the `updated_at` under which the room was read last
 * @returns {Room|"unknown"|undefined} the room afterwards; "unknown": it must be read
 */
export function applyToRoom(room, event, user, readAs) {
  const { type, data } = event;
  switch (type) {
    case "room.created":
    case "room.updated":
      // An event from before it was read would take the room back.
      if (room && readAs !== undefined && data.updated_at < readAs) return room;
      // Rooms of many members are told without it, and one's mark is set anew when one comes in.
      if (data.last_read_seq === undefined && data.last_seq > 0 && !room?.members.includes(user)) return "unknown";
      return mergeRooms(room, data, true);
    case "message.created":
      return room ? withMessage(room, data, user) : "unknown";
    case "message.updated":
    case "message.deleted":
      return room && withText(room, data);
    case "message.read":
      return room && data.user === user ? withRead(room, data.seq) : room;
    case "member.added":
      return room && withMembers(room, [...room.members, data.user], event.at);
    case "member.removed":
      return room && withMembers(room, room.members.filter((member) => member !== data.user), event.at);
    default:
      return room;
  }
}

/**
 * What is newer of two: an answer may be older than what events said meanwhile, and places in a room never go back.
 * Rooms of many members come without what is unread.
 * @param {Room|undefined} known @param {Room} next
 * @param {boolean} [told] by an event: these come in their order, whatever the clocks of the gateways say
 * @returns {Room}
 */
export function mergeRooms(known, next, told = false) {
  const stale = !told && known !== undefined && known.updated_at > next.updated_at;
  const last_seq = Math.max(known?.last_seq ?? 0, next.last_seq);
  const last_read_seq = Math.max(known?.last_read_seq ?? 0, next.last_read_seq ?? 0);
  const ahead = known?.last_message && known.last_message.seq > (next.last_message?.seq ?? next.last_seq);
  const last_message = ahead ? known.last_message : next.last_message;
  const updated_at = known && (ahead || stale) && known.updated_at > next.updated_at ? known.updated_at : next.updated_at;
  const base = stale ? known : next;
  return { ...base, last_seq, last_read_seq, last_message, updated_at, unread: Math.max(0, last_seq - last_read_seq) };
}

/** @param {Room} room @param {Message} message @param {string} user @returns {Room} */
function withMessage(room, message, user) {
  if (message.seq <= room.last_seq) return room;
  // Who sends has read everything.
  const last_read_seq = message.sender === user ? message.seq : room.last_read_seq;
  const { id, seq, sender, created_at } = message;
  return {
    ...room,
    last_seq: seq,
    last_read_seq,
    unread: Math.max(0, seq - last_read_seq),
    last_message: { id, seq, sender, text: cut(message.body), created_at },
    updated_at: created_at > room.updated_at ? created_at : room.updated_at,
  };
}

/** @param {Room} room @param {Message} message @returns {Room} */
function withText(room, message) {
  const last = room.last_message;
  if (last?.id !== message.id || last.text === cut(message.body)) return room;
  return { ...room, last_message: { ...last, text: cut(message.body) } };
}

/** @param {Room} room @param {number} seq @returns {Room} */
function withRead(room, seq) {
  if (seq <= room.last_read_seq) return room;
  return { ...room, last_read_seq: seq, unread: Math.max(0, room.last_seq - seq) };
}

/** A change of members moves the room up. @param {Room} room @param {string[]} members @param {string} at @returns {Room} */
function withMembers(room, members, at) {
  return { ...room, members: [...new Set(members)].sort(), updated_at: at > room.updated_at ? at : room.updated_at };
}

/** As the gateway cuts it: by characters, not by halves of them. @param {string} text */
function cut(text) {
  return text.length <= MOST_TEXT ? text : [...text.slice(0, MOST_TEXT * 2)].slice(0, MOST_TEXT).join("");
}
