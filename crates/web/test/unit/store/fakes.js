/** A gateway, a link between tabs and a page, all in memory, for the tests of the store. */

import { mock } from "node:test";
import { Pollgate } from "../../../client/pollgate.js";

export const START = Date.parse("2026-01-31T12:00:00.000Z");

/** Timers and the clock stand still from now on, until they are told to go. */
export function freezeTime() {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: START });
}

export function thawTime() {
  mock.timers.reset();
}

/** Lets everything happen that needs no time. */
export async function settle(turns = 6) {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Lets time pass, with everything that follows from it. */
export async function pass(ms, step = 50) {
  await settle();
  for (let left = ms; left > 0; left -= step) {
    mock.timers.tick(Math.min(step, left));
    await settle(3);
  }
}

/** Waits for a fact that needs no time, only turns. */
export async function until(fact, what = String(fact)) {
  for (let turn = 0; turn < 2_000; turn += 1) {
    if (fact()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`It did not come true: ${what}`);
}

const iso = () => new Date().toISOString();

export class Refusal extends Error {
  constructor(status, code, retryAfterMs) {
    super(code);
    Object.assign(this, { status, code, detail: code, retryAfterMs });
  }
}

/** What the gateway does, as far as the store can see it. */
export class FakeGateway {
  rooms = new Map();
  messages = new Map();
  requests = [];
  links = new Set();
  /** Called before each request; throws or waits to make trouble. */
  trouble = async () => {};
  /** Called after each request, before its answer is told. */
  late = async () => {};
  #ids = 0;

  id(prefix) {
    this.#ids += 1;
    return `${prefix}-${String(this.#ids).padStart(6, "0")}`;
  }

  room(members, fields = {}) {
    const kind = fields.kind ?? (members.length <= 2 ? "direct" : "group");
    const room = {
      id: this.id("room"), kind, name: null, context: null, category: null, status: null, assignee: null,
      members: [...members].sort(), last_message: null, last_seq: 0, updated_at: iso(), reads: new Map(), ...fields,
    };
    this.rooms.set(room.id, room);
    this.messages.set(room.id, []);
    return room;
  }

  /** The room as one of its members sees it. */
  seen(room, user) {
    const { reads, ...rest } = room;
    const last_read_seq = reads.get(user) ?? 0;
    return { ...rest, last_read_seq, unread: room.last_seq - last_read_seq };
  }

  message(room, sender, body, fields = {}) {
    const message = {
      id: this.id("message"), room: room.id, seq: room.last_seq + 1, sender, body, client_id: null, attachments: [],
      reply_to: null, created_at: iso(), ...fields,
    };
    room.last_seq = message.seq;
    room.updated_at = message.created_at;
    room.reads.set(sender, message.seq);
    room.last_message = { id: message.id, seq: message.seq, sender, text: body.slice(0, 200), created_at: message.created_at };
    this.messages.get(room.id).push(message);
    return message;
  }

  /** Sends and tells everybody. */
  say(room, sender, body, fields) {
    const message = this.message(room, sender, body, fields);
    this.tell("message.created", room.id, message);
    return message;
  }

  tell(type, room, data, at = iso()) {
    const event = { id: this.id("event"), type, at, data, ...(room && { room }) };
    for (const link of this.links) link.hear(event);
    return event;
  }

  count(what) {
    return this.requests.filter((request) => request.includes(what)).length;
  }

  async request(user, method, path, { query = {}, body, signal } = {}) {
    const text = `${method} ${path} ${JSON.stringify(query)}`;
    this.requests.push(text);
    await this.trouble({ method, path, query, body, user });
    if (signal?.aborted) throw Object.assign(new Error("aborted"), { name: "AbortError" });
    const answer = this.#answer(user, method, path, query, body);
    await this.late({ method, path, query, body, user });
    if (signal?.aborted) throw Object.assign(new Error("aborted"), { name: "AbortError" });
    return structuredClone(answer);
  }

  #answer(user, method, path, query, body) {
    if (path === "/v1/messages") return this.#send(user, body);
    if (path === "/v1/presence") return { users: query.user.map((name) => ({ user: name, online: true, since: iso() })) };
    if (path === "/v1/desks") return { desks: this.desks ?? [] };
    if (path === "/v1/rooms" && method === "GET") return this.#list(user, query);
    if (path === "/v1/rooms") return this.seen(this.room([user, ...body.members], { kind: "group", name: body.name ?? null }), user);
    const [, id, what, which] = path.match(/^\/v1\/rooms\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?/);
    const room = this.rooms.get(id);
    if (!room) throw new Refusal(404, "not-found");
    if (what === "read") return void room.reads.set(user, Math.max(room.reads.get(user) ?? 0, body.seq)) ?? null;
    if (what === "typing" || what === "members") return null;
    if (what === "receipts") return { receipts: room.members.map((name) => ({ user: name, seq: room.reads.get(name) ?? 0 })) };
    if (what === "messages" && method === "GET") return this.#history(room, query);
    if (what === "messages") return this.#amend(room, method, which, body);
    if (method === "PATCH") Object.assign(room, body, { updated_at: iso() });
    return this.seen(room, user);
  }

  #send(user, body) {
    const to = body.to && [...this.rooms.values()].find((room) => room.kind === "direct" && room.members.join() === [user, body.to].sort().join());
    const room = body.room ? this.rooms.get(body.room) : (to ?? this.room([user, body.to], { kind: "direct" }));
    if (!room) throw new Refusal(404, "not-found");
    const known = this.messages.get(room.id).find((message) => message.client_id === body.client_id && message.sender === user);
    return known ?? this.message(room, user, body.body, { client_id: body.client_id, reply_to: body.reply_to ?? null });
  }

  #amend(room, method, id, body) {
    const message = this.messages.get(room.id).find((one) => one.id === id);
    if (method === "DELETE") Object.assign(message, { body: "", deleted_at: iso() });
    else Object.assign(message, { body: body.body, edited_at: iso() });
    return method === "DELETE" ? null : message;
  }

  #list(user, { limit = 50, before, kind, category, assignee }) {
    const all = [...this.rooms.values()]
      .filter((room) => room.members.includes(user) || (category !== undefined && room.assignee === null))
      .filter((room) => kind === undefined || room.kind === kind)
      .filter((room) => category === undefined || room.category === category)
      .filter((room) => assignee === undefined || (room.assignee ?? "") === assignee)
      .sort((a, b) => (a.updated_at < b.updated_at ? 1 : a.updated_at > b.updated_at ? -1 : a.id < b.id ? 1 : -1));
    const from = before === undefined ? 0 : Number(before);
    const rooms = all.slice(from, from + limit).map((room) => this.seen(room, user));
    const has_more = all.length > from + limit;
    return { rooms, has_more, next: has_more ? String(from + limit) : null };
  }

  #history(room, { limit = 50, before, after }) {
    const all = this.messages.get(room.id).filter(({ seq }) => (before === undefined || seq < before) && (after === undefined || seq > after));
    const messages = after === undefined ? all.slice(-limit) : all.slice(0, limit);
    return { messages, has_more: all.length > messages.length, count: messages.length, oldest_id: messages[0]?.seq ?? null, newest_id: messages.at(-1)?.seq ?? null };
  }
}

/** What the tabs of one browser share. */
export class Browser {
  cache = new Map();
  underWay = new Map();
  links = new Set();
}

/** The link of one tab, as `link.js` behaves. */
export class FakeLink extends EventTarget {
  info = { state: "idle", transport: "poll", leader: true };
  #kinds = new Map();
  #stale = new Map();
  #keeps = new Map();
  resyncs = [];

  constructor({ gateway, browser = new Browser(), leading = true }) {
    super();
    Object.assign(this, { gateway, browser, leading });
    browser.links.add(this);
    gateway.links.add(this);
  }

  start() {
    this.state("live");
  }

  stop() {
    this.info = { ...this.info, state: "idle" };
  }

  wake() {}

  state(state) {
    this.info = { ...this.info, state };
    this.dispatchEvent(new CustomEvent("state", { detail: this.info }));
  }

  hear(event) {
    if (this.info.state !== "live") return;
    this.happened(event);
    this.dispatchEvent(new CustomEvent("event", { detail: structuredClone(event) }));
  }

  resync() {
    const promises = [];
    this.dispatchEvent(new CustomEvent("resync", { detail: { reason: "gateway", wait: (promise) => promises.push(promise) } }));
    return Promise.all(promises);
  }

  broadcast(kind, data) {
    for (const other of this.browser.links) {
      if (other !== this) queueMicrotask(() => other.dispatchEvent(new CustomEvent("message", { detail: { kind, data: structuredClone(data) } })));
    }
  }

  call() {
    throw Object.assign(new Error("no WebSocket"), { code: "network" });
  }

  provide(kind, read, staleBy, keeps) {
    this.#kinds.set(kind, read);
    this.#keeps.set(kind, keeps);
    this.#stale.set(kind, staleBy);
  }

  asked = 0;

  happened(event) {
    for (const key of this.browser.cache.keys()) {
      const [kind, ...args] = key.split(" ");
      if (this.#stale.get(kind)?.(event, JSON.parse(args.join(" ")))) this.browser.cache.delete(key);
    }
  }

  async fetchShared(kind, args, { maxAgeMs = 0, force = false } = {}) {
    this.asked += 1;
    const { cache, underWay } = this.browser;
    const key = `${kind} ${JSON.stringify(args)}`;
    const known = cache.get(key);
    if (known && !force && Date.now() - known.at < maxAgeMs) return known;
    if (underWay.has(key)) return underWay.get(key);
    const at = Date.now();
    const read = this.#kinds.get(kind)(args).then((data) => ({ data, at })).finally(() => underWay.delete(key));
    underWay.set(key, read);
    const fresh = await read;
    if (this.#keeps.get(kind)(args)) cache.set(key, fresh);
    return structuredClone(fresh);
  }
}

export class FakePage extends EventTarget {
  visible = true;
  hasFocus = true;

  open() {}
  close() {}

  get focused() {
    return this.visible && this.hasFocus;
  }

  show(visible) {
    this.visible = visible;
    this.dispatchEvent(new Event("visibility"));
  }
}

/** Web Locks of one browser. */
export function fakeLocks() {
  const tails = new Map();
  return (name, work) => {
    const done = (tails.get(name) ?? Promise.resolve()).then(work);
    tails.set(name, done.catch(() => {}));
    return done;
  };
}

/** A tab with a Pollgate in it. */
export function tab(gateway, { user = "ann", browser, leading = true, indexedDB, lock, random = () => 0.5, start = true, Notification, ...options } = {}) {
  const link = new FakeLink({ gateway, browser, leading });
  const page = new FakePage();
  const api = { request: (...args) => gateway.request(user, ...args) };
  const gate = new Pollgate({ user, token: "t", ...options }, { api, link, page, indexedDB, lock, random, Notification });
  if (start) gate.start();
  return { gate, link, page };
}

/** Collects what is dispatched. */
export function heard(target, type) {
  const events = [];
  target.addEventListener(type, (event) => events.push(event.detail));
  return events;
}

/** A promise that is resolved from outside. */
export function gateOf() {
  let open;
  const promise = new Promise((resolve) => (open = resolve));
  return { promise, open };
}
