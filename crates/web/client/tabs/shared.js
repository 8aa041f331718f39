/**
 * Requests that all tabs of the browser share: the leader makes them, and what it gets all tabs get.
 *
 * Rules it lives by:
 * - an answer is asked for once, however many tabs and components want it at the same time;
 * - what was asked for before an event that changes it is given to nobody who asks after that event;
 * - a follower that hears nothing of a leader does the request itself.
 */

import { Problem } from "../problem.js";

const MOST_KEPT = 300;
/** So long an answer is kept at least; for longer when somebody asks for one as old. */
const KEPT_MS = 60_000;
const ASK_MS = 1_500;

/**
 * @typedef {{data: any, at: number}} Fetched  `at`: when it was asked for, in milliseconds since 1970
 * @typedef {{maxAgeMs?: number, force?: boolean}} FetchOptions  `force`: not from the cache, and not from a request that was under way
 *
 * @typedef {(event: import("../types.js").GateEvent, args: any) => boolean} StaleBy  whether the event changes what is got by these arguments
 *
 * @typedef {object} Flight
 * @property {string} id
 * @property {string} kind
 * @property {any} args
 * @property {boolean} stale     an event came meanwhile: the answer may be from before it
 * @property {boolean} force
 * @property {boolean} awaited   another tab waits for it
 * @property {Promise<Fetched>} done
 *
 * @typedef {object} Provider
 * @property {(args: any) => Promise<any>} fetcher
 * @property {StaleBy} staleBy
 * @property {(args: any) => boolean} keeps
 */

export class Shared {
  #tabs;
  #arrived;
  /** @type {Map<string, Provider>} */ #providers = new Map();
  /** @type {Map<string, {kind: string, args: any} & Fetched>} */ #kept = new Map();
  /** Under way in this tab. @type {Map<string, Flight>} */ #flights = new Map();
  /** Asked of the leader. @type {Map<string, {kind: string, args: any, force: boolean, stale: boolean, done: Promise<Fetched>}>} */ #asked = new Map();
  /** Who waits for a flight of the leader's. @type {Map<string, (answer: any) => void>} */ #waiting = new Map();
  /** Answers that came before the word that they would. @type {Map<string, any>} */ #early = new Map();
  /** How often this tab has left the others. */
  #leaves = 0;
  /** How many questions of this tab are not answered. */
  #open = 0;
  #keptMs = KEPT_MS;
  #count = 0;

  /**
   * @param {import("./tabs.js").Tabs} tabs
   * @param {(fetched: {kind: string, args: any} & Fetched) => void} arrived  an answer came, of this tab or another
   */
  constructor(tabs, arrived) {
    this.#tabs = tabs;
    this.#arrived = arrived;
    tabs.answer("fetch", (question) => this.#serve(question));
    // Whoever was to answer may be gone.
    for (const type of ["leader", "leading"]) tabs.addEventListener(type, () => this.#abandon());
  }

  /**
   * How to get a kind of thing.
   * @param {string} kind @param {(args: any) => Promise<any>} fetcher @param {StaleBy} [staleBy]
   * @param {(args: any) => boolean} [keeps]  whether the answer is kept, and told to tabs that have not asked for it
   */
  provide(kind, fetcher, staleBy = () => false, keeps = () => true) {
    this.#providers.set(kind, { fetcher, staleBy, keeps });
  }

  /** Every tab hears every event: each sees to what it keeps and has asked for. @param {import("../types.js").GateEvent} event */
  happened(event) {
    const hit = (/** @type {{kind: string, args: any}} */ { kind, args }) => this.#providers.get(kind)?.staleBy(event, args) === true;
    for (const [key, kept] of this.#kept) if (hit(kept)) this.#kept.delete(key);
    for (const waiting of [...this.#flights.values(), ...this.#asked.values()]) if (hit(waiting)) waiting.stale = true;
  }

  /** Events may have been missed: nothing that was asked for until now is good any more. */
  missed() {
    this.#kept.clear();
    for (const waiting of [...this.#flights.values(), ...this.#asked.values()]) waiting.stale = true;
  }

  /** This tab leaves the others: what it waits for has no end any more, and is not asked for by itself. */
  left() {
    this.#leaves += 1;
    this.#abandon();
  }

  /** @param {string} kind @param {any} args @param {FetchOptions} [options] @returns {Promise<Fetched>} */
  fetch(kind, args, { maxAgeMs = 0, force = false } = {}) {
    const key = keyOf(kind, args);
    const kept = this.#fresh(key, maxAgeMs, force);
    if (kept) return Promise.resolve({ data: kept.data, at: kept.at });
    if (this.#tabs.leading || !this.#tabs.joined) return this.#fly(kind, args, force).done;
    const asked = this.#asked.get(key);
    if (asked && joins(asked, force)) return asked.done;
    const done = this.#ask(kind, args, { maxAgeMs, force }).finally(() => {
      if (this.#asked.get(key)?.done === done) this.#asked.delete(key);
    });
    this.#asked.set(key, { kind, args, force, stale: false, done });
    return done;
  }

  /** Another tab has got something. @param {any} message */
  heard(message) {
    if (!message.problem) this.#keep(message);
    this.#settle(message);
  }

  /** Whoever waits for this flight may be this very tab, which led by the time its own question was answered. @param {any} message */
  #settle(message) {
    const settle = this.#waiting.get(message.id);
    if (settle) return settle(message);
    if (this.#open === 0) return;
    this.#early.set(message.id, message);
    if (this.#early.size > 20) this.#early.delete(/** @type {string} */ (this.#early.keys().next().value));
  }

  /** @param {string} kind @param {any} args @param {Required<FetchOptions>} options @returns {Promise<Fetched>} */
  async #ask(kind, args, options) {
    const leaves = this.#leaves;
    this.#open += 1;
    try {
      const answer = await this.#tabs.ask("fetch", { kind, args, ...options }, { timeoutMs: ASK_MS });
      return answer.id === undefined ? answer : await this.#wait(answer.id);
    } catch (error) {
      if (leaves !== this.#leaves) throw new DOMException("This tab was stopped", "AbortError");
      // A leader that does not answer, or one of another version.
      const mute = error instanceof Problem && (error.code === "no-leader" || error.code === "unknown-question");
      if (!mute) throw error;
      return this.#fly(kind, args, options.force).done;
    } finally {
      this.#open -= 1;
      if (this.#open === 0) this.#early.clear();
    }
  }

  /** @param {string} id @returns {Promise<Fetched>} */
  async #wait(id) {
    let answer = this.#early.get(id);
    this.#early.delete(id);
    answer ??= await new Promise((resolve) => this.#waiting.set(id, resolve));
    this.#waiting.delete(id);
    if (answer.problem) throw new Problem(answer.problem);
    return { data: answer.data, at: answer.at };
  }

  #abandon() {
    const problem = { code: "no-leader", detail: "The leading tab is another one" };
    for (const settle of [...this.#waiting.values()]) settle({ problem });
  }

  /** Answers another tab: from the cache, or with the name of the flight. @param {{kind: string, args: any} & Required<FetchOptions>} question */
  #serve({ kind, args, maxAgeMs, force }) {
    const kept = this.#fresh(keyOf(kind, args), maxAgeMs, force);
    if (kept) return { data: kept.data, at: kept.at };
    if (!this.#providers.has(kind)) throw new Problem({ code: "unknown-question", detail: `Nobody provides ${kind}` });
    const flight = this.#fly(kind, args, force);
    flight.awaited = true;
    return { id: flight.id };
  }

  /** The request itself; one at a time for each key. @param {string} kind @param {any} args @param {boolean} force @returns {Flight} */
  #fly(kind, args, force) {
    const key = keyOf(kind, args);
    const under = this.#flights.get(key);
    if (under && joins(under, force)) return under;
    const id = `${this.#tabs.id}/${(this.#count += 1)}`;
    /** @type {Flight} */
    const flight = { id, kind, args, force, stale: false, awaited: false, done: Promise.resolve({ data: null, at: 0 }) };
    this.#flights.set(key, flight);
    flight.done = this.#run(flight).finally(() => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    });
    // Whoever asked may be another tab, which hears of a failure by its own message.
    flight.done.catch(() => {});
    return flight;
  }

  /** @param {Flight} flight @returns {Promise<Fetched>} */
  async #run(flight) {
    const { id, kind, args } = flight;
    const provider = this.#providers.get(kind);
    if (!provider) throw new Problem({ code: "unknown-question", detail: `Nobody provides ${kind}` });
    const at = Date.now();
    try {
      const data = await provider.fetcher(args);
      const message = { id, kind, args, data, at, stale: flight.stale };
      this.#keep(message);
      if (flight.awaited || provider.keeps(args)) this.#tabs.broadcast("fetched", message);
      this.#settle(message);
      return { data, at };
    } catch (error) {
      const problem = error instanceof Problem ? error : Problem.network(error, String(/** @type {any} */ (error)?.message ?? error));
      const message = { id, kind, args, problem: problem.toJSON() };
      if (flight.awaited) this.#tabs.broadcast("fetched", message);
      this.#settle(message);
      throw error;
    }
  }

  /** @param {string} key @param {number} maxAgeMs @param {boolean} force */
  #fresh(key, maxAgeMs, force) {
    this.#keptMs = Math.max(this.#keptMs, maxAgeMs);
    const kept = this.#kept.get(key);
    return !force && kept && !isAhead(kept) && Date.now() - kept.at < maxAgeMs ? kept : undefined;
  }

  /** @param {{kind: string, args: any, stale: boolean} & Fetched} fetched */
  #keep({ kind, args, data, at, stale }) {
    const key = keyOf(kind, args);
    if (stale || this.#providers.get(kind)?.keeps(args) === false) return;
    for (const [old, kept] of this.#kept) if (isAhead(kept) || Date.now() - kept.at > this.#keptMs) this.#kept.delete(old);
    if ((this.#kept.get(key)?.at ?? -1) > at) return;
    this.#kept.delete(key);
    this.#kept.set(key, { kind, args, data, at });
    if (this.#kept.size > MOST_KEPT) this.#kept.delete(/** @type {string} */ (this.#kept.keys().next().value));
    this.#arrived({ kind, args, data, at });
  }
}

/** The clock was set back since: nobody knows how old it is. @param {Fetched} kept */
const isAhead = ({ at }) => at > Date.now();

/** Whether a request that is under way does for another asker. @param {{force: boolean, stale: boolean}} under @param {boolean} force */
const joins = (under, force) => !under.stale && (under.force || !force);

/** @param {string} kind @param {any} args */
const keyOf = (kind, args) => `${kind} ${JSON.stringify(args ?? null)}`;
