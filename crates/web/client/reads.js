/**
 * Read marks: at most one request for a room in half a second, never backwards, only while the page is seen. A mark
 * that could not be told is told later.
 */

const EVERY_MS = 500;
const AGAIN_MS = 5_000;
const MOST_ROOMS = 200;

/**
 * @typedef {{wanted: number, told: number, at: number, timer: ReturnType<typeof setTimeout>|null, busy: boolean}} Mark
 */

export class Reads {
  /** @type {Map<string, Mark>} */ #marks = new Map();
  #running = true;
  #tell;
  #mark;
  #visible;
  #known;

  /**
   * @param {object} options
   * @param {(room: string, seq: number) => Promise<any>} options.tell  tells the gateway
   * @param {(room: string, seq: number) => void} options.mark          shows it here, at once
   * @param {() => boolean} options.visible
   * @param {(room: string) => number} options.known                    how far the user has read, as far as is known
   */
  constructor({ tell, mark, visible, known }) {
    this.#tell = tell;
    this.#mark = mark;
    this.#visible = visible;
    this.#known = known;
  }

  /** @param {string} room @param {number} seq */
  read(room, seq) {
    let mark = this.#marks.get(room);
    if (seq <= Math.max(mark?.wanted ?? 0, this.#known(room))) return;
    if (!mark) {
      mark = { wanted: 0, told: this.#known(room), at: -Infinity, timer: null, busy: false };
      this.#marks.set(room, mark);
      this.#bound();
    }
    mark.wanted = seq;
    this.#plan(room, mark, EVERY_MS - (Date.now() - mark.at));
  }

  start() {
    this.#running = true;
    this.wake();
  }

  /** The page is seen again, or the gateway can be reached again. */
  wake() {
    for (const [room, mark] of this.#marks) this.#plan(room, mark, 0);
  }

  /** The page is about to be gone: what waits for its half second is told now. */
  flush() {
    for (const [room, mark] of this.#marks) {
      if (mark.timer === null) continue;
      clearTimeout(mark.timer);
      mark.timer = null;
      if (!mark.busy && mark.wanted > mark.told) void this.#go(room, mark);
    }
  }

  stop() {
    this.#running = false;
    for (const mark of this.#marks.values()) {
      if (mark.timer !== null) clearTimeout(mark.timer);
      mark.timer = null;
    }
  }

  /** @param {string} room @param {Mark} mark @param {number} ms */
  #plan(room, mark, ms) {
    if (mark.wanted <= mark.told || !this.#running || !this.#visible()) return;
    this.#mark(room, mark.wanted);
    if (mark.busy || mark.timer !== null) return;
    if (ms <= 0) return void this.#go(room, mark);
    mark.timer = setTimeout(() => {
      mark.timer = null;
      this.#plan(room, mark, 0);
    }, ms);
  }

  /** @param {string} room @param {Mark} mark */
  async #go(room, mark) {
    const seq = mark.wanted;
    mark.busy = true;
    mark.at = Date.now();
    let again = EVERY_MS;
    try {
      await this.#tell(room, seq);
      mark.told = Math.max(mark.told, seq);
    } catch (error) {
      const { status = 0, retryAfterMs } = /** @type {any} */ (error) ?? {};
      const passing = status === 0 || status === 429 || status >= 500;
      // What is refused for good is not told again; the next message brings the next mark.
      if (!passing) mark.told = Math.max(mark.told, seq);
      else again = retryAfterMs || AGAIN_MS;
    }
    mark.busy = false;
    if (mark.wanted > mark.told) this.#plan(room, mark, again - (Date.now() - mark.at));
  }

  /** Rooms whose mark is told are forgotten first. */
  #bound() {
    for (const [room, mark] of this.#marks) {
      if (this.#marks.size <= MOST_ROOMS) return;
      if (mark.wanted <= mark.told && !mark.busy && mark.timer === null) this.#marks.delete(room);
    }
    for (const [room, mark] of this.#marks) {
      if (this.#marks.size <= MOST_ROOMS) return;
      if (mark.timer !== null) clearTimeout(mark.timer);
      this.#marks.delete(room);
    }
  }
}
