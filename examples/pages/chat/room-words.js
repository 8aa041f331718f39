/** What a room is called, and what a list says of it. Pure. */

import { listOf, nameOf } from "../common/names.js";
import { ago } from "../common/time.js";

/**
 * @typedef {object} Room
 * @property {string} id
 * @property {"direct" | "group"} kind
 * @property {string | null} [name]
 * @property {string[]} members
 * @property {{id: string, seq: number, sender: string, text: string, created_at: string} | null} [last_message]
 * @property {number} [last_seq]
 * @property {number} [last_read_seq]
 * @property {number} [unread]
 * @property {string | null} [updated_at]
 * @property {string | null} [category]
 * @property {string | null} [status]
 */

/** @param {Room} room @param {string} me @returns {string | undefined} who the other one is, in a direct room */
export function otherOf(room, me) {
  if (room.kind !== "direct") return undefined;
  return room.members.find((user) => user !== me) ?? me;
}

/** Whoever was sent away may still have the room before them, without themselves in it. @param {Room | undefined} room @param {string} me */
export function belongsTo(room, me) {
  return room !== undefined && room.members.includes(me);
}

/** @param {Room} room @param {string} me @returns {string} */
export function titleOf(room, me) {
  const other = otherOf(room, me);
  if (other === me) return "Notes to yourself";
  if (other) return nameOf(other);
  if (room.name) return room.name;
  const others = room.members.filter((user) => user !== me);
  return others.length > 0 ? listOf(others.map(nameOf)) : "Only you";
}

/**
 * The last message in a line. The list has its text only: no text means a file, or a message taken back.
 * @param {Room} room @param {string} me @param {string} [known] what is known of a message without text
 * @returns {string}
 */
export function previewOf(room, me, known) {
  const last = room.last_message;
  if (!last) return room.kind === "group" ? "No messages yet" : "Say hello";
  const text = last.text.replace(/\s+/g, " ").trim() || known || "Attachment or deleted message";
  if (last.sender === me) return `You: ${text}`;
  return room.kind === "group" ? `${nameOf(last.sender)}: ${text}` : text;
}

/** @param {Room} room @param {string[]} typists @returns {string} */
export function typingIn(room, typists) {
  if (typists.length === 0) return "";
  if (room.kind === "direct") return "typing …";
  return `${listOf(typists.map(nameOf), 2)} ${typists.length > 1 ? "are" : "is"} typing …`;
}

/** @param {string} text @returns {string} without case and accents */
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** @param {Room} room @param {string} me @param {string} query @returns {boolean} whether all words of the query are in its name or its members' */
export function matches(room, me, query) {
  const words = plain(query).split(/\s+/).filter(Boolean);
  const text = plain([titleOf(room, me), ...room.members, room.category ?? ""].join(" "));
  return words.every((word) => text.includes(word));
}

/** @param {{online: boolean, since: string | null} | undefined} presence @param {number} [now] @returns {string} */
export function presenceWords(presence, now = Date.now()) {
  if (!presence) return "";
  if (presence.online) return "Online";
  return presence.since ? `Last seen ${ago(presence.since, now)}` : "Offline";
}

/**
 * Where the words of a search stand in a text, for marking them; a long text is cut around the first.
 * @param {string} text @param {string} query @returns {{text: string, hit: boolean}[]}
 */
export function markHits(text, query) {
  const words = plain(query.replaceAll('"', " ")).split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const flat = text.replace(/\s+/g, " ");
  // Letter by letter, because taking accents off changes lengths.
  const letters = [...flat];
  const folded = letters.map((letter) => plain(letter));
  const hits = new Array(letters.length).fill(false);
  for (let at = 0; at < letters.length; at += 1) {
    if (at > 0 && /[\p{L}\p{N}]/u.test(letters[at - 1])) continue;
    for (const word of words) {
      let end = at;
      let rest = word;
      while (rest && end < folded.length && folded[end] && rest.startsWith(folded[end])) {
        rest = rest.slice(folded[end].length);
        end += 1;
      }
      if (!rest) hits.fill(true, at, end);
    }
  }
  const first = Math.max(0, hits.indexOf(true) - 24);
  /** @type {{text: string, hit: boolean}[]} */ const parts = [];
  for (let at = first; at < Math.min(letters.length, first + 160); at += 1) {
    const last = parts[parts.length - 1];
    if (last?.hit === hits[at]) last.text += letters[at];
    else parts.push({ text: letters[at], hit: hits[at] });
  }
  if (first > 0) parts.unshift({ text: "… ", hit: false });
  return parts;
}

/**
 * The next room with something unread, after the one that is open; around the end once.
 * @param {Room[]} rooms @param {string | undefined} open @returns {Room | undefined}
 */
export function nextUnread(rooms, open) {
  const at = rooms.findIndex(({ id }) => id === open);
  const around = [...rooms.slice(at + 1), ...rooms.slice(0, Math.max(at, 0))];
  return around.find(({ id, unread = 0 }) => unread > 0 && id !== open);
}
