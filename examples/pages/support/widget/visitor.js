/**
 * A visitor's side of the desk: signs in, finds the conversation to go on with, begins one with the first message,
 * and knows what the button and the panel have to show.
 *
 * Nothing is asked of the shop or the gateway before somebody opens the chat, unless it was used in this browser before.
 *
 * @typedef {import("./options.js").WidgetOptions} WidgetOptions
 * @typedef {import("../../../../crates/web/client/pollgate.js").Pollgate} Pollgate
 * @typedef {import("../../../../crates/web/client/pollgate.js").Room} Room
 * @typedef {import("../../../../crates/web/client/pollgate.js").Conversation} Conversation
 */

import { Lines } from "../lines.js";
import { Beginning } from "./beginning.js";
import { Past } from "./past.js";
import { pick } from "./pick.js";

/** @typedef {"asleep"|"connecting"|"ready"|"failed"|"signed-out"} Phase */

const TOLD = ["member.added", "member.removed", "room.created", "room.updated"];

export class Visitor extends EventTarget {
  /** @type {Phase} */ phase = "asleep";
  /** Why `phase` is `failed`, for whoever embeds the widget. */
  reason = "";
  user = "";
  /** @type {Record<string, string>} */ names = {};
  /** @type {Pollgate|null} */ gate = null;
  /** @type {Conversation|Beginning|null} what the panel shows */ conversation = null;
  /** The room it belongs to; null: it has not begun. @type {string|null} */ current = null;

  #options;
  #library;
  #past;
  /** @type {Lines|null} */ #lines = null;
  /** @type {import("./options.js").SignIn|null} */ #signedIn = null;
  /** @type {string|null} */ #watched = null;
  #chosen = false;
  #open = false;
  /** Ends when another user takes over: what the earlier one's connection says is not heard any more. */
  #turn = new AbortController();

  /** @param {WidgetOptions} options @param {typeof import("../../../../crates/web/client/pollgate.js").Pollgate} library */
  constructor(options, library) {
    super();
    this.#options = options;
    this.#library = library;
    this.#past = new Past(storage(), `pollgate-support:${options.gateway}:${options.desk}`);
  }

  /** The chat was used in this browser before: there may be news. */
  get returns() {
    return this.#past.any;
  }

  /** Signs in and connects, once; after a failure again. */
  async wake() {
    if (this.phase !== "asleep" && this.phase !== "failed") return;
    this.#enter("connecting");
    let { gate } = this;
    try {
      this.#signedIn ??= await this.#options.signIn({ expired: false });
      this.user = this.#signedIn.user;
      this.names = this.#signedIn.names ?? {};
      gate = this.gate ??= this.#connected();
      await Promise.all([gate.loadRooms(this.#filter), this.#loadPast()]);
      if (gate === this.gate) await this.#settle();
    } catch (error) {
      if (gate !== this.gate) return;
      this.reason = error instanceof Error ? error.message : String(error);
      console.warn(`pollgate support: ${this.reason}`);
      this.#enter("failed");
    }
  }

  #connected() {
    const { gateway, desk } = this.#options;
    const { user } = this;
    const gate = new this.#library({ user, url: gateway, token: (/** @type {{expired: boolean}} */ why) => this.#token(user, why) });
    this.#lines = new Lines(storage(), `pollgate-support-lines:${desk}:${user}`);
    const { signal } = this.#turn;
    /** @type {(name: string, heard: (event: any) => void) => void} */
    const hear = (name, heard) => gate.addEventListener(name, heard, { signal });
    for (const type of TOLD) hear(type, (event) => this.#heard(event.detail));
    for (const name of ["rooms", "room", "unread", "resynced"]) hear(name, () => this.#roomsChanged());
    hear("presence", () => this.#changed());
    hear("connection", () => {
      // What could not be read at first is read when the gateway is there again.
      if (this.phase === "failed" && gate.connectionInfo().state === "live") void this.wake();
      this.#changed();
    });
    hear("signed-out", () => this.#enter("signed-out"));
    hear("notification-click", (event) => {
      this.dispatchEvent(new CustomEvent("wanted", { detail: event.detail.room }));
    });
    gate.start();
    return gate;
  }

  /**
   * The first token is at hand; later ones are fetched when the gateway says that this one ran out. The shop's customer
   * may be another one by then: nobody acts in one's name with the other's token.
   * @param {string} user whom it must be for @param {{expired: boolean}} why
   */
  async #token(user, why) {
    const signedIn = why.expired || !this.#signedIn ? await this.#options.signIn(why) : this.#signedIn;
    if (user !== this.user) throw new Error("somebody else uses the chat now");
    if (signedIn.user !== user) {
      this.#become(signedIn);
      throw new Error(`the shop's token is for ${signedIn.user}, no longer for ${user}`);
    }
    this.#signedIn = signedIn;
    return signedIn.token;
  }

  /** Somebody else has signed in to the shop: begins anew, with nothing of the earlier user's in view. @param {import("./options.js").SignIn} signedIn */
  #become(signedIn) {
    this.#turn.abort();
    this.#turn = new AbortController();
    this.gate?.stop();
    /** @type {Conversation|null} */ (this.conversation)?.release();
    Object.assign(this, { gate: null, conversation: null, current: null, reason: "", phase: "asleep" });
    this.#lines = null;
    this.#watched = null;
    this.#chosen = false;
    this.#signedIn = signedIn;
    void this.wake();
  }

  get #filter() {
    return { category: this.#options.desk };
  }

  /** The visitor's own conversations, newest activity first: at this desk, and those that went from here to another one. @returns {Room[]} */
  rooms() {
    const { gate } = this;
    if (!gate) return [];
    const all = new Map(gate.rooms(this.#filter).map((room) => [room.id, room]));
    for (const id of this.#past.rooms(this.user)) {
      const room = gate.room(id);
      if (room) all.set(id, room);
    }
    const own = [...all.values()].filter((room) => room.members.includes(this.user));
    return own.sort((a, b) => Date.parse(b.updated_at) - Date.parse(a.updated_at));
  }

  /** What went to another desk is not found by the desk. */
  async #loadPast() {
    const listed = this.#past.rooms(this.user).map(async (id) => {
      try {
        if (!this.gate?.room(id)) await this.gate?.loadRoom(id);
      } catch (error) {
        if (/** @type {any} */ (error)?.status === 404) this.#past.forget(this.user, id);
      }
    });
    await Promise.all(listed);
  }

  /** @returns {Room|undefined} */
  get room() {
    return this.current === null ? undefined : this.gate?.room(this.current);
  }

  get unread() {
    return this.rooms().reduce((sum, room) => sum + room.unread, 0);
  }

  /** Whoever looks after the conversation. */
  get agent() {
    const assignee = this.room?.assignee;
    return assignee && assignee !== this.user ? assignee : null;
  }

  get agentOnline() {
    return this.agent !== null && this.gate?.presence(this.agent)?.online === true;
  }

  /** @returns {import("../lines.js").Line[]} */
  lines() {
    return this.current === null ? [] : (this.#lines?.of(this.current) ?? []);
  }

  /** Shows a room, or the beginning of a new one. @param {string|null} id */
  async show(id) {
    const gate = this.gate;
    if (!gate) return;
    this.#chosen = true;
    if (this.current !== id || this.conversation === null) {
      if (this.current !== null) /** @type {Conversation} */ (this.conversation)?.release();
      this.current = id;
      this.conversation = id === null ? this.#beginning() : gate.conversation(id);
      this.#changed();
    }
    if (id === null) return;
    try {
      await /** @type {Conversation} */ (this.conversation).load();
      if (gate !== this.gate) return;
      this.#watchAgent();
    } catch {
      // What is known stays in view; the conversation says itself what failed.
    }
    this.look();
  }

  /** Whether the agent is there can be asked once they share a room; later events tell. */
  #watchAgent() {
    const agent = this.agent;
    if (agent === this.#watched) return;
    this.#watched = agent;
    if (agent) this.gate?.loadPresence([agent]).catch(() => (this.#watched = null));
  }

  #beginning() {
    const { desk, context } = this.#options;
    return new Beginning({
      gate: /** @type {Pollgate} */ (this.gate),
      user: this.user,
      room: { category: desk, status: "open", ...(context && { context }) },
      begun: (room) => this.#begun(room),
    });
  }

  /** @param {Room} room */
  #begun(room) {
    this.#past.remember(this.user, [room.id]);
    this.#lines?.know([room]);
    void this.show(room.id);
  }

  /** The panel was opened or closed; what is looked at is read. @param {boolean} open */
  looks(open) {
    this.#open = open;
    if (open) void this.wake();
    this.look();
  }

  /** Marks as read what stands before somebody's eyes. */
  look() {
    if (this.#open && this.current !== null && !document.hidden && (this.room?.unread ?? 0) > 0) {
      /** @type {Conversation} */ (this.conversation).read();
    }
  }

  /** Whoever writes again is not done. Called after each message of the visitor. */
  async wrote() {
    const room = this.room;
    if (room?.status === "pending") await this.#status("open");
  }

  reopen() {
    return this.#status("open");
  }

  end() {
    return this.#status("closed");
  }

  /** @param {"open"|"closed"} status */
  async #status(status) {
    if (this.current !== null) await this.gate?.changeRoom(this.current, { status });
  }

  /** @param {any} event */
  #heard(event) {
    const room = event.room ?? event.data?.id;
    if (!this.gate?.room(room) && event.data?.category !== this.#options.desk) return;
    if (this.#lines?.hear(event)) this.#changed();
  }

  #roomsChanged() {
    this.#lines?.know(this.rooms());
    this.#watchAgent();
    if (this.phase === "ready") void this.#settle();
    this.look();
    this.#changed();
  }

  /** Goes on with the conversation that is most likely meant, as long as the visitor has not chosen one. */
  async #settle() {
    const { gate } = this;
    const rooms = this.rooms();
    this.#past.remember(this.user, rooms.map(({ id }) => id));
    this.#lines?.know(rooms);
    const idle = this.conversation instanceof Beginning && this.conversation.idle;
    if (this.conversation === null || (!this.#chosen && idle)) {
      const found = pick(rooms, this.#options.context);
      if (found || this.conversation === null) {
        await this.show(found?.id ?? null);
        if (gate !== this.gate) return;
        this.#chosen = false;
      }
    }
    this.#enter("ready");
  }

  /** @param {Phase} phase */
  #enter(phase) {
    this.phase = phase;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

function storage() {
  try {
    return globalThis.localStorage;
  } catch {
    return null;
  }
}
