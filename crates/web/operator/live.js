/**
 * The gateway's word on how it is, as it comes: connects, reads, and connects again by itself with growing pauses. Read by
 * `fetch`: an EventSource could bear no token.
 */

/** @typedef {import("/operator/shared/client/transport/frames.js").Frame} Frame */
/** @typedef {{push(text: string): Frame[]}} Frames */
/** @typedef {"connecting" | "live" | "away" | "refused"} Standing */

/** Nothing for so long: the connection is dead, whatever it says. The gateway says something every 5 s at least. */
const SILENT_MS = 12_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

/**
 * @typedef {object} Options
 * @property {() => Frames} frames
 * @property {() => Record<string, string>} headers
 * @property {(event: string, data: any) => void} heard
 * @property {(standing: Standing, pauseMs: number, status: number) => void} stands
 * @property {typeof fetch} [fetch]
 * @property {() => number} [random]
 */

export class Live {
  /** @type {Options} */ #options;
  /** @type {AbortController | null} */ #life = null;
  /** @type {(() => void) | null} */ #woken = null;
  #failures = 0;

  /** @param {Options} options */
  constructor(options) {
    this.#options = options;
  }

  start() {
    if (this.#life) return;
    this.#life = new AbortController();
    void this.#run(this.#life.signal);
  }

  stop() {
    this.#life?.abort();
    this.#life = null;
  }

  /** Tries at once: somebody has signed in, or come back to the page. */
  again() {
    this.#failures = 0;
    this.#woken?.();
  }

  /** @param {AbortSignal} life */
  async #run(life) {
    while (!life.aborted) {
      this.#options.stands("connecting", 0, 0);
      let status = 0;
      try {
        status = await this.#read(life);
      } catch {
        // Whatever it was, it is not live.
      }
      if (life.aborted) return;
      this.#failures += 1;
      const refused = status === 401 || status === 403;
      const pause = refused ? LONGEST_PAUSE_MS : this.#pause();
      this.#options.stands(refused ? "refused" : "away", pause, status);
      await this.#sleep(pause, life);
    }
  }

  #pause() {
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.#failures - 1, 10));
    // uneven, so that all pages do not come back at once
    return longest * (0.5 + (this.#options.random ?? Math.random)() / 2);
  }

  /** @param {AbortSignal} life @returns {Promise<number>} the status, when it has ended */
  async #read(life) {
    const quiet = new AbortController();
    const silence = timer(() => quiet.abort());
    try {
      const headers = { accept: "text/event-stream", ...this.#options.headers() };
      const signal = AbortSignal.any([life, quiet.signal]);
      const response = await (this.#options.fetch ?? fetch)("/operator/live", { headers, signal, cache: "no-store" });
      if (!response.ok || !response.body) return response.status;
      const frames = this.#options.frames();
      const text = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await text.read();
        if (done) return response.status;
        silence.again();
        for (const { event, data } of frames.push(value)) {
          if (event === "hello") {
            this.#failures = 0;
            this.#options.stands("live", 0, response.status);
          }
          this.#options.heard(event, JSON.parse(data));
        }
      }
    } finally {
      silence.stop();
    }
  }

  /** @param {number} ms @param {AbortSignal} life */
  #sleep(ms, life) {
    return new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
      const done = () => {
        clearTimeout(waiting);
        life.removeEventListener("abort", done);
        this.#woken = null;
        resolve();
      };
      const waiting = setTimeout(done, ms);
      life.addEventListener("abort", done);
      this.#woken = done;
    });
  }
}

/** @param {() => void} over */
function timer(over) {
  let waiting = setTimeout(over, SILENT_MS);
  return {
    again() {
      clearTimeout(waiting);
      waiting = setTimeout(over, SILENT_MS);
    },
    stop: () => clearTimeout(waiting),
  };
}
