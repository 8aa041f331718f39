/**
 * The one loop that brings the events of a session, over whichever transport works.
 *
 * Rules it lives by:
 * - there is one loop, whatever is called and how often;
 * - a cursor is used only after its events were handed over, and what a resync asks for was done; what comes twice is
 *   dropped by its id: so nothing is lost and nothing is told twice, also when the transport changes in between;
 * - a transport that works is left only when a better one is open;
 * - after `stop()` nothing is told, even when an answer is on its way; `start()` goes on where it stopped.
 */

import { backoff, spread } from "./backoff.js";
import { Bell, Nap } from "./clock.js";
import { idle } from "./info.js";
import { Problem } from "./problem.js";
import { sayResync } from "./resync.js";
import { Seen } from "./seen.js";
import { Choice } from "./transport/choice.js";
import { Leg } from "./transport/leg.js";
import { transportNamed } from "./transport/named.js";
import { verdict } from "./verdict.js";
import { theWorld } from "./world.js";

/** For so long after a change of transport, `superseded` may be the echo of our own last request. */
const ECHO_MS = 5_000;
/** So often a device that thinks it is offline tries anyway: it may be wrong. */
const OFFLINE_MS = 20_000;
/** What was open for so long did not fail on the way. */
const STABLE_MS = 30_000;

/**
 * @typedef {object} ConnectionOptions
 * @property {import("./api.js").Api} api
 * @property {string} session
 * @property {import("./types.js").TransportChoice} [transport]
 * @property {boolean} [presence]
 * @property {string} [cursor]           where to go on
 * @property {() => number} [random]
 * @property {import("./world.js").World} [world]
 * @property {Seen} [seen]               ids that were handed over already
 * @property {typeof globalThis.WebSocket} [WebSocket]
 *
 * @typedef {import("./info.js").OwnInfo} OwnInfo
 */

/** Events: `event` (detail: the event), `resync` (detail: ResyncDetail), `cursor`, `state` (detail: OwnInfo). */
export class Connection extends EventTarget {
  #options;
  #world;
  #seen;
  #random;
  /** @type {Choice} */ #choice;
  /** @type {AbortController|null} */ #run = null;
  /** @type {Promise<void>} */ #ended = Promise.resolve();
  /** @type {Leg|null} */ #leg = null;
  /** The better one that is being tried, and until when. @type {Leg|null} */ #rival = null;
  #trial = Promise.resolve();
  #changed = new Bell();
  #nap = new Nap();
  #failures = 0;
  #changedAt = -Infinity;
  #parked = false;
  /** @type {(() => void)[]} */ #unwatch = [];
  /** @type {OwnInfo} */ #info;
  /** The last cursor whose events were handed over. */
  cursor;

  /** @param {ConnectionOptions} options */
  constructor(options) {
    super();
    this.#options = options;
    this.#world = options.world ?? theWorld();
    this.#seen = options.seen ?? new Seen();
    this.#random = options.random ?? Math.random;
    this.#choice = new Choice(options.transport ?? "poll");
    this.cursor = options.cursor ?? "";
    this.#info = idle(this.#choice.current);
  }

  /** @returns {OwnInfo} */
  get info() {
    return { ...this.#info };
  }

  /** The mailbox's name. */
  get session() {
    return this.#options.session;
  }

  get running() {
    return this.#run !== null;
  }

  /** Starts the loop; a second call while it runs does nothing. */
  start() {
    if (this.#run) return;
    const run = new AbortController();
    this.#run = run;
    this.#failures = 0;
    this.#watch();
    this.#tell(run, "connecting");
    // The last run may still be winding down: it ends before the first request of this one.
    this.#ended = this.#ended.then(() => this.#keepGoing(run));
  }

  /** Ends the loop; nothing is told from now on. The cursor is kept. */
  stop() {
    const run = this.#run;
    this.#halt();
    if (run) this.#info = { ...idle(this.#info.transport), lastEventAt: this.#info.lastEventAt };
  }

  /** At once instead of after a pause; begins anew what has ended. */
  wake() {
    if (!this.#run) return this.#info.state === "idle" ? undefined : this.start();
    this.#failures = 0;
    this.#nap.end();
  }

  /** Goes over to another transport, with the same cursor. @param {import("./types.js").TransportChoice} choice */
  use(choice) {
    this.#choice = new Choice(choice);
    this.#restart();
  }

  /**
   * An operation over the open WebSocket.
   * @param {string} op @param {object} [fields] @returns {Promise<any>}
   */
  call(op, fields = {}) {
    const transport = this.#leg?.isOpen ? this.#leg.transport : null;
    return transport?.call?.(op, fields) ?? Promise.reject(Problem.network(undefined, "There is no open WebSocket"));
  }

  #halt() {
    const run = this.#run;
    this.#run = null;
    run?.abort();
    this.#unwatch.splice(0).forEach((end) => end());
  }

  /** @param {AbortController} run */
  async #keepGoing(run) {
    const climbing = this.#climb(run);
    while (this.#run === run) {
      if (!this.#world.online && (await this.#offline(run))) continue;
      while (this.#parked && this.#run === run) await this.#changed.heard(run.signal);
      if (this.#run !== run) break;
      this.#leg ??= this.#launch(run, this.#choice.current);
      const leg = this.#leg;
      const outcome = await leg.done;
      // A better one took over, and this one's end is its echo.
      if (this.#run !== run || this.#leg !== leg) continue;
      if (await this.#overtaken(leg, outcome)) continue;
      this.#leg = null;
      if (!(await this.#settle(run, leg, outcome))) break;
    }
    this.#leg?.end();
    this.#leg = null;
    await climbing;
  }

  /** @param {AbortController} run @param {import("./types.js").TransportName} name */
  #launch(run, name) {
    /** @type {Leg} */
    const leg = new Leg(transportNamed(name, { ...this.#options, hidden: () => this.#world.hidden }), {
      signal: run.signal,
      cursor: () => this.cursor,
      take: (batch) => this.#take(run, leg, batch),
      opened: () => {
        if (this.#run !== run || this.#leg !== leg) return;
        this.#choice.opened(name);
        if (this.#info.state !== "live" || this.#info.transport !== name) this.#tell(run, "live");
      },
    });
    return leg;
  }

  /**
   * Hands a batch over; then, and only then, remembers its cursor.
   * @param {AbortController} run @param {Leg} leg @param {import("./types.js").Batch} batch
   * @returns {Promise<number>} how many events were new
   */
  async #take(run, leg, { events, resync, cursor }) {
    let news = 0;
    for (const event of events) {
      if (this.#run !== run) return news;
      if (!this.#seen.add(event.id)) continue;
      news += 1;
      this.#info.lastEventAt = Date.now();
      this.dispatchEvent(new CustomEvent("event", { detail: event }));
    }
    if (resync) await sayResync(this, "gateway", leg.signal);
    if (this.#run !== run || (resync && leg.signal.aborted)) return news;
    if (news > 0 || resync || leg.name === "poll") this.#failures = 0;
    this.#remember(cursor);
    return news;
  }

  /** @param {string} cursor */
  #remember(cursor) {
    if (cursor === this.cursor) return;
    this.cursor = cursor;
    this.dispatchEvent(new Event("cursor"));
  }

  /**
   * The leg ended as superseded while a better one was opening: by that one, most likely.
   * @param {Leg} leg @param {import("./transport/leg.js").Outcome} outcome
   */
  async #overtaken(leg, outcome) {
    if (!this.#rival || verdict(leg.name, outcome).kind !== "superseded") return false;
    await this.#trial;
    return this.#leg !== leg;
  }

  /**
   * What follows from the end of a leg.
   * @param {AbortController} run @param {Leg} leg @param {import("./transport/leg.js").Outcome} outcome
   * @returns {Promise<boolean>} whether to go on
   */
  async #settle(run, leg, outcome) {
    const end = verdict(leg.name, outcome);
    if (leg.livedMs >= STABLE_MS) this.#failures = 0;
    switch (end.kind) {
      case "signed-out":
      case "refused":
        return this.#finish(run, end.kind, end.reason);
      case "superseded":
        return this.#isEcho() || this.#finish(run, end.kind, end.reason);
      case "cursor":
        if (this.cursor === "") return this.#backOff(run, end);
        return this.#beginAnew(run, end);
      case "unopened":
        this.#changedAt = Date.now();
        return this.#choice.unopened(leg.name) ? true : this.#backOff(run, end);
      case "broke":
        this.#changedAt = Date.now();
        if (this.#choice.broke(leg.name, leg.livedMs)) return true;
        return this.#backOff(run, end);
      case "again":
        // Unless it does nothing but end: then it is a failure like any other.
        if (this.#failures === 0 || end.pauseMs) return this.#rest(run, end);
        return this.#backOff(run, end);
      default:
        // Those that did not open on the way down to this one may not be to blame.
        if (!leg.isOpen) this.#choice.begin();
        return this.#backOff(run, end);
    }
  }

  /** Our own last request may arrive after the one that follows it, and supersede that; once. */
  #isEcho() {
    const echo = Date.now() - this.#changedAt < ECHO_MS;
    this.#changedAt = -Infinity;
    return echo;
  }

  /** The gateway cannot read the cursor: begin anew, once what it stood for was read again. @param {AbortController} run @param {import("./verdict.js").Verdict} end */
  async #beginAnew(run, end) {
    try {
      await sayResync(this, "cursor", run.signal);
    } catch (error) {
      return this.#backOff(run, { ...end, reason: String(/** @type {any} */ (error)?.message ?? error) });
    }
    if (this.#run !== run) return false;
    this.#remember("");
    // A WebSocket does not say why it was refused: it may have been for this cursor.
    this.#choice.forgive();
    this.#choice.begin();
    return true;
  }

  /** The gateway asks to come back, at once or later. @param {AbortController} run @param {import("./verdict.js").Verdict} end */
  async #rest(run, { pauseMs = 0, reason }) {
    // The next one that ends as soon, without news in between, waits.
    this.#failures += 1;
    if (pauseMs === 0) return true;
    this.#tell(run, "waiting", { retryInMs: pauseMs, reason });
    await this.#nap.take(pauseMs, run.signal, true);
    if (this.#run === run && this.#world.online) this.#tell(run, "connecting");
    return this.#run === run;
  }

  /** @param {AbortController} run @param {import("./verdict.js").Verdict} end */
  async #backOff(run, { retryAfterMs, pauseMs, reason }) {
    this.#failures += 1;
    const asked = retryAfterMs ?? pauseMs;
    const retryInMs = asked ? spread(asked, this.#random) : backoff(this.#failures, this.#random);
    if (!this.#world.online) return true;
    this.#tell(run, "waiting", { retryInMs, reason });
    await this.#nap.take(retryInMs, run.signal, Boolean(asked));
    if (this.#run === run && this.#world.online) this.#tell(run, "connecting");
    return this.#run === run;
  }

  /** @param {AbortController} run @returns {Promise<boolean>} whether the loop is to look again */
  async #offline(run) {
    if (this.#info.state !== "offline") this.#tell(run, "offline", { reason: "The device is offline" });
    await this.#nap.take(OFFLINE_MS, run.signal, false);
    if (this.#run !== run) return true;
    if (this.#world.online) this.#tell(run, "connecting");
    return false;
  }

  /** While a worse transport is in use, tries a better one beside it now and then. @param {AbortController} run */
  async #climb(run) {
    while (this.#run === run) {
      const better = this.#leg?.isOpen ? this.#choice.better() : null;
      if (better?.inMs === 0) {
        this.#trial = this.#try(run, better.name);
        await this.#trial;
      } else {
        await this.#changed.heard(run.signal, better?.inMs);
      }
    }
  }

  /** @param {AbortController} run @param {import("./types.js").TransportName} name */
  async #try(run, name) {
    const rival = this.#launch(run, name);
    this.#rival = rival;
    const opened = await Promise.race([rival.opened.then(() => true), rival.done.then(() => false)]);
    this.#rival = null;
    this.#changedAt = Date.now();
    if (this.#run !== run || !opened) {
      rival.end();
      this.#choice.refused(name);
      return;
    }
    const old = this.#leg;
    this.#leg = rival;
    this.#choice.opened(name);
    this.#tell(run, "live");
    old?.end();
  }

  #watch() {
    const on = (/** @type {string} */ type, /** @type {() => void} */ act) => {
      this.#world.addEventListener(type, act);
      this.#unwatch.push(() => this.#world.removeEventListener(type, act));
    };
    on("online", () => {
      this.#choice.forgive();
      this.#restart();
    });
    on("offline", () => this.#restart());
    on("slept", () => this.#restart());
    on("shown", () => this.#nap.endUnlessFirm());
    on("parked", () => {
      this.#parked = true;
      this.#restart();
    });
    on("back", () => {
      this.#parked = false;
      this.#failures = 0;
      this.#changed.ring();
    });
    this.#parked = this.#world.parked;
    this.#unwatch.push(this.#world.watchSleep());
  }

  /** Whatever is under way is given up and begun again at once: it may be dead without knowing. */
  #restart() {
    if (!this.#run) return;
    this.#failures = 0;
    this.#changedAt = Date.now();
    this.#choice.begin();
    this.#changed.ring();
    this.#nap.endUnlessFirm();
    this.#rival?.end();
    const leg = this.#leg;
    this.#leg = null;
    leg?.end();
  }

  /** @param {AbortController} run @param {import("./types.js").StateName} state @param {string} [reason] */
  #finish(run, state, reason) {
    this.#tell(run, state, { reason });
    if (this.#run === run) this.#halt();
    return false;
  }

  /** @param {AbortController} run @param {import("./types.js").StateName} state @param {{retryInMs?: number, reason?: string}} [more] */
  #tell(run, state, { retryInMs, reason } = {}) {
    if (this.#run !== run) return;
    const since = Date.now();
    const transport = this.#leg?.name ?? this.#choice.current;
    this.#info = { ...this.#info, state, transport, since, attempt: state === "live" ? 0 : this.#failures, retryInMs: retryInMs ?? null, reason: reason ?? null };
    this.dispatchEvent(new CustomEvent("state", { detail: this.info }));
    this.#changed.ring();
  }
}
