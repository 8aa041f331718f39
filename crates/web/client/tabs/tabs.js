/**
 * The tabs of one browser that show the same user's messages: one of them leads, and all talk over a BroadcastChannel.
 *
 * Rules it lives by:
 * - a leader that is closed or crashes is followed at once, by the lock; one that stands still (frozen, or stuck in a long
 *   task) is found by its silence, and the lock is taken from it;
 * - followers ask whether it is there and it answers: messages come through in hidden tabs, where timers are slowed down;
 * - each leader has a term, and a later term counts: what a thawed leader still says about leading is not heard;
 * - where there are no locks or channels, each tab stands for itself.
 */

import { Problem } from "../problem.js";
import { theWorld } from "../world.js";
import { Leadership } from "./leadership.js";

const BEAT_MS = 400;
/** So many questions without an answer, each a beat apart, and the leader is given up. */
const MOST_UNANSWERED = 2;
const PATIENCE_MS = 1_500;

/**
 * @typedef {object} TabsOptions
 * @property {string} name      tabs of the same name belong together
 * @property {import("./leadership.js").Locks|null} [locks]  null: there are none
 * @property {((name: string) => BroadcastChannel)|null} [channel]
 * @property {import("../world.js").World} [world]
 * @property {() => unknown} [describe]  what a leader tells of itself when it begins, and to who comes later
 *
 * @typedef {{kind: string, data: any, from: string, term: number}} TabMessage
 */

/**
 * Events: `leading` (detail: whether this tab leads), `leader` (detail: {tab, term, data}: there is another one),
 * `message` (detail: TabMessage).
 */
export class Tabs extends EventTarget {
  /** This tab's name among the others. */
  id = crypto.randomUUID?.() ?? Math.random().toString(36).slice(2);
  #options;
  #world;
  /** @type {Leadership|null} */ #leadership = null;
  /** @type {BroadcastChannel|null} */ #channel = null;
  #joined = false;
  #leading = false;
  /** The latest term heard of, own ones included. */
  #term = 0;
  #unanswered = 0;
  #heardAt = 0;
  /** @type {ReturnType<typeof setInterval>|undefined} */ #timer;
  /** @type {Map<string, (data: any) => unknown>} */ #answers = new Map();
  /** @type {Map<string, {kind: string, data: any, settle: (answer: any) => void}>} */ #questions = new Map();
  #count = 0;

  /** @param {TabsOptions} options */
  constructor(options) {
    super();
    const { locks = globalThis.navigator?.locks ?? null, channel = globalThis.BroadcastChannel ? (name) => new BroadcastChannel(name) : null } = options;
    this.#options = { describe: () => null, ...options, locks, channel };
    this.#world = options.world ?? theWorld();
  }

  /** Whether each tab stands for itself, because this browser has no way to tell them of each other. */
  get alone() {
    return !this.#options.locks || !this.#options.channel;
  }

  get leading() {
    return this.#leading;
  }

  /** The latest term heard of; a leader's own. */
  get term() {
    return this.#term;
  }

  get joined() {
    return this.#joined;
  }

  join() {
    if (this.#joined) return;
    this.#joined = true;
    this.#world.addEventListener("parked", this.#parked);
    this.#world.addEventListener("back", this.#back);
    this.#enter();
  }

  /** Leaves at once: the next tab leads. */
  leave() {
    if (!this.#joined) return;
    this.#joined = false;
    this.#world.removeEventListener("parked", this.#parked);
    this.#world.removeEventListener("back", this.#back);
    this.#exit();
    for (const { settle } of this.#questions.values()) settle({ problem: nobody() });
  }

  /** To all other tabs. @param {string} kind @param {any} [data] */
  broadcast(kind, data) {
    this.#post("say", { kind, data });
  }

  /**
   * Asks the leader, also when that is this tab.
   * @param {string} kind @param {any} [data] @param {{timeoutMs?: number}} [options]
   * @returns {Promise<any>} rejects with a `Problem`: the leader's, or of code `no-leader` when none answers in time
   */
  ask(kind, data, { timeoutMs = PATIENCE_MS } = {}) {
    if (this.#leading) return this.#answer(kind, data);
    return new Promise((resolve, reject) => {
      const n = `${this.id}/${(this.#count += 1)}`;
      const settle = (/** @type {any} */ answer) => {
        clearTimeout(timer);
        this.#questions.delete(n);
        if (answer.problem) reject(new Problem(answer.problem));
        else resolve(answer.data);
      };
      const timer = setTimeout(() => settle({ problem: nobody() }), timeoutMs);
      this.#questions.set(n, { kind, data, settle });
      this.#post("ask", { n, kind, data });
    });
  }

  /** What the leader answers to a kind of question. @param {string} kind @param {(data: any) => unknown} fn */
  answer(kind, fn) {
    this.#answers.set(kind, fn);
  }

  /**
   * Whether this tab is still the leader, as far as the others know: a later one may have taken over while this one
   * stood still.
   * @returns {Promise<boolean>}
   */
  async confirm() {
    if (this.alone || !this.#leading) return this.#leading;
    const before = this.#term;
    this.#post("who", null);
    await new Promise((resolve) => setTimeout(resolve, BEAT_MS));
    return this.#leading && this.#term === before;
  }

  #enter() {
    const { locks, channel, name } = this.#options;
    if (!locks || !channel) return this.#lead(true);
    this.#channel = channel(name);
    this.#channel.onmessage = ({ data }) => this.#heard(data);
    this.#leadership = new Leadership({ locks, name, changed: (leading) => this.#lead(leading), alone: () => this.#standAlone() });
    this.#leadership.seek();
    this.#post("who", null);
    this.#heardAt = Date.now();
    this.#unanswered = 0;
    this.#timer = setInterval(() => this.#beat(), BEAT_MS);
    /** @type {any} */ (this.#timer).unref?.();
  }

  #exit() {
    clearInterval(this.#timer);
    this.#leadership?.release();
    this.#lead(false);
    this.#leadership = null;
    this.#channel?.close();
    this.#channel = null;
  }

  /** There seemed to be locks, and there are none for this page. */
  #standAlone() {
    this.#options.locks = null;
    this.#exit();
    this.#lead(true);
  }

  /** No code will run for a while: another tab shall lead. A held lock would keep the page out of the back-forward cache, too. */
  #parked = () => this.#exit();

  #back = () => {
    if (!this.#channel) this.#enter();
  };

  /** @param {boolean} leading */
  #lead(leading) {
    if (this.#leading === leading) return;
    this.#leading = leading;
    if (leading) {
      this.#term = Math.max(Date.now(), this.#term + 1);
      for (const { kind, data, settle } of [...this.#questions.values()]) {
        this.#answer(kind, data).then((answer) => settle({ data: answer }), (problem) => settle({ problem }));
      }
    }
    this.dispatchEvent(new CustomEvent("leading", { detail: leading }));
    // Told after the listeners have set themselves up: what they describe is what is so.
    if (this.#leading) this.#introduce();
  }

  #introduce() {
    this.#post("lead", this.#options.describe());
  }

  /** Looks after the leader. */
  #beat() {
    if (this.#leading || Date.now() - this.#heardAt < BEAT_MS) return;
    if (this.#unanswered >= MOST_UNANSWERED) {
      this.#unanswered = 0;
      void this.#leadership?.steal(() => this.#joined && Date.now() - this.#heardAt >= BEAT_MS);
      return;
    }
    this.#unanswered += 1;
    this.#post("there", null);
  }

  /** @param {any} message */
  #heard({ word, from, term, data }) {
    // A later leader is there: what this one took itself for is past.
    if (term > this.#term) {
      this.#term = term;
      if (this.#leading) this.#leadership?.rejoin();
    }
    if (term > 0 && term === this.#term) {
      this.#heardAt = Date.now();
      this.#unanswered = 0;
    }
    switch (word) {
      case "say":
        return void this.dispatchEvent(new CustomEvent("message", { detail: { ...data, from, term } }));
      case "lead":
        if (term === this.#term && !this.#leading) this.#follow(from, term, data);
        return;
      case "who":
        return this.#leading ? this.#introduce() : undefined;
      case "there":
        return this.#leading ? this.#post("here", null) : undefined;
      case "ask":
        return this.#leading ? void this.#reply(data) : undefined;
      case "answer":
        return this.#questions.get(data.n)?.settle(data);
    }
  }

  /** @param {string} tab @param {number} term @param {any} data */
  #follow(tab, term, data) {
    this.dispatchEvent(new CustomEvent("leader", { detail: { tab, term, data } }));
    // What was asked of the one before it may never be answered.
    for (const [n, { kind, data: asked }] of this.#questions) this.#post("ask", { n, kind, data: asked });
  }

  /** @param {{n: string, kind: string, data: any}} question */
  async #reply({ n, kind, data }) {
    try {
      const answer = await this.#answer(kind, data);
      this.#post("answer", { n, data: answer });
    } catch (error) {
      this.#post("answer", { n, problem: (error instanceof Problem ? error : unexpected(error)).toJSON() });
    }
  }

  /** @param {string} kind @param {any} data */
  async #answer(kind, data) {
    const fn = this.#answers.get(kind);
    if (!fn) throw new Problem({ code: "unknown-question", detail: `No tab answers ${kind}` });
    return fn(data);
  }

  /** @param {string} word @param {any} data */
  #post(word, data) {
    this.#channel?.postMessage({ word, from: this.id, term: this.#leading ? this.#term : 0, data });
  }
}

const nobody = () => new Problem({ code: "no-leader", detail: "No tab answers" });
const unexpected = (/** @type {any} */ error) => new Problem({ code: "internal", detail: String(error?.message ?? error) });
