/**
 * What happened to a conversation besides its messages: who came and went, and where things stand. The gateway tells it
 * by events and keeps no history of it, so what was heard is remembered here, in the browser's storage: a reload shows
 * the same lines.
 *
 * @typedef {{id: string, at: string, what: "joined"|"left"|"status", user?: string, status?: string}} Line
 * @typedef {{id: string, type: string, at: string, room?: string, data: any}} GateEvent
 */

const MOST_LINES = 40;
const MOST_ROOMS = 30;

export class Lines {
  /** @type {Map<string, Line[]>} by room, the one that was told of last at the end */
  #rooms = new Map();
  /** @type {Map<string, string>} the status last heard of */
  #status = new Map();
  #storage;
  #key;

  /** @param {Pick<Storage, "getItem"|"setItem">|null} storage @param {string} key */
  constructor(storage, key) {
    this.#storage = storage;
    this.#key = key;
    this.#read();
  }

  /** Rooms as they are known: a later event is compared with this. @param {{id: string, status: string|null}[]} rooms */
  know(rooms) {
    for (const room of rooms) if (!this.#status.has(room.id)) this.#status.set(room.id, room.status ?? "open");
  }

  /** @param {GateEvent} event @returns {boolean} whether there is a new line */
  hear(event) {
    const room = event.room ?? event.data?.id;
    if (!room) return false;
    const line = this.#line(room, event);
    if (!line) return false;
    // Another tab may have written it down already.
    this.#read();
    const lines = this.#rooms.get(room) ?? [];
    if (lines.some((old) => old.id === line.id)) return false;
    this.#rooms.delete(room);
    this.#rooms.set(room, [...lines, line].slice(-MOST_LINES));
    this.#write();
    return true;
  }

  /** @param {string} room @returns {Line[]} oldest first */
  of(room) {
    return this.#rooms.get(room) ?? [];
  }

  /** @param {string} room @param {GateEvent} event @returns {Line|null} */
  #line(room, { id, type, at, data }) {
    if (type === "member.added") return { id, at, what: "joined", user: data.user };
    if (type === "member.removed") return { id, at, what: "left", user: data.user };
    if (type !== "room.updated" && type !== "room.created") return null;
    const before = this.#status.get(room);
    const status = data.status ?? "open";
    this.#status.set(room, status);
    return type === "room.updated" && before !== undefined && before !== status ? { id, at, what: "status", status } : null;
  }

  #read() {
    try {
      const kept = JSON.parse(this.#storage?.getItem(this.#key) ?? "[]");
      if (Array.isArray(kept)) this.#rooms = new Map([...this.#rooms, ...kept]);
    } catch {
      // Storage that is forbidden or was written by somebody else: the lines of this page's life remain.
    }
  }

  #write() {
    while (this.#rooms.size > MOST_ROOMS) this.#rooms.delete(/** @type {string} */ (this.#rooms.keys().next().value));
    try {
      this.#storage?.setItem(this.#key, JSON.stringify([...this.#rooms]));
    } catch {
      // Full or forbidden; they are shown all the same.
    }
  }
}

/**
 * Messages and lines in the order they happened. Messages keep their own order, by `seq`; what was not sent yet is last.
 * @template {{state: string, at: string}} Entry
 * @param {Entry[]} entries @param {Line[]} lines @param {boolean} [whole] the first message of the room is among them
 * @returns {({entry: Entry}|{line: Line})[]}
 */
export function woven(entries, lines, whole = true) {
  const sent = entries.filter((entry) => entry.state === "sent");
  const unsent = entries.filter((entry) => entry.state !== "sent");
  const first = sent.length > 0 ? Date.parse(sent[0].at) : Infinity;
  const shown = lines.filter((line) => whole || Date.parse(line.at) >= first);
  /** @type {({entry: Entry}|{line: Line})[]} */ const all = [];
  let next = 0;
  for (const entry of sent) {
    for (; next < shown.length && Date.parse(shown[next].at) <= Date.parse(entry.at); next += 1) all.push({ line: shown[next] });
    all.push({ entry });
  }
  return [...all, ...shown.slice(next).map((line) => ({ line })), ...unsent.map((entry) => ({ entry }))];
}

const STATUS_WORDS = new Map([
  ["open", "The conversation is open again"],
  ["pending", "We are waiting for your answer"],
  ["closed", "The conversation was closed"],
]);
const DESK_STATUS_WORDS = new Map([...STATUS_WORDS, ["pending", "Pending: it waits for the visitor"]]);

/**
 * A line in words.
 * @param {Line} line
 * @param {{me: string, name: (user: string) => string, agent?: boolean}} who  `agent`: it is an agent who reads it
 */
export function inWords(line, { me, name, agent = false }) {
  if (line.what === "joined") return line.user === me ? "You have joined" : `${name(line.user ?? "")} has joined`;
  if (line.what === "left") return line.user === me ? "You have left" : `${name(line.user ?? "")} has left`;
  const words = agent ? DESK_STATUS_WORDS : STATUS_WORDS;
  return words.get(line.status ?? "") ?? `Status: ${line.status}`;
}
