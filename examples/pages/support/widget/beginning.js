/**
 * A conversation that has not begun: it looks like one, and becomes one with the first message. Until the room is made the
 * message stands here, sending or failed, so that nothing written is lost.
 *
 * @typedef {import("../../../../crates/web/client/pollgate.js").Pollgate} Pollgate
 * @typedef {import("../../../../crates/web/client/pollgate.js").Room} Room
 * @typedef {{body?: string, attachments?: any[], reply_to?: string}} Draft
 */

const MOST_SUBJECT_BYTES = 120;

/** The beginning of a text as a room's name: one line, cut at a word. @param {string|undefined} body @returns {string|undefined} */
export function subject(body) {
  const line = (body ?? "").trim().split(/\r?\n/)[0].replaceAll("\0", "").trim();
  const encoder = new TextEncoder();
  if (encoder.encode(line).length <= MOST_SUBJECT_BYTES) return line || undefined;
  let short = "";
  for (const letter of line) {
    if (encoder.encode(short + letter).length > MOST_SUBJECT_BYTES - 3) break;
    short += letter;
  }
  const word = short.lastIndexOf(" ");
  return `${(word > short.length / 2 ? short.slice(0, word) : short).trimEnd()}…`;
}

export class Beginning extends EventTarget {
  id = "";
  room = undefined;
  hasOlder = false;
  loading = false;
  error = null;
  /** @type {any[]} */ entries = [];
  typists = /** @type {string[]} */ ([]);
  receipts = new Map();

  #gate;
  #user;
  #new;
  #begun;
  /** @type {{key: string, draft: Draft}[]} */ #waiting = [];
  #busy = false;
  #tried = false;
  #count = 0;

  /** @param {{gate: Pollgate, user: string, room: {category: string, status: string, context?: {kind: string, id: string}}, begun: (room: Room) => void}} parts */
  constructor({ gate, user, room, begun }) {
    super();
    this.#gate = gate;
    this.#user = user;
    this.#new = room;
    this.#begun = begun;
  }

  /** Nobody has written anything. */
  get idle() {
    return this.#waiting.length === 0;
  }

  async load() {}
  async loadOlder() {}
  async loadReceipts() {}
  release() {}
  read() {}
  typing() {}
  async edit() {}
  async remove() {}

  /** @param {Draft} draft */
  send(draft) {
    const key = `beginning-${(this.#count += 1)}`;
    const entry = {
      key, id: null, seq: null, state: "sending", sender: this.#user, mine: true, body: draft.body ?? "",
      at: new Date().toISOString(), editedAt: null, deleted: false, files: draft.attachments ?? [], replyTo: null,
      reason: null, clientId: null,
    };
    this.#waiting.push({ key, draft });
    this.entries = [...this.entries, entry];
    this.#changed();
    void this.#begin();
    return entry;
  }

  /** @param {string} _key all of them go together: there is one room to make */
  retry(_key) {
    void this.#begin();
  }

  /** @param {string} key */
  discard(key) {
    this.#waiting = this.#waiting.filter((one) => one.key !== key);
    this.entries = this.entries.filter((entry) => entry.key !== key);
    this.#changed();
  }

  async #begin() {
    if (this.#busy || this.#waiting.length === 0) return;
    this.#busy = true;
    this.#mark("sending", null);
    try {
      const room = (await this.#made()) ?? (await this.#make());
      const conversation = this.#gate.conversation(room.id);
      for (const { draft } of this.#waiting.splice(0)) conversation.send(/** @type {any} */ (draft));
      this.entries = [];
      this.#begun(room);
    } catch (error) {
      this.#mark("failed", error instanceof Error ? error.message : String(error));
    } finally {
      this.#busy = false;
    }
  }

  #name() {
    return subject(this.#waiting[0].draft.body);
  }

  #make() {
    this.#tried = true;
    const name = this.#name();
    return this.#gate.createRoom(/** @type {any} */ ({ ...this.#new, ...(name && { name }) }));
  }

  /** The room of an attempt whose answer got lost: empty, and with this name. @returns {Promise<Room|undefined>} */
  async #made() {
    if (!this.#tried) return undefined;
    const name = this.#name() ?? null;
    const rooms = await this.#gate.loadRooms({ category: this.#new.category }, { force: true });
    return rooms.find((room) => {
      return room.last_seq === 0 && room.status === "open" && room.name === name && room.members.includes(this.#user);
    });
  }

  /** @param {string} state @param {string|null} reason */
  #mark(state, reason) {
    this.entries = this.entries.map((entry) => ({ ...entry, state, reason }));
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
