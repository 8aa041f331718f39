/**
 * What the store sees of the gateway: events, and requests shared by all tabs.
 *
 * Rules it lives by:
 * - the tab that leads runs the connection and passes each event on to all tabs, itself included; only then the cursor
 *   moves, so an event that died with a leader comes again, to the next one;
 * - each tab drops by its id what it had already;
 * - a tab that may have missed something says `resync` to its own store: after it slept, and when the numbers under
 *   which the leader passes things on have a hole.
 */

import { backoff } from "./backoff.js";
import { pause } from "./clock.js";
import { Connection } from "./connection.js";
import { idle } from "./info.js";
import { Problem } from "./problem.js";
import { sayResync } from "./resync.js";
import { Seen } from "./seen.js";
import { Session } from "./session.js";
import { Shared } from "./tabs/shared.js";
import { Tabs } from "./tabs/tabs.js";
import { theWorld } from "./world.js";

const KEEP_MS = 100;
/** For so long after taking over, `superseded` may be the last word of the leader before. */
const ECHO_MS = 10_000;
const MOST_ECHOES = 3;
/** What the leader before has passed on may still be on its way. */
const ON_ITS_WAY_MS = 250;

/**
 * @typedef {object} LinkOptions
 * @property {import("./api.js").Api} api
 * @property {string} user
 * @property {string} [session]
 * @property {import("./types.js").TransportChoice} [transport]
 * @property {boolean} [presence]
 * @property {boolean} [share]           one loop for all tabs of the browser
 * @property {import("./world.js").World} [world]
 * @property {import("./tabs/leadership.js").Locks|null} [locks]
 * @property {((name: string) => BroadcastChannel)|null} [channel]
 * @property {import("./session.js").Shelf|null} [shelf]
 * @property {() => number} [random]
 * @property {typeof globalThis.WebSocket} [WebSocket]
 *
 * @typedef {{term: number, n: number}} Place  the last thing that a leader has passed on
 */

/**
 * Events: `event` (detail: the event), `resync` (detail: ResyncDetail), `state` (detail: ConnectionInfo), `leading`
 * (detail: whether this tab leads), `message` (detail: {kind, data}: of another tab's `broadcast`), `fetched`
 * (detail: {kind, args, data, at}).
 */
export class Link extends EventTarget {
  /** @type {LinkOptions & {world: import("./world.js").World}} */ #options;
  #tabs;
  #shared;
  #session;
  #random;
  #seen = new Seen();
  /** @type {Connection|null} */ #connection = null;
  /** @type {AbortController|null} */ #run = null;
  /** @type {import("./info.js").OwnInfo} */ #info = idle();
  /** @type {Place|null} */ #place = null;
  #n = 0;
  /** When this tab came to lead, and its term. */
  #ledSince = 0;
  #ownTerm = 0;
  #echoes = 0;
  #resyncing = false;
  #resyncAgain = false;
  /** @type {ReturnType<typeof setTimeout>|undefined} */ #keepTimer;

  /** @param {LinkOptions} options */
  constructor(options) {
    super();
    const { api, user, session, share = true, shelf, locks, channel, world = theWorld(), random = Math.random } = options;
    this.#options = { ...options, world };
    this.#random = random;
    const name = `${api.url || globalThis.location?.origin || ""} ${user}${session ? ` ${session}` : ""}`;
    const describe = () => ({ info: this.#info, cursor: this.#session.cursor, session: this.#session.id, n: this.#n, before: this.#place });
    const tabs = new Tabs({ name: `pollgate:${name}`, describe, world, ...(share ? definite({ locks, channel }) : { locks: null }) });
    this.#tabs = tabs;
    // A tab that had to share a mailbox without a leader would take it from the others, and they from it.
    this.#session = new Session({ name, own: tabs.alone, id: share && tabs.alone ? undefined : session, ...definite({ shelf }) });
    this.#shared = new Shared(tabs, (fetched) => this.#emit("fetched", fetched));
    tabs.answer("wake", () => this.#connection?.wake());
    on(tabs, "leading", (leading) => this.#lead(leading));
    on(tabs, "leader", ({ term, data }) => this.#follow(term, data));
    on(tabs, "message", (message) => this.#heard(message));
  }

  /** @returns {import("./types.js").ConnectionInfo} */
  get info() {
    return { ...this.#info, leader: this.leading };
  }

  get leading() {
    return this.#tabs.leading;
  }

  /** The mailbox's name. */
  get session() {
    return this.#session.id;
  }

  start() {
    if (this.#run) return;
    const run = new AbortController();
    this.#run = run;
    const { world } = this.#options;
    world.addEventListener("parked", () => this.#leave(), { signal: run.signal });
    world.addEventListener("back", () => this.#back(), { signal: run.signal });
    this.#tell({ ...idle(this.#info.transport), state: "connecting" });
    this.#tabs.join();
  }

  /** Nothing is told from now on, until it is started again. */
  stop() {
    this.#run?.abort();
    this.#run = null;
    this.#shared.left();
    this.#tabs.leave();
    this.#info = idle(this.#info.transport);
    this.#place = null;
  }

  /** At once instead of after a pause, and again after the loop has ended. */
  wake() {
    if (!this.#run) return;
    this.#tabs.ask("wake").catch(() => {});
  }

  /** To all other tabs. @param {string} kind @param {any} [data] */
  broadcast(kind, data) {
    this.#tabs.broadcast("page", { kind, data });
  }

  /** Asks the leading tab. @param {string} kind @param {any} [data] @param {{timeoutMs?: number}} [options] @returns {Promise<any>} */
  ask(kind, data, options) {
    return this.#tabs.ask(`page ${kind}`, data, options);
  }

  /** @param {string} kind @param {(data: any) => unknown} fn  answers when this tab leads */
  answer(kind, fn) {
    this.#tabs.answer(`page ${kind}`, fn);
  }

  /**
   * How to get a kind of thing, and which events make what was got before them stale.
   * @param {string} kind @param {(args: any) => Promise<any>} fetcher @param {import("./tabs/shared.js").StaleBy} [staleBy]
   * @param {(args: any) => boolean} [keeps]  whether the answer is kept for who asks later
   */
  provide(kind, fetcher, staleBy, keeps) {
    this.#shared.provide(kind, fetcher, staleBy, keeps);
  }

  /**
   * Something happened that no event tells of in this tab, such as one's own read mark: what it makes stale is stale.
   * @param {import("./types.js").GateEvent} event
   */
  happened(event) {
    this.#shared.happened(event);
  }

  /**
   * What all tabs share: from the cache, from a request that is under way, or by a new one.
   * @param {string} kind @param {any} [args] @param {import("./tabs/shared.js").FetchOptions} [options]
   * @returns {Promise<import("./tabs/shared.js").Fetched>}
   */
  fetchShared(kind, args, options) {
    return this.#shared.fetch(kind, args, options);
  }

  /**
   * An operation over the open WebSocket, if this tab has one.
   * @param {string} op @param {object} [fields] @returns {Promise<any>}
   */
  call(op, fields) {
    return this.#connection?.call(op, fields) ?? Promise.reject(Problem.network(undefined, "There is no open WebSocket"));
  }

  /** Goes over to another transport. @param {import("./types.js").TransportChoice} transport */
  use(transport) {
    this.#options.transport = transport;
    this.#connection?.use(transport);
  }

  /** @param {boolean} leading */
  #lead(leading) {
    if (!leading) {
      this.#stepDown();
      return;
    }
    this.#catchUp();
    this.#session.refresh();
    this.#n = 0;
    this.#ledSince = Date.now();
    this.#ownTerm = this.#tabs.term;
    this.#echoes = 0;
    const { api, transport, presence, world, random, WebSocket } = this.#options;
    const connection = new Connection({
      ...definite({ transport, presence, random, WebSocket }),
      api,
      world,
      session: this.#session.id,
      cursor: this.#session.cursor,
      seen: this.#seen,
    });
    this.#connection = connection;
    on(connection, "event", (event) => this.#passOn(event));
    on(connection, "cursor", () => this.#keepSoon());
    on(connection, "resync", (detail) => this.#passResyncOn(detail));
    on(connection, "state", (info) => this.#stateOf(connection, info));
    this.#emit("leading", true);
    connection.start();
  }

  #stepDown() {
    const connection = this.#connection;
    this.#connection = null;
    this.#keep(connection);
    connection?.stop();
    this.#place = { term: this.#ownTerm, n: this.#n };
    this.#emit("leading", false);
  }

  /** @param {import("./types.js").GateEvent} event */
  #passOn(event) {
    this.#n += 1;
    this.#tabs.broadcast("event", { n: this.#n, event });
    this.#tellEvent(event);
  }

  /** @param {import("./types.js").GateEvent} event */
  #tellEvent(event) {
    this.#info = { ...this.#info, lastEventAt: Date.now() };
    this.#shared.happened(event);
    this.#emit("event", event);
  }

  /** @param {import("./types.js").ResyncDetail} detail */
  #passResyncOn(detail) {
    this.#n += 1;
    this.#tabs.broadcast("resync", { n: this.#n, reason: detail.reason });
    this.#shared.missed();
    this.#emit("resync", detail);
  }

  #keepSoon() {
    // A hidden tab's timer may come a minute late.
    if (this.#options.world.hidden) return this.#keep(this.#connection);
    this.#keepTimer ??= setTimeout(() => this.#keep(this.#connection), KEEP_MS);
  }

  /** @param {Connection|null} connection */
  #keep(connection) {
    clearTimeout(this.#keepTimer);
    this.#keepTimer = undefined;
    if (!connection || connection.cursor === this.#session.cursor) return;
    this.#session.keep(connection.cursor, { term: this.#ownTerm, n: this.#n });
    this.#tabs.broadcast("cursor", { cursor: connection.cursor });
  }

  /** @param {Connection} connection @param {import("./connection.js").OwnInfo} info */
  #stateOf(connection, info) {
    if (info.state === "superseded" && !this.#tabs.alone) return void this.#contest(connection, info);
    this.#tellAll(info);
  }

  /** Another one has the mailbox: the tab that leads by now, the one before it with its last request, or a stranger. @param {Connection} connection @param {import("./connection.js").OwnInfo} info */
  async #contest(connection, info) {
    const leads = await this.#tabs.confirm();
    if (!leads || this.#connection !== connection || connection.running) return;
    this.#echoes += 1;
    if (Date.now() - this.#ledSince < ECHO_MS && this.#echoes <= MOST_ECHOES) connection.start();
    else this.#tellAll(info);
  }

  /** @param {import("./connection.js").OwnInfo} info */
  #tellAll(info) {
    this.#tell(info);
    this.#tabs.broadcast("state", info);
  }

  /** @param {any} info */
  #tell(info) {
    this.#info = info;
    this.#emit("state", this.info);
  }

  /** Another tab leads, from now on or since before this one came. @param {number} term @param {any} told */
  #follow(term, { info, cursor, session, n, before }) {
    const place = this.#place;
    // Known to be the same leader, at the same place; or the next one, which has heard what this tab has heard.
    const level = place && (place.term === term ? place.n === n : before && before.term === place.term && before.n <= place.n && n === 0);
    this.#place = { term, n };
    this.#session.adopt(session, cursor);
    this.#tell(info.state === "idle" ? { ...info, state: "connecting" } : info);
    if (place && !level) void this.#resyncOwn();
  }

  /** @param {import("./tabs/tabs.js").TabMessage} message */
  #heard({ kind, data, term }) {
    switch (kind) {
      case "event":
        this.#count(term, data.n);
        if (!this.#seen.add(data.event.id)) return;
        return this.#tellEvent(data.event);
      case "resync":
        this.#count(term, data.n);
        return void this.#resyncOwn(data.reason);
      case "state":
        if (!this.leading && term === this.#place?.term) this.#tell(data);
        return;
      case "cursor":
        if (!this.leading) this.#session.cursor = data.cursor;
        return;
      case "fetched":
        return this.#shared.heard(data);
      case "page":
        return this.#emit("message", data);
    }
  }

  /** @param {number} term @param {number} n */
  #count(term, n) {
    const place = this.#place;
    // What a leader before says in passing is heard, and counts for nothing.
    if (this.leading || (place && term < place.term)) return;
    const gap = place !== null && (place.term !== term || n > place.n + 1);
    this.#place = { term, n: Math.max(n, place?.term === term ? place.n : 0) };
    if (gap) void this.#resyncOwn();
  }

  /** Takes over: has it heard all that the leader before has passed on, by what that one kept? */
  #catchUp() {
    const place = this.#place;
    const kept = this.#session.kept().place;
    const run = this.#run;
    if (!place || !run || kept?.term !== place.term || kept.n <= place.n) return;
    void pause(ON_ITS_WAY_MS, run.signal).then(() => {
      if (!run.signal.aborted) void this.#resyncOwn();
    });
  }

  #leave() {
    this.#keep(this.#connection);
    this.#session.leave();
  }

  #back() {
    this.#session.back();
    // Whatever number comes next, what was missed is read again anyway.
    this.#place = null;
    // For itself, it has missed nothing: all of it waits in its mailbox.
    if (!this.#tabs.alone) void this.#resyncOwn();
  }

  /** Says `resync` in this tab, again and again until what follows from it was done. @param {import("./types.js").ResyncReason} [reason] */
  async #resyncOwn(reason = "away") {
    this.#resyncAgain = true;
    const run = this.#run;
    if (this.#resyncing || !run) return;
    this.#resyncing = true;
    for (let failures = 0; this.#resyncAgain && !run.signal.aborted; ) {
      this.#resyncAgain = false;
      this.#shared.missed();
      const done = await sayResync(this, reason, run.signal).then(() => true, () => false);
      if (done) continue;
      this.#resyncAgain = true;
      failures += 1;
      await pause(backoff(failures, this.#random), run.signal);
    }
    this.#resyncing = false;
  }

  /** @param {string} type @param {any} detail */
  #emit(type, detail) {
    if (this.#run) this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** @param {EventTarget} target @param {string} type @param {(detail: any) => void} listener */
function on(target, type, listener) {
  target.addEventListener(type, (event) => listener(/** @type {CustomEvent} */ (event).detail));
}

/** @template {object} T @param {T} options @returns {any} without what is undefined, so that defaults hold */
function definite(options) {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
