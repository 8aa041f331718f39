/**
 * What the browser tells of the page and the network. One place asks for `window` and `document`, so that the rest
 * runs where there is none, and tests can tell a story of their own.
 *
 * Events: `online`, `offline`; `shown`, `hidden`; `parked`: no code will run for a while (frozen, or in the back-forward
 * cache), or ever again; `back`: it runs again; `slept`: the machine stood still.
 */

const TICK_MS = 10_000;
/** A hidden tab's timer comes once a minute by the browser's will: that is no sleep. */
const LATE_MS = { shown: 10_000, hidden: 90_000 };

export class World extends EventTarget {
  #window;
  #document;
  #parked = false;
  /** @type {ReturnType<typeof setInterval>|undefined} */ #timer;
  #watchers = 0;

  /** @param {{window?: any, document?: any}} [globals] */
  constructor({ window = globalThis.window, document = globalThis.document } = {}) {
    super();
    this.#window = window;
    this.#document = document;
    window?.addEventListener("online", () => this.#say("online"));
    window?.addEventListener("offline", () => this.#say("offline"));
    window?.addEventListener("pagehide", () => this.#park());
    window?.addEventListener("pageshow", () => this.#return());
    document?.addEventListener("freeze", () => this.#park());
    document?.addEventListener("resume", () => this.#return());
    document?.addEventListener("visibilitychange", () => this.#say(this.hidden ? "hidden" : "shown"));
  }

  get online() {
    return this.#window?.navigator?.onLine !== false;
  }

  get hidden() {
    return this.#document?.visibilityState === "hidden";
  }

  get parked() {
    return this.#parked;
  }

  /** `slept` is told only while somebody watches. @returns {() => void} ends it */
  watchSleep() {
    this.#watchers += 1;
    if (this.#watchers === 1) this.#tick();
    let watching = true;
    return () => {
      if (!watching) return;
      watching = false;
      this.#watchers -= 1;
      if (this.#watchers === 0) clearInterval(this.#timer);
    };
  }

  #tick() {
    let last = Date.now();
    this.#timer = setInterval(() => {
      const late = Date.now() - last - TICK_MS;
      last = Date.now();
      if (late > (this.hidden ? LATE_MS.hidden : LATE_MS.shown)) this.#say("slept");
    }, TICK_MS);
    // Where there is one (Node), the timer alone keeps no process running.
    /** @type {any} */ (this.#timer).unref?.();
  }

  #park() {
    if (this.#parked) return;
    this.#parked = true;
    this.#say("parked");
  }

  #return() {
    if (!this.#parked) return;
    this.#parked = false;
    this.#say("back");
  }

  /** @param {string} type */
  #say(type) {
    this.dispatchEvent(new Event(type));
  }
}

/** @type {World|undefined} */
let shared;

/** The world of this page. */
export function theWorld() {
  shared ??= new World();
  return shared;
}
