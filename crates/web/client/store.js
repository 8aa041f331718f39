/**
 * The parts of the store, put together: what comes from the gateway and from other tabs goes to whichever part it
 * concerns, first into the store and then to whoever listens.
 */

import { Api } from "./api.js";
import { Conversations } from "./conversations.js";
import { Freshness } from "./freshness.js";
import { Link } from "./link.js";
import { Moment } from "./moment.js";
import { Notifications } from "./notifications.js";
import { Operations } from "./operations.js";
import { Outbox } from "./outbox.js";
import { Page } from "./page.js";
import { PresenceBook } from "./presence.js";
import { Reads } from "./reads.js";
import { Refresh } from "./refresh.js";
import { Rooms } from "./rooms.js";
import { ServerTime } from "./server-time.js";
import { Unread } from "./unread.js";

/** @typedef {import("./model.js").GateEvent} GateEvent */
/** @typedef {import("./model.js").Message} Message */
/** @typedef {import("./types.js").ConnectionInfo} ConnectionInfo */
/** @typedef {import("./pollgate.js").PollgateOptions} PollgateOptions */
/** @typedef {import("./pollgate.js").Parts} Parts */

/** Types that the library itself dispatches: an application's event of such a name comes as `"event"` only. */
const OWN_TYPES = new Set(["event", "connection", "rooms", "room", "unread", "notification", "notification-click", "signed-out", "resynced"]);
/** When the loop has been live for so long, no event can have waited. */
const SETTLED_MS = 10_000;

/**
 * @typedef {object} Face              whom the store tells
 * @property {(type: string, detail?: any) => void} emit
 * @property {(...types: string[]) => number} listening
 */

export class Store {
  #face;
  #user;
  #page;
  #freshness;
  #reads;
  #unread;
  #refresh;
  #time = new ServerTime();
  #told;
  /** @type {Set<string>} */ #changedRooms = new Set();
  #muted = false;
  #started = false;
  #liveSince = Infinity;
  #state = "idle";

  /** @param {PollgateOptions} options @param {Parts} parts @param {Face} face */
  constructor(options, parts, face) {
    const { user, token, url = "", transport = "poll", session, presence = true, share = true, cache, keep = 100 } = options;
    this.#face = face;
    this.#user = user;
    const api = parts.api ?? new Api({ url, token, user });
    this.link = parts.link ?? new Link({ api, user, session, transport, presence, share });
    this.#page = parts.page ?? new Page();
    this.#freshness = new Freshness(cache);
    const ops = new Operations({ api, link: this.link, user });
    this.ops = ops;
    const freshness = this.#freshness;
    const page = this.#page;
    this.#told = new Moment(() => this.#tell());
    this.rooms = new Rooms({
      user,
      ops,
      freshness,
      changed: (ids) => this.#roomsChanged(ids),
      shown: (id) => this.conversations.of(id).length > 0,
    });
    this.outbox = new Outbox({
      user,
      gateway: (url || globalThis.location?.origin || "").replace(/\/+$/, ""),
      send: (body) => ops.send(body),
      changed: () => this.conversations.outboxChanged(),
      sent: (message) => this.#accepted(message),
      broadcast: (kind, data) => this.link.broadcast(kind, data),
      indexedDB: parts.indexedDB,
      ...(parts.lock && { lock: parts.lock }),
      ...(parts.random && { random: parts.random }),
    });
    this.#reads = new Reads({
      tell: (room, seq) => ops.markRead(room, seq, true),
      mark: (room, seq) => this.#markRead(room, seq),
      visible: () => page.visible,
      known: (room) => this.rooms.get(room)?.last_read_seq ?? 0,
    });
    this.conversations = new Conversations({
      user,
      ops,
      rooms: this.rooms,
      outbox: this.outbox,
      reads: this.#reads,
      freshness,
      keep: Math.max(1, keep),
      muted: () => this.#muted,
      listened: () => this.#refresh.check(),
    });
    this.presence = new PresenceBook({ ops, freshness, changed: (known) => this.#emit("presence", known) });
    this.#unread = new Unread({ user, rooms: () => this.rooms.all() });
    this.#refresh = new Refresh({
      everyMs: Math.min(freshness.times.roomsMs, freshness.times.messagesMs),
      wanted: () => this.#wantsRefresh(),
      run: () => this.#readAgain(),
    });
    this.notifications = new Notifications({
      user,
      link: this.link,
      page,
      emit: (type, detail) => this.#emit(type, detail),
      ...(parts.Notification && { Notification: parts.Notification }),
    });
    this.#listen();
  }

  /** Starts, or goes on where it was stopped. */
  start() {
    if (this.#started) return;
    this.#started = true;
    this.#muted = false;
    this.#page.open();
    this.#reads.start();
    this.outbox.start();
    this.link.start();
    // Another tab may have been live for long.
    if (this.#state !== this.link.info.state) this.#stateChanged(this.link.info);
    this.#refresh.check();
  }

  /** No callback runs afterwards. What is not sent yet waits for the next start. */
  stop() {
    this.#started = false;
    this.#muted = true;
    this.link.stop();
    this.#page.close();
    this.outbox.stop();
    this.#reads.stop();
    this.presence.stop();
    this.conversations.pause();
    this.#refresh.stop();
    this.notifications.stop();
    this.#told.cancel();
    this.ops.abort();
    this.#freshness.live = false;
    this.#state = "idle";
    this.#liveSince = Infinity;
  }

  /** At once instead of after the back-off. */
  reconnect() {
    this.link.wake();
    this.outbox.wake();
    this.#reads.wake();
  }

  /** Somebody began or ceased to listen. */
  listened() {
    this.#refresh.check();
  }

  /** Messages, and in how many rooms. */
  unread() {
    return this.#unread.count();
  }

  #listen() {
    const on = (/** @type {string} */ type, /** @type {(event: any) => void} */ heard) =>
      this.link.addEventListener(type, (/** @type {any} */ event) => this.#started && heard(event));
    on("event", ({ detail }) => this.#take(detail));
    on("state", ({ detail }) => this.#stateChanged(detail ?? this.link.info));
    on("resync", ({ detail }) => {
      const repaired = this.#repair();
      // Without a leader's loop to hold back, nobody else looks at a failure.
      repaired.catch(() => {});
      detail?.wait?.(repaired);
    });
    on("message", ({ detail }) => this.#heard(detail));
    this.#page.addEventListener("visibility", () => this.#seen());
    // An open database may keep the page out of the back-forward cache; it is opened again when it is needed.
    this.#page.addEventListener("hide", () => this.outbox.rest());
    this.#page.addEventListener("focus", () => this.#started && this.#reads.wake());
    this.#page.addEventListener("online", () => this.#started && this.outbox.wake());
  }

  /** An event of the gateway: first into the store, then to whoever listens. @param {GateEvent} event */
  #take(event) {
    const age = this.#time.age(event.at, Date.now() - this.#liveSince > SETTLED_MS);
    this.rooms.apply(event);
    this.conversations.apply(event, age);
    if (event.type === "presence") this.presence.heard(event.data);
    if (event.type === "message.created") {
      this.outbox.accepted(event.data);
      const room = this.rooms.get(event.data.room);
      const looking = this.#page.focused && this.conversations.shows(event.data.room);
      this.notifications.message(event, room, { looking, ageMs: age });
    }
    // The presence of a user is told by the book, when it is news.
    if (!OWN_TYPES.has(event.type) && event.type !== "presence") this.#emit(event.type, event);
    this.#emit("event", event);
  }

  /** @param {ConnectionInfo} info */
  #stateChanged(info) {
    const was = this.#state;
    this.#state = info.state;
    this.#freshness.live = info.state === "live";
    if (info.state !== "live") {
      this.#liveSince = Infinity;
    } else if (was !== "live") {
      this.#liveSince = Date.now();
      this.outbox.wake();
      this.#reads.wake();
    }
    this.#refresh.check();
    this.#emit("connection", info);
    if (info.state === "signed-out" && was !== "signed-out") this.#emit("signed-out", info);
  }

  /** Events may have been missed: whatever is shown is read again. */
  async #repair() {
    this.#freshness.missed();
    this.rooms.expire();
    this.conversations.expire();
    const [rooms] = await Promise.all([
      this.rooms.refresh(),
      this.conversations.repair(),
      this.#face.listening("presence") > 0 ? this.presence.repair() : undefined,
    ]);
    if (!rooms) throw new Error("The rooms could not be read");
    this.#emit("resynced");
  }

  /** Another tab of this browser says something. @param {{kind: string, data: any}} message */
  #heard({ kind, data }) {
    if (kind === "read") {
      this.#happened(data.room, data.seq);
      this.rooms.markRead(data.room, data.seq);
    }
    this.outbox.heard(kind, data);
    this.notifications.heard(kind, data);
  }

  #seen() {
    if (!this.#started) return;
    if (!this.#page.visible) {
      this.#reads.flush();
      this.#refresh.check();
      return;
    }
    this.#reads.wake();
    this.#refresh.now();
  }

  /** What is read in this browser counts at once; an event tells one's other devices of it. @param {string} room @param {number} seq */
  #happened(room, seq) {
    this.link.happened({ id: "", type: "message.read", at: "", room, data: { user: this.#user, seq } });
  }

  /** @param {Message} message */
  #accepted(message) {
    this.conversations.accepted(message);
    const event = { id: message.id, type: "message.created", at: message.created_at, room: message.room, data: message };
    if (this.rooms.get(message.room)) this.rooms.apply(event);
  }

  /** @param {string} room @param {number} seq */
  #markRead(room, seq) {
    if ((this.rooms.get(room)?.last_read_seq ?? Infinity) >= seq) return;
    this.#happened(room, seq);
    this.rooms.markRead(room, seq);
    this.link.broadcast("read", { room, seq });
  }

  #wantsRefresh() {
    // While the gateway is away, its answers would be no better than what is shown.
    const reachable = this.#state === "live" || this.#state === "superseded";
    const somebody = this.#face.listening("rooms", "room", "unread") > 0 || this.conversations.anyShown;
    return this.#started && reachable && somebody && this.#page.visible;
  }

  async #readAgain() {
    const [rooms, messages] = await Promise.all([
      this.#face.listening("rooms", "room", "unread") > 0 ? this.rooms.refresh() : true,
      this.conversations.refresh(),
    ]);
    return rooms && messages;
  }

  /** @param {string[]} ids */
  #roomsChanged(ids) {
    for (const id of ids) this.#changedRooms.add(id);
    this.#told.ask();
  }

  #tell() {
    const ids = [...this.#changedRooms];
    this.#changedRooms.clear();
    this.conversations.roomsChanged(ids);
    this.#emit("rooms");
    for (const id of ids) this.#emit("room", { room: this.rooms.get(id) ?? null, id });
    const unread = this.#unread.change();
    if (unread) this.#emit("unread", unread);
  }

  /** @param {string} type @param {any} [detail] */
  #emit(type, detail) {
    if (!this.#muted) this.#face.emit(type, detail);
  }
}
