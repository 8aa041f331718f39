/** Runs something at most once in a frame's time, however often it is asked for: at once when it has rested. */

const FRAME_MS = 16;

export class Moment {
  /** @type {() => void} */ #run;
  /** @type {ReturnType<typeof setTimeout>|null} */ #timer = null;
  #asked = false;
  #last = -Infinity;

  /** @param {() => void} run */
  constructor(run) {
    this.#run = run;
  }

  ask() {
    if (this.#asked) return;
    this.#asked = true;
    const rested = Date.now() - this.#last;
    // The clock may have been set back: then it has rested as well.
    if (rested >= FRAME_MS || rested < 0) queueMicrotask(() => this.#due());
    else this.#timer = setTimeout(() => this.#due(), FRAME_MS - rested);
  }

  cancel() {
    this.#asked = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #due() {
    if (!this.#asked) return;
    this.#asked = false;
    this.#timer = null;
    this.#last = Date.now();
    this.#run();
  }
}
