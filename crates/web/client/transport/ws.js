/**
 * One WebSocket for events and operations.
 *
 * Rules it lives by:
 * - the token never stands in the address: a ticket, good for one use, does;
 * - an event is confirmed after it was handed over; confirmations are put together;
 * - whatever was asked on a socket that ends without an answer is rejected: whether it was done is not known.
 */

import { Silence } from "../clock.js";
import { Problem } from "../problem.js";

const OPEN_MS = 5_000;
const PING_AFTER_MS = 25_000;
const DEAD_AFTER_MS = 10_000;
const ANSWER_MS = 20_000;
const ACK_AFTER_MS = 50;
const ACK_EVENTS = 20;

/** What a close frame says when no `end` came before it. @type {Record<number, string>} */
const CLOSE_CODES = { 1012: "drained", 1013: "overloaded", 4401: "unauthenticated", 4408: "slow", 4409: "superseded" };

/** @implements {Transport} @typedef {import("../types.js").Transport} Transport */
export class Ws {
  name = /** @type {const} */ ("ws");
  #options;
  /** @type {Socket|null} */ #socket = null;

  /**
   * @param {{api: import("../api.js").Api, session: string, presence?: boolean, hidden?: () => boolean,
   *   WebSocket?: typeof globalThis.WebSocket}} options
   */
  constructor(options) {
    this.#options = options;
  }

  /** @param {import("../types.js").LegOptions} leg @returns {Promise<import("../types.js").Ending>} */
  async run(leg) {
    const { api, session, presence, hidden = () => false, WebSocket = globalThis.WebSocket } = this.#options;
    if (!WebSocket) throw new Problem({ code: "unsupported", detail: "There are no WebSockets here" });
    const { ticket } = await api.request("POST", "/v1/tickets", { body: {}, signal: leg.signal });
    if (leg.signal.aborted) return { why: "closed" };
    const query = { session, cursor: leg.cursor() || undefined, presence: presence || undefined, ticket };
    const address = new URL(api.address("/v1/ws", query), globalThis.location?.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new Socket(new WebSocket(address), leg, hidden);
    this.#socket = socket;
    try {
      return await socket.ended;
    } finally {
      if (this.#socket === socket) this.#socket = null;
    }
  }

  /** @param {string} op @param {object} fields @returns {Promise<any>} */
  call(op, fields) {
    return this.#socket?.call(op, fields) ?? Promise.reject(Problem.network(undefined, "There is no open WebSocket"));
  }
}

class Socket {
  #ws;
  #leg;
  #hidden;
  /** @type {(ending: import("../types.js").Ending) => void} */ #resolve = () => {};
  /** @type {(error: unknown) => void} */ #reject = () => {};
  #over = false;
  #isOpen = false;
  #n = 0;
  /** @type {Map<number, {resolve: (ok: any) => void, reject: (problem: Problem) => void, timer: any}>} */ #asked = new Map();
  /** @type {any[]} */ #frames = [];
  #taking = false;
  /** @type {import("../types.js").Ending|null} */ #farewell = null;
  #unacked = 0;
  #handedOver = "";
  /** @type {ReturnType<typeof setTimeout>|undefined} */ #ackTimer;
  #pinged = false;
  #silence = new Silence(() => this.#quiet());

  /** @param {WebSocket} ws @param {import("../types.js").LegOptions} leg @param {() => boolean} hidden */
  constructor(ws, leg, hidden) {
    this.#ws = ws;
    this.#leg = leg;
    this.#hidden = hidden;
    /** @type {Promise<import("../types.js").Ending>} */
    this.ended = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#silence.within(OPEN_MS);
    leg.signal.addEventListener("abort", this.#aborted);
    ws.onopen = () => this.#opened();
    ws.onmessage = ({ data }) => this.#heard(data);
    ws.onclose = ({ code }) => this.#closed(code);
    // Not everywhere does one that was refused say that it is closed, too.
    ws.onerror = () => (this.#isOpen ? undefined : this.#closed(1006));
  }

  /** @param {string} op @param {object} fields @returns {Promise<any>} */
  call(op, fields) {
    if (this.#over || !this.#isOpen) return Promise.reject(Problem.network(undefined, "There is no open WebSocket"));
    return new Promise((resolve, reject) => {
      const n = this.#say(op, fields);
      const late = () => {
        this.#asked.delete(n);
        reject(Problem.network(undefined, `No answer in ${ANSWER_MS / 1000} s`));
      };
      this.#asked.set(n, { resolve, reject, timer: setTimeout(late, ANSWER_MS) });
    });
  }

  /** @param {string} op @param {object} [fields] */
  #say(op, fields) {
    const n = (this.#n += 1);
    this.#ws.send(JSON.stringify({ ...fields, n, op }));
    return n;
  }

  #opened() {
    if (this.#over) return;
    this.#isOpen = true;
    this.#silence.within(PING_AFTER_MS);
    this.#leg.opened();
  }

  /** @param {unknown} text */
  #heard(text) {
    if (this.#over) return;
    this.#pinged = false;
    this.#silence.within(PING_AFTER_MS);
    let frame;
    try {
      frame = JSON.parse(String(text));
    } catch (error) {
      return this.#end(() => this.#reject(Problem.network(error, "A frame is not the gateway's")));
    }
    if (frame.reply_to !== undefined) return this.#answered(frame);
    this.#frames.push(frame);
    if (!this.#taking) void this.#takeAll();
  }

  /** One after the other, and the next only when the one before was taken: a resync may take its time. */
  async #takeAll() {
    this.#taking = true;
    try {
      for (let frame = this.#frames.shift(); frame && !this.#over; frame = this.#frames.shift()) {
        if (typeof frame.end === "string") return this.#bye({ why: frame.end, pauseMs: frame.pause_ms });
        if (typeof frame.cursor !== "string") continue;
        await this.#leg.take({ events: frame.event ? [frame.event] : [], resync: frame.resync === true, cursor: frame.cursor });
        this.#ackSoon(frame.cursor);
      }
      // The close frame came while events before it were still being taken.
      if (this.#farewell) this.#bye(this.#farewell);
    } catch (error) {
      this.#end(() => this.#reject(error));
    } finally {
      this.#taking = false;
    }
  }

  /** @param {string} cursor */
  #ackSoon(cursor) {
    this.#handedOver = cursor;
    this.#unacked += 1;
    // A hidden tab's timer may come a minute late, and the gateway waits for nobody that long.
    if (this.#unacked >= ACK_EVENTS || this.#hidden()) return this.#ack();
    this.#ackTimer ??= setTimeout(() => this.#ack(), ACK_AFTER_MS);
  }

  #ack() {
    clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
    if (this.#unacked === 0 || this.#ws.readyState !== 1) return;
    this.#unacked = 0;
    this.#say("ack", { cursor: this.#handedOver });
  }

  /** @param {any} frame */
  #answered({ reply_to: n, ok, error }) {
    const call = this.#asked.get(n);
    if (!call) return;
    this.#asked.delete(n);
    clearTimeout(call.timer);
    if (error) call.reject(Problem.from(error.status ?? 0, error));
    else call.resolve(ok);
  }

  /** Nothing came for a while: ask; nothing came since then: it is dead. */
  #quiet() {
    if (!this.#isOpen) {
      return this.#end(() => this.#reject(new Problem({ code: "no-socket", detail: "The WebSocket does not open" })));
    }
    if (this.#pinged) return this.#bye({ why: "silent" });
    this.#pinged = true;
    this.#silence.within(DEAD_AFTER_MS);
    if (this.#ws.readyState === 1) this.#say("ping");
  }

  /** @param {number} code */
  #closed(code) {
    if (!this.#isOpen) {
      return this.#end(() => this.#reject(new Problem({ code: "no-socket", detail: `The WebSocket does not open (${code})` })));
    }
    this.#farewell = { why: CLOSE_CODES[code] ?? "closed" };
    if (!this.#taking) this.#bye(this.#farewell);
  }

  /** @param {import("../types.js").Ending} ending */
  #bye(ending) {
    this.#end(() => this.#resolve(ending));
  }

  #aborted = () => {
    // What was handed over is confirmed on the way out, so that the next one need not hear it again.
    if (!this.#over) this.#ack();
    this.#bye({ why: "closed" });
  };

  /** @param {() => void} settle */
  #end(settle) {
    if (this.#over) return;
    this.#over = true;
    this.#silence.stop();
    clearTimeout(this.#ackTimer);
    this.#leg.signal.removeEventListener("abort", this.#aborted);
    for (const { reject, timer } of this.#asked.values()) {
      clearTimeout(timer);
      reject(Problem.network(undefined, "The connection ended before the answer came"));
    }
    this.#asked.clear();
    this.#frames = [];
    this.#ws.onopen = this.#ws.onmessage = this.#ws.onclose = this.#ws.onerror = null;
    this.#ws.close(1000);
    settle();
  }
}
