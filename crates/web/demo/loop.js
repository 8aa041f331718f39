/**
 * The continuous poll: one request after the other, each confirming what the last one brought.
 *
 * Rules it lives by:
 * - at most one request is under way, whatever is called and how often;
 * - the cursor of an answer is sent back only after its events were handed over, so nothing is lost when
 *   the page stumbles in between; what comes twice is dropped by its id;
 * - there is no delay between polls unless the gateway asks for one or something failed;
 * - after `stop()` no callback runs, even when an answer is on its way.
 */

/**
 * @typedef {{id: string, type: string, at: string, room?: string, data: any}} GateEvent
 *
 * @typedef {"idle"|"connecting"|"live"|"waiting"|"superseded"|"signed-out"|"refused"} StateName
 *   `waiting` carries `retryInMs` and `reason`; the last three end the loop.
 *
 * @typedef {{name: StateName, retryInMs?: number, reason?: string}} LoopState
 *
 * @typedef {object} LoopOptions
 * @property {string} session        names this tab's mailbox
 * @property {string} token
 * @property {string} [url]          where to poll
 * @property {(event: GateEvent) => void} onEvent
 * @property {() => Promise<void>} onResync  reads again what may have been missed; a rejection repeats the poll
 * @property {(state: LoopState) => void} [onState]
 * @property {(answer: {events: number, tookMs: number}) => void} [onAnswer]
 * @property {typeof fetch} [fetch]
 * @property {() => number} [random]
 * @property {(ms: number, signal: AbortSignal) => Promise<void>} [pause]  ends early, without error, when aborted
 * @property {number} [deadlineMs]   a poll that takes longer is given up; must exceed the gateway's hold
 */

const FIRST_BACKOFF_MS = 500;
const MOST_BACKOFF_MS = 20_000;
const MOST_RETRY_AFTER_MS = 120_000;
const MOST_SEEN = 4_000;
const ENDINGS = new Map([
  [401, "signed-out"],
  [403, "refused"],
  [409, "superseded"],
]);

/** How long to wait before attempt `failures + 1`: anywhere from nothing to a ceiling that doubles. */
export function backoff(failures, random = Math.random) {
  const ceiling = Math.min(MOST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.max(0, failures - 1));
  return Math.round(random() * ceiling);
}

/** @param {number} ms @param {AbortSignal} signal */
export function pause(ms, signal) {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}

/** Ids met lately; bounded, the oldest goes first. */
class Seen {
  #ids = new Set();

  /** @returns {boolean} whether the id is new */
  add(id) {
    if (this.#ids.has(id)) return false;
    this.#ids.add(id);
    if (this.#ids.size > MOST_SEEN) this.#ids.delete(this.#ids.values().next().value);
    return true;
  }
}

/** Something went wrong in a way that the next attempt may cure. */
class Trouble extends Error {
  /** @param {string} reason @param {number} [retryAfterMs] */
  constructor(reason, retryAfterMs) {
    super(reason);
    this.retryAfterMs = retryAfterMs;
  }
}

/** Seconds or an HTTP date, as milliseconds from now. */
function retryAfter(response) {
  const text = response.headers.get("retry-after");
  if (!text) return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), MOST_RETRY_AFTER_MS) : undefined;
}

export class PollLoop {
  /** @type {Required<LoopOptions>} */ #options;
  /** @type {AbortController|null} */ #run = null;
  /** @type {AbortController|null} */ #nap = null;
  #cursor = "";
  #seen = new Seen();
  #ended = Promise.resolve();

  /** @param {LoopOptions} options */
  constructor(options) {
    this.#options = {
      url: "/v1/poll",
      fetch: globalThis.fetch.bind(globalThis),
      random: Math.random,
      pause,
      deadlineMs: 60_000,
      onState: () => {},
      onAnswer: () => {},
      ...options,
    };
  }

  get running() {
    return this.#run !== null;
  }

  /** Starts the loop; a second call while it runs does nothing. */
  start() {
    if (this.#run) return;
    const run = new AbortController();
    this.#run = run;
    // The last run may still be winding down: its request ends before the first of this one begins.
    this.#ended = this.#ended.then(() => this.#keepPolling(run));
  }

  /** Ends the loop. The cursor is kept: `start()` goes on where it stopped. */
  stop() {
    const run = this.#run;
    this.#run = null;
    run?.abort();
  }

  /** Cuts a back-off short, for when the network is known to be back. */
  wake() {
    this.#nap?.abort();
  }

  async #keepPolling(run) {
    let failures = 0;
    this.#tell(run, { name: "connecting" });
    while (this.#run === run) {
      try {
        const again = await this.#poll(run);
        if (!again) return;
        failures = 0;
      } catch (error) {
        if (this.#run !== run) return;
        failures += 1;
        await this.#backOff(run, error, failures);
      }
    }
  }

  /** One poll. @returns {Promise<boolean>} whether there is a next one */
  async #poll(run) {
    const { response, body, tookMs } = await this.#ask(run);
    if (this.#run !== run) return false;
    const ending = ENDINGS.get(response.status);
    if (ending) return this.#end(run, ending, body?.detail ?? body?.title);
    if (response.status === 400 && this.#cursor !== "") {
      // The gateway cannot read this cursor. Begin anew, and read again what it stood for.
      await this.#options.onResync();
      if (this.#run === run) this.#cursor = "";
      return this.#run === run;
    }
    if (!response.ok || !Array.isArray(body?.events)) {
      throw new Trouble(body?.detail ?? `HTTP ${response.status}`, retryAfter(response));
    }
    this.#options.onAnswer({ events: body.events.length, tookMs });
    return this.#take(run, body);
  }

  /** Hands the events of an answer over, then, and only then, remembers its cursor. */
  async #take(run, body) {
    this.#tell(run, { name: "live" });
    for (const event of body.events) {
      if (this.#run !== run) return false;
      if (this.#seen.add(event.id)) this.#options.onEvent(event);
    }
    if (body.resync) await this.#options.onResync();
    if (this.#run !== run) return false;
    this.#cursor = body.cursor;
    if (body.pause_ms > 0) await this.#rest(run, body.pause_ms);
    return this.#run === run;
  }

  async #ask(run) {
    const { url, session, token, fetch, deadlineMs } = this.#options;
    const query = new URLSearchParams({ cursor: this.#cursor, session });
    const began = performance.now();
    const deadline = AbortSignal.timeout(deadlineMs);
    const response = await fetch(`${url}?${query}`, {
      headers: { authorization: `Bearer ${token}` },
      cache: "no-store",
      signal: AbortSignal.any([run.signal, deadline]),
    });
    const text = await response.text();
    let body = null;
    try {
      body = JSON.parse(text);
    } catch {
      // A balancer's own error page: the status says enough.
    }
    return { response, body, tookMs: performance.now() - began };
  }

  async #backOff(run, error, failures) {
    const { random } = this.#options;
    const asked = error instanceof Trouble ? error.retryAfterMs : undefined;
    // Spread over a quarter more than asked: everybody was told the same.
    const retryInMs = asked === undefined ? backoff(failures, random) : Math.round(asked * (1 + random() / 4));
    const reason = error instanceof Trouble ? error.message : "The gateway cannot be reached";
    this.#tell(run, { name: "waiting", retryInMs, reason });
    await this.#rest(run, retryInMs);
    this.#tell(run, { name: "connecting" });
  }

  async #rest(run, ms) {
    this.#nap = new AbortController();
    await this.#options.pause(ms, AbortSignal.any([run.signal, this.#nap.signal]));
    this.#nap = null;
  }

  #end(run, name, reason) {
    this.#tell(run, { name, reason });
    this.#run = null;
    return false;
  }

  #tell(run, state) {
    if (this.#run === run) this.#options.onState(state);
  }
}
