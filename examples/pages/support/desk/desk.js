/**
 * An agent's side of the desk: the lists, the conversation that is open, and what is done with it. The page draws what
 * stands here.
 *
 * The gateway tells an agent of rooms that come to wait and that wait no more, and of the messages of the agent's own
 * rooms. What is written in a room that still waits is told to its members alone, so those lists are read again as long
 * as the page is looked at.
 *
 * @typedef {import("../../../../crates/web/client/pollgate.js").Pollgate} Pollgate
 * @typedef {import("../../../../crates/web/client/pollgate.js").Room} Room
 * @typedef {import("../../../../crates/web/client/pollgate.js").Conversation} Conversation
 * @typedef {import("../queue.js").View} View
 */

import { Lines } from "../lines.js";
import { filtersOf, listed, pressing, statusOf, visitorOf } from "../queue.js";
import { Hands } from "./hands.js";

const REFRESH_MS = 10_000;
const MOST_PAGES = 5;
const ARRIVED_MS = 400;
const TOLD_MS = 150;
const TOLD = ["member.added", "member.removed", "room.created", "room.updated"];
/** @type {View[]} */
const ALWAYS = [
  { who: "waiting", status: "open", desk: "" },
  { who: "mine", status: "open", desk: "" },
  { who: "mine", status: "pending", desk: "" },
];

/** Somebody else was faster, or the room went elsewhere. */
export class Lost extends Error {
  /** @param {string|null} to who has it now, as far as was heard */
  constructor(to) {
    super("somebody else has it");
    this.to = to;
  }
}

export class Desk extends EventTarget {
  /** @type {"connecting"|"ready"|"failed"|"no-desk"|"signed-out"} */ phase = "connecting";
  reason = "";
  /** @type {string[]} */ desks = [];
  /** @type {View} */ view = { who: "waiting", status: "open", desk: "" };
  /** The room that is open. @type {string|null} */ selected = null;
  /** @type {Conversation|null} */ conversation = null;
  /** Who serves a desk, by desk; none: it could not be read. @type {Map<string, string[]>} */ colleagues = new Map();

  #gate;
  #me;
  #lines;
  #agentsOf;
  #every;
  #hands;
  /** Who was named last for a room that went away. @type {Map<string, string|null>} */ #heardOf = new Map();
  /** Waiting rooms that were known when the page began, or that a notice was shown for. @type {Set<string>} */ #known = new Set();
  /** What the agent gave away: that it is gone is no news. @type {Set<string>} */ #gave = new Set();
  /** @type {ReturnType<typeof setInterval>|undefined} */ #timer;

  /**
   * @param {{gate: Pollgate, me: string, storage: Storage|null, agentsOf: (desk: string) => Promise<string[]>,
   *   every?: (work: () => void, ms: number) => any}} parts
   */
  constructor({ gate, me, storage, agentsOf, every = (work, ms) => setInterval(work, ms) }) {
    super();
    this.#gate = gate;
    this.#me = me;
    this.#agentsOf = agentsOf;
    this.#every = every;
    this.#hands = new Hands(me);
    this.#lines = new Lines(storage, `pollgate-desk-lines:${me}`);
  }

  get me() {
    return this.#me;
  }

  get gate() {
    return this.#gate;
  }

  /** Begins to listen, and reads what there is. */
  async open() {
    const gate = this.#gate;
    for (const type of TOLD) gate.addEventListener(type, (/** @type {any} */ event) => this.#heard(event.detail));
    for (const name of ["rooms", "room", "resynced"]) gate.addEventListener(name, () => this.#roomsChanged());
    for (const name of ["presence", "unread"]) gate.addEventListener(name, () => this.#changed());
    gate.addEventListener("connection", () => this.#connected());
    gate.addEventListener("signed-out", () => this.#enter("signed-out"));
    gate.start();
    await this.read();
    this.#timer = this.#every(() => void this.refresh(), REFRESH_MS);
  }

  close() {
    clearInterval(this.#timer);
    this.#gate.stop();
  }

  /** The first look; again after it failed. */
  async read() {
    this.#enter("connecting");
    try {
      this.desks = await this.#gate.desks();
      if (this.desks.length === 0) return this.#enter("no-desk");
      this.#known.clear();
      await Promise.all(ALWAYS.map((view) => this.#load(view)));
      for (const room of this.list(ALWAYS[0])) this.#known.add(room.id);
      this.#enter("ready");
      void this.learnColleagues();
    } catch (error) {
      this.reason = error instanceof Error ? error.message : String(error);
      this.#enter("failed");
    }
  }

  /** Who serves the agent's desks; what cannot be read now stays as it was, and a name can be typed. */
  async learnColleagues() {
    await Promise.allSettled(this.desks.map(async (desk) => this.colleagues.set(desk, await this.#agentsOf(desk))));
    this.#changed();
  }

  /** Reads the lists in view again; what is fresh costs nothing. */
  async refresh() {
    if (this.phase !== "ready" || document.hidden) return;
    const unheard = this.#gate.rooms(filtersOf(ALWAYS[0], this.#me)[0]).length > 0;
    await Promise.allSettled([...ALWAYS, this.view].map((view) => this.#load(view, { force: unheard && view === ALWAYS[0] })));
    if (this.room?.assignee === null) await this.conversation?.load({ force: true }).catch(() => {});
    this.#changed();
  }

  /** @param {View} view @param {{force?: boolean}} [how] */
  async #load(view, how = {}) {
    const [main, ...more] = filtersOf(view, this.#me);
    await Promise.all([this.#gate.loadRooms(main, how), ...more.map((filter) => this.#gate.loadRooms(filter))]);
    // Who waits longest stands at the end of what the gateway lists, and at the beginning of the queue.
    for (let page = 0; view.who === "waiting" && this.#gate.hasMoreRooms(main) && page < MOST_PAGES; page += 1) {
      await this.#gate.loadMoreRooms(main);
    }
  }

  /** @param {View} [view] @returns {Room[]} */
  list(view = this.view) {
    const known = new Map();
    for (const filter of filtersOf(view, this.#me)) for (const room of this.#gate.rooms(filter)) known.set(room.id, room);
    return listed([...known.values()], view, this.#me, this.desks);
  }

  /** More of a list than was read. @param {View} view */
  hasMore(view = this.view) {
    return this.#gate.hasMoreRooms(filtersOf(view, this.#me)[0]);
  }

  async more() {
    await this.#gate.loadMoreRooms(filtersOf(this.view, this.#me)[0]);
    this.#changed();
  }

  /** How many of a list; a plus when there are more than were read. @param {View} view */
  count(view) {
    const count = this.list(view).length;
    return this.hasMore(view) ? `${count}+` : String(count);
  }

  pressing() {
    return pressing([...ALWAYS, this.view].flatMap((view) => this.list(view)).filter(once()), this.#me, this.desks);
  }

  /** @param {Partial<View>} change */
  async look(change) {
    this.view = { ...this.view, ...change };
    this.#changed();
    try {
      await this.#load(this.view);
    } finally {
      this.#changed();
    }
  }

  /** @returns {Room|undefined} the room that is open */
  get room() {
    return this.selected === null ? undefined : this.#gate.room(this.selected);
  }

  get mine() {
    return this.room?.assignee === this.#me;
  }

  get visitor() {
    const room = this.room;
    return room ? this.visitorOf(room) : "";
  }

  /** @param {Room} room */
  visitorOf(room) {
    return visitorOf(room, new Set([this.#me, ...(this.colleagues.get(room.category ?? "") ?? [])]));
  }

  lines() {
    return this.selected === null ? [] : this.#lines.of(this.selected);
  }

  /** What else this visitor has asked, as far as this agent may see and has read it. @returns {Room[]} */
  earlier() {
    const { room, visitor } = this;
    if (!room) return [];
    const filters = [{ assignee: this.#me }, { assignee: this.#me, status: "closed" }, { assignee: "" }];
    const all = filters.flatMap((filter) => this.#gate.rooms(filter)).filter(once());
    const others = all.filter((other) => other.id !== room.id && other.kind === "group" && other.category && other.members.includes(visitor));
    return others.sort((a, b) => Date.parse(b.updated_at) - Date.parse(a.updated_at)).slice(0, 5);
  }

  /** @param {string|null} id */
  async select(id) {
    if (id !== this.selected) {
      this.conversation?.release();
      this.selected = id;
      this.conversation = id === null ? null : this.#gate.conversation(id);
      this.#changed();
    }
    if (id === null) return;
    const room = await this.#gate.loadRoom(id);
    this.#lines.know([room]);
    const newest = this.conversation?.entries.findLast((entry) => entry.seq !== null)?.seq ?? 0;
    // What is said in a room is told to its members alone: what was read of it before may be old.
    await this.conversation?.load({ force: newest > 0 && (room.assignee === null || newest < room.last_seq) });
    if (this.mine) {
      this.seen();
      await Promise.allSettled([this.#gate.loadPresence([this.visitor]), this.conversation?.loadReceipts()]);
      await this.#gate.loadRooms({ assignee: this.#me, status: "closed" }).catch(() => {});
    }
    this.#changed();
  }

  /** What stands before the agent's eyes is read. */
  seen() {
    if (this.mine && !document.hidden && (this.room?.unread ?? 0) > 0) this.conversation?.read();
  }

  /** @param {string} id */
  async take(id) {
    this.#hands.takes(id);
    try {
      await this.#change(id, { assignee: this.#me, status: "open" });
    } catch (error) {
      this.#hands.lost(id);
      throw error;
    }
    this.view = { ...this.view, who: "mine", status: "open" };
    await this.select(id);
  }

  /** @param {string} id @param {string} user */
  async handOver(id, user) {
    await this.#give(id, { assignee: user });
  }

  /** It waits for everybody again, and is open: who gives back what was closed wants it looked at. @param {string} id */
  async giveBack(id) {
    await this.#give(id, { assignee: null, status: "open" });
  }

  /** To another desk, where it waits unless somebody there is named. @param {string} id @param {string} desk @param {string|null} user */
  async moveTo(id, desk, user) {
    await this.#give(id, { category: desk, assignee: user, status: "open" });
  }

  /** @param {string} id @param {"open"|"pending"|"closed"} status */
  async setStatus(id, status) {
    if (statusOf(/** @type {Room} */ (this.#gate.room(id))) !== status) await this.#change(id, { status });
  }

  /** @param {string} id @param {object} change */
  async #give(id, change) {
    this.#gave.add(id);
    this.#hands.lost(id);
    try {
      await this.#change(id, change);
    } catch (error) {
      this.#gave.delete(id);
      throw error;
    }
    await this.#leave(id);
  }

  /** @param {string} id */
  async #leave(id) {
    if (this.selected === id) await this.select(null);
    await Promise.allSettled(ALWAYS.map((view) => this.#load(view, { force: true })));
    this.#changed();
  }

  /** @param {string} id @param {object} change */
  async #change(id, change) {
    const before = this.#gate.room(id);
    if (before) this.#lines.know([before]);
    try {
      await this.#gate.changeRoom(id, change);
    } catch (error) {
      if (/** @type {any} */ (error)?.status !== 404) throw error;
      await this.#leave(id);
      throw new Lost(this.#heardOf.get(id) ?? null);
    }
  }

  /** @param {any} event */
  #heard(event) {
    const id = event.room ?? event.data?.id;
    if (this.#lines.hear(event)) this.#changed();
    if (event.type === "room.created" || event.type === "room.updated") this.#roomTold(id, event.data, event.type);
    if (event.type === "member.removed" && event.data.user === this.#me) void this.#gone(id);
  }

  /** @param {string} id @param {Room} room @param {string} type */
  #roomTold(id, room, type) {
    this.#heardOf.set(id, room.assignee);
    if (room.assignee === this.#me) this.#gave.delete(id);
    const came = this.#hands.told(room, type, this.#known.has(id));
    if (this.#heardOf.size > 500) this.#heardOf.delete(this.#heardOf.keys().next().value ?? "");
    if (!this.#waits(room)) {
      this.#known.delete(id);
    } else if (!this.#known.has(id)) {
      this.#known.add(id);
      setTimeout(() => void this.#arrived(id), ARRIVED_MS);
    }
    if ((came === "waited" || came === "given") && this.phase === "ready") this.#tell(came, { room });
    if (id === this.selected && room.assignee !== null && !room.members.includes(this.#me)) void this.#gone(id);
  }

  /** @param {Room|undefined} room */
  #waits(room) {
    return room?.assignee === null && room.status !== "closed" && this.desks.includes(room.category ?? "");
  }

  /**
   * Somebody came to the desk, unless that was long ago: who comes back hears first what happened meanwhile. The first
   * message follows on the room's heels, and is told to its members only, so the room is read again.
   * @param {string} id
   */
  async #arrived(id) {
    if (!this.#waits(this.#gate.room(id))) return;
    const room = await this.#gate.loadRoom(id, { force: true }).catch((/** @type {any} */ error) => {
      return error?.status === 404 ? undefined : this.#gate.room(id);
    });
    if (room && this.#waits(room)) this.#tell("waiting", { room });
    else this.#changed();
  }

  /** The open room went to somebody else. @param {string} id */
  async #gone(id) {
    if (id !== this.selected) return;
    const room = this.room;
    await this.select(null);
    // That one has left is told before who has it now.
    if (!this.#gave.has(id)) setTimeout(() => this.#tell("gone", { room, to: this.#heardOf.get(id) ?? null }), TOLD_MS);
  }

  /** What could not be read at first is read when the gateway is there again. */
  #connected() {
    if (this.phase === "failed" && this.#gate.connectionInfo().state === "live") void this.read();
    this.#changed();
  }

  #roomsChanged() {
    this.seen();
    this.#changed();
  }

  /** @param {string} name @param {object} detail */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** @param {Desk["phase"]} phase */
  #enter(phase) {
    this.phase = phase;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** @returns {(room: Room) => boolean} lets each room through once */
function once() {
  const met = new Set();
  return ({ id }) => !met.has(id) && Boolean(met.add(id));
}
