/** The one timer that reads stale things again, for all parts of a page: only while it is wanted. */

const MOST_MS = 60_000;

export class Refresh {
  /** @type {ReturnType<typeof setTimeout>|null} */ #timer = null;
  #busy = false;
  #failures = 0;
  #everyMs;
  #wanted;
  #run;

  /** @param {{everyMs: number, wanted: () => boolean, run: () => Promise<boolean>}} options `run` tells whether it went well */
  constructor({ everyMs, wanted, run }) {
    this.#everyMs = everyMs;
    this.#wanted = wanted;
    this.#run = run;
  }

  get running() {
    return this.#timer !== null || this.#busy;
  }

  /** Something changed that decides whether it is wanted. */
  check() {
    if (!this.#wanted()) this.stop();
    else if (!this.running) this.#plan();
  }

  /** The page is seen again: what is stale is read at once. */
  now() {
    this.stop();
    if (this.#wanted() && !this.#busy) void this.#go();
  }

  stop() {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #plan() {
    const wait = Math.min(this.#everyMs * 2 ** this.#failures, Math.max(MOST_MS, this.#everyMs));
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#go();
    }, wait);
  }

  async #go() {
    if (!this.#wanted()) return;
    this.#busy = true;
    const well = await this.#run().catch(() => false);
    this.#busy = false;
    this.#failures = well ? 0 : Math.min(this.#failures + 1, 6);
    this.check();
  }
}
