/**
 * The lines that the gateway has sent: five minutes in fine steps, an hour in coarse ones. What is missing between two
 * lines is a gap, and stays one.
 */

/** @typedef {(number | null)[]} Line the values by the names of `fields` */
/** @typedef {{fields: string[], fine: Line[], coarse: Line[]}} Past */
/** @typedef {"fine" | "coarse"} Step */

export const SPAN_MS = { fine: 5 * 60_000, coarse: 60 * 60_000 };
/** A distance of more than so many of the usual steps is a gap. */
const GAP = 2.6;
const STEP_MS = { fine: 2000, coarse: 10_000 };

export class Lines {
  /** @type {string[]} */ #fields = [];
  /** @type {{fine: Line[], coarse: Line[]}} */ #lines = { fine: [], coarse: [] };

  /** Takes over what a gateway knows; what an earlier run of it told stays before that. @param {Past} past */
  begin({ fields, fine, coarse }) {
    const same = fields.join() === this.#fields.join();
    this.#fields = fields;
    for (const [step, lines] of /** @type {[Step, Line[]][]} */ (Object.entries({ fine, coarse }))) {
      const first = lines.length > 0 ? this.#at(lines[0]) : Infinity;
      const before = same ? this.#lines[step].filter((line) => this.#at(line) < first) : [];
      this.#lines[step] = [...before, ...lines];
      this.#forget(step);
    }
  }

  /** @param {Step} step @param {Line | null} line */
  add(step, line) {
    if (!line) return;
    this.#lines[step].push(line);
    this.#forget(step);
  }

  /** @param {Step} step */
  #forget(step) {
    const lines = this.#lines[step];
    const end = lines.length > 0 ? this.#at(lines[lines.length - 1]) : 0;
    const kept = lines.findIndex((line) => this.#at(line) >= end - SPAN_MS[step]);
    if (kept > 0) lines.splice(0, kept);
  }

  /** @param {Line} line */
  #at(line) {
    return line[0] ?? 0;
  }

  /** @param {string} name @returns {number | null} its newest value */
  now(name) {
    const line = this.#lines.fine[this.#lines.fine.length - 1];
    return line?.[this.#fields.indexOf(name)] ?? null;
  }

  /** When the newest line was written, by the gateway's clock. @returns {number | null} */
  get newestMs() {
    return this.now("at_ms");
  }

  /** @param {string} name @param {number} most @returns {(number | null)[]} its newest values, for a small line */
  recent(name, most) {
    const place = this.#fields.indexOf(name);
    return this.#lines.fine.slice(-most).map((line) => line[place] ?? null);
  }

  /**
   * Columns as a plot takes them: seconds, then each name; a gap is a place without values.
   * @param {Step} step @param {string[]} names @returns {(number | null)[][]}
   */
  columns(step, names) {
    const places = names.map((name) => this.#fields.indexOf(name));
    /** @type {(number | null)[][]} */ const columns = [[], ...names.map(() => [])];
    let last = NaN;
    for (const line of this.#lines[step]) {
      const at = this.#at(line);
      if (at - last > STEP_MS[step] * GAP) push(columns, (last + STEP_MS[step]) / 1000, places.map(() => null));
      push(columns, at / 1000, places.map((place) => line[place] ?? null));
      last = at;
    }
    return columns;
  }
}

/** @param {(number | null)[][]} columns @param {number} at @param {(number | null)[]} values */
function push(columns, at, values) {
  columns[0].push(at);
  values.forEach((value, place) => columns[place + 1].push(value));
}
