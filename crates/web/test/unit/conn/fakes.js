/** A browser and a gateway that do what the test says, in no time. */

import { Api } from "../../../client/api.js";
import { Connection } from "../../../client/connection.js";
import { World } from "../../../client/world.js";

/** Lets everything that is ready run; timers are the test's own. */
export async function settle(rounds = 6) {
  for (let round = 0; round < rounds; round += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Moves the faked time on, in steps, so that what follows from one timer may set the next. */
export async function pass(timers, ms, step = 50) {
  await settle();
  for (let left = ms; left > 0; left -= step) {
    timers.tick(Math.min(step, left));
    await settle(3);
  }
  await settle();
}

export const answer = (body, status = 200, headers = {}) => new Response(JSON.stringify(body), { status, headers });
export const polled = (events = [], more = {}) => answer({ events, cursor: "c", resync: false, more: false, pause_ms: 0, ...more });
export const event = (id, type = "message.created") => ({ id: String(id), type, at: "", data: {} });
export const problem = (status, code, headers) => answer({ code, detail: code }, status, headers);

/** Waits for its signal, as a held request does. */
export function held(signal) {
  return new Promise((_, refuse) => {
    const leave = () => refuse(signal.reason ?? new DOMException("gone", "AbortError"));
    if (signal.aborted) return leave();
    signal.addEventListener("abort", leave);
  });
}

/** A gateway: polls are answered from a script, then held for ever; streams and sockets are driven by hand. */
export class FakeGateway {
  polls = [];
  /** What else was asked: `METHOD path`. */
  asked = [];
  pollsHeld = 0;
  mostHeld = 0;
  answers = [];
  streams = [];
  sockets = [];
  /** What a stream's request is answered; undefined: it opens. */
  refuseStream = undefined;
  refuseTicket = undefined;
  down = false;
  /** How long a poll is held when there is nothing to answer. */
  holdMs = Infinity;
  tokens = [];

  fetch = async (url, { method = "GET", headers, signal } = {}) => {
    const { pathname, searchParams } = new URL(url, "http://gateway");
    this.asked.push(`${method} ${pathname}`);
    this.tokens.push(headers.authorization);
    if (this.down) throw new TypeError("fetch failed");
    if (pathname === "/v1/poll") return this.#poll(searchParams, signal);
    if (pathname === "/v1/stream") return this.#stream(searchParams, headers, signal);
    if (pathname === "/v1/tickets") return this.refuseTicket?.() ?? answer({ ticket: `t${this.asked.length}`, expires_at: "" }, 201);
    const next = this.answers.shift();
    return typeof next === "function" ? next(signal) : next;
  };

  async #poll(query, signal) {
    this.polls.push(Object.fromEntries(query));
    this.pollsHeld += 1;
    this.mostHeld = Math.max(this.mostHeld, this.pollsHeld);
    try {
      await Promise.resolve();
      const next = this.answers.shift();
      if (next instanceof Error) throw next;
      if (next) return typeof next === "function" ? await next(signal) : next;
      // The first one asks not to be held.
      if (query.get("wait") === "0") return polled([], { cursor: query.get("cursor") || "0" });
      if (this.holdMs === Infinity) return await held(signal);
      const time = new Promise((resolve) => setTimeout(resolve, this.holdMs));
      return await Promise.race([held(signal), time.then(() => polled([], { cursor: query.get("cursor") }))]);
    } finally {
      this.pollsHeld -= 1;
    }
  }

  #stream(query, headers, signal) {
    const refusal = this.refuseStream?.(signal);
    if (refusal) return refusal;
    const stream = { query: Object.fromEntries(query), last: headers["last-event-id"] ?? null, signal, closed: false };
    const body = new ReadableStream({
      start: (controller) => {
        stream.write = (text) => controller.enqueue(new TextEncoder().encode(text));
        stream.event = (one, cursor) => stream.write(`id: ${cursor}\nevent: ${one.type}\ndata: ${JSON.stringify(one)}\n\n`);
        stream.end = (why, pauseMs = 0) => {
          stream.write(`event: end\ndata: ${JSON.stringify({ end: why, pause_ms: pauseMs })}\n\n`);
          controller.close();
        };
        stream.cut = () => controller.error(new TypeError("terminated"));
        signal.addEventListener("abort", () => {
          stream.closed = true;
          try {
            controller.error(signal.reason);
          } catch {
            // closed before
          }
        });
      },
    });
    this.streams.push(stream);
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }

  /** A class to be used as `WebSocket`. */
  get WebSocket() {
    const { sockets } = this;
    return class {
      readyState = 0;
      sent = [];
      constructor(address) {
        this.address = new URL(address);
        this.query = Object.fromEntries(this.address.searchParams);
        sockets.push(this);
      }
      open() {
        this.readyState = 1;
        this.onopen?.({});
      }
      say(frame) {
        this.onmessage?.({ data: typeof frame === "string" ? frame : JSON.stringify(frame) });
      }
      event(one, cursor) {
        this.say({ event: one, cursor });
      }
      send(text) {
        if (this.readyState !== 1) throw new Error("not open");
        this.sent.push(JSON.parse(text));
      }
      ops(op) {
        return this.sent.filter((one) => one.op === op);
      }
      drop(code = 1006) {
        this.readyState = 3;
        this.onclose?.({ code });
      }
      close(code) {
        this.closedBy = code;
        this.readyState = 3;
      }
    };
  }
}

/** What a page tells, told by the test. */
export class FakeWorld extends World {
  static make() {
    const window = Object.assign(new EventTarget(), { navigator: { onLine: true } });
    const document = Object.assign(new EventTarget(), { visibilityState: "visible" });
    const world = new World({ window, document });
    return Object.assign(world, {
      goes: (online) => {
        window.navigator.onLine = online;
        window.dispatchEvent(new Event(online ? "online" : "offline"));
      },
      turns: (visibilityState) => {
        document.visibilityState = visibilityState;
        document.dispatchEvent(new Event("visibilitychange"));
      },
      freeze: () => document.dispatchEvent(new Event("freeze")),
      resume: () => document.dispatchEvent(new Event("resume")),
      hides: () => window.dispatchEvent(new Event("pagehide")),
      shows: () => window.dispatchEvent(new Event("pageshow")),
    });
  }
}

/** A connection to a fake gateway, and what it told. */
export function connect(gateway, { token = "t", cursor, resync, random = () => 0.5, world = FakeWorld.make(), ...more } = {}) {
  const api = new Api({ user: "ann", token, url: "http://gateway", fetch: gateway.fetch });
  const connection = new Connection({ api, session: "s", random, world, cursor, WebSocket: gateway.WebSocket, ...more });
  const told = { events: [], states: [], infos: [], resyncs: 0 };
  connection.addEventListener("event", ({ detail }) => told.events.push(detail.id));
  connection.addEventListener("state", ({ detail }) => {
    told.states.push(detail.state);
    told.infos.push(detail);
  });
  connection.addEventListener("resync", ({ detail }) => {
    told.resyncs += 1;
    if (resync) detail.wait(resync(detail));
  });
  return { api, connection, told, world };
}

/** Web Locks of one browser: exclusive ones, with waiting, stealing and `ifAvailable`. */
export class FakeLocks {
  #held = new Map();
  #line = new Map();

  /** One tab's view of them; what it holds goes when it crashes. */
  tab() {
    const mine = { frozen: false, later: [] };
    return {
      // A frozen tab runs no code, so it asks for nothing.
      request: (name, options, callback) => (mine.frozen ? new Promise(() => {}) : this.#request(mine, name, options, callback)),
      freeze: () => void (mine.frozen = true),
      thaw: () => {
        mine.frozen = false;
        mine.later.splice(0).forEach((act) => act());
      },
      crash: () => {
        for (const [name, holder] of [...this.#held]) if (holder.owner === mine) this.#free(name, holder);
      },
    };
  }

  #request(owner, name, { signal, steal, ifAvailable }, callback) {
    return new Promise((resolve, reject) => {
      const entry = { owner, callback, resolve, reject };
      if (signal?.aborted) return reject(signal.reason);
      if (steal) {
        const holder = this.#held.get(name);
        this.#held.delete(name);
        if (holder) queueMicrotask(() => {
          const tell = () => holder.reject(new DOMException("stolen", "AbortError"));
          if (holder.owner.frozen) holder.owner.later.push(tell);
          else tell();
        });
        return this.#grant(name, entry);
      }
      if (this.#held.has(name)) {
        if (ifAvailable) return resolve(callback(null));
        const line = this.#line.get(name) ?? [];
        this.#line.set(name, line);
        line.push(entry);
        signal?.addEventListener("abort", () => {
          if (!line.includes(entry)) return;
          line.splice(line.indexOf(entry), 1);
          reject(signal.reason);
        });
        return;
      }
      this.#grant(name, entry);
    });
  }

  #grant(name, entry) {
    this.#held.set(name, entry);
    queueMicrotask(async () => {
      try {
        const result = await entry.callback({ name });
        this.#free(name, entry);
        entry.resolve(result);
      } catch (error) {
        this.#free(name, entry);
        entry.reject(error);
      }
    });
  }

  #free(name, entry) {
    if (this.#held.get(name) !== entry) return;
    this.#held.delete(name);
    const next = this.#line.get(name)?.shift();
    if (next) this.#grant(name, next);
  }
}

/** A BroadcastChannel for the tabs of one browser; a frozen tab hears nothing. */
export class FakeChannels {
  #all = new Set();
  /** Messages lost on their way: what a test says so of. */
  lose = () => false;

  tab() {
    const state = { frozen: false, open: true };
    const make = (name) => {
      const channel = {
        name,
        onmessage: null,
        state,
        postMessage: (data) => {
          if (!state.open || state.frozen) return;
          const copy = structuredClone(data);
          for (const other of this.#all) {
            if (other === channel || other.name !== name) continue;
            queueMicrotask(() => {
              if (!other.state.open || other.state.frozen || !this.#all.has(other) || this.lose(copy, other)) return;
              other.onmessage?.({ data: structuredClone(copy) });
            });
          }
        },
        close: () => this.#all.delete(channel),
      };
      this.#all.add(channel);
      return channel;
    };
    return { make, state };
  }
}

/** A localStorage of one browser. */
export class FakeShelf {
  values = new Map();
  getItem(key) {
    return this.values.get(key) ?? null;
  }
  setItem(key, value) {
    this.values.set(key, String(value));
  }
  removeItem(key) {
    this.values.delete(key);
  }
}
