/**
 * Long polls: one request after the other, each confirming what the last one brought.
 *
 * There is no delay between them unless the gateway asks for one, or answers come back empty faster than they should.
 */

import { joined, pause } from "../clock.js";
import { Problem } from "../problem.js";

/** A poll without an answer for so long is given up, until it is known how long the gateway holds one. */
const DEADLINE_MS = 60_000;
const LEAST_DEADLINE_MS = 15_000;
/** Empty answers that come faster than this are no long polls. */
const FLOOR_MS = 100;
const MOST_FLOOR_MS = 5_000;

/** @implements {Transport} @typedef {import("../types.js").Transport} Transport */
export class Poll {
  name = /** @type {const} */ ("poll");
  #api;
  #session;
  #presence;
  /** How long the gateway held an empty poll. */
  #heldMs = 0;

  /** @param {{api: import("../api.js").Api, session: string, presence?: boolean}} options */
  constructor({ api, session, presence = false }) {
    this.#api = api;
    this.#session = session;
    this.#presence = presence;
  }

  /** @param {import("../types.js").LegOptions} leg @returns {Promise<import("../types.js").Ending>} */
  async run({ cursor, take, opened, signal }) {
    let hasty = 0;
    // The first one is not held: it says at once that the gateway is there.
    let wait = /** @type {number|undefined} */ (0);
    for (;;) {
      const began = Date.now();
      const answer = await this.#ask(cursor(), wait, signal);
      if (signal.aborted) return { why: "closed" };
      opened();
      const news = await take({ events: answer.events, resync: answer.resync === true, cursor: answer.cursor });
      if (signal.aborted) return { why: "closed" };
      const tookMs = Date.now() - began;
      if (wait === undefined && answer.events.length === 0) this.#heldMs = Math.max(this.#heldMs, tookMs);
      hasty = wait === 0 || news > 0 || answer.resync || tookMs >= FLOOR_MS ? 0 : hasty + 1;
      wait = undefined;
      if (answer.pause_ms > 0) return { why: "paused", pauseMs: answer.pause_ms };
      if (hasty > 0) await pause(Math.min(FLOOR_MS * 2 ** Math.floor((hasty - 1) / 10), MOST_FLOOR_MS), signal);
      if (signal.aborted) return { why: "closed" };
    }
  }

  /** @param {string} cursor @param {number|undefined} wait @param {AbortSignal} signal */
  async #ask(cursor, wait, signal) {
    const both = joined([signal]);
    const deadlineMs = this.#heldMs ? Math.max(LEAST_DEADLINE_MS, this.#heldMs * 2) : DEADLINE_MS;
    const timer = setTimeout(() => both.abort(), deadlineMs);
    const query = { cursor, session: this.#session, presence: this.#presence || undefined, wait };
    try {
      const response = await this.#api.open("GET", "/v1/poll", { query, signal: both.signal });
      const answer = await response.json();
      if (!Array.isArray(answer?.events) || typeof answer.cursor !== "string") {
        throw Problem.network(undefined, "The answer is not the gateway's");
      }
      return answer;
    } catch (error) {
      if (error instanceof Problem || signal.aborted) throw error;
      throw Problem.network(error, both.signal.aborted ? "The gateway does not answer" : undefined);
    } finally {
      clearTimeout(timer);
      both.release();
    }
  }
}
