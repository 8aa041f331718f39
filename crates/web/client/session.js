/**
 * The name of this device's mailbox, and where its loop has come to: both survive a reload.
 *
 * Tabs that share one loop share a session, kept for the browser. A tab for itself has its own; it passes from one page
 * of the tab to the next, but not to a copy of the tab, which would take the mailbox away from it.
 */

/** @typedef {Pick<Storage, "getItem"|"setItem"|"removeItem">} Shelf */

export class Session {
  #shelf;
  #key;
  #own;
  /** @type {any} */ #place;

  /**
   * @param {{name: string, own: boolean, id?: string, shelf?: Shelf|null}} options
   *   `name`: of gateway and user; `own`: for this tab alone; `id`: given by the page
   */
  constructor({ name, own, id, shelf = storage(own) }) {
    this.#shelf = shelf;
    this.#own = own;
    this.#key = `pollgate:${name}`;
    const kept = this.kept();
    if (own) this.#try(() => shelf?.removeItem(this.#key));
    this.id = id ?? kept.id ?? fresh();
    this.cursor = kept.id === this.id ? (kept.cursor ?? "") : "";
    this.#place = kept.id === this.id ? kept.place : undefined;
    if (!own) this.#write();
  }

  /** @param {string} cursor @param {unknown} [place] */
  keep(cursor, place) {
    this.cursor = cursor;
    this.#place = place;
    if (!this.#own) this.#write();
  }

  /** What another tab has kept meanwhile. */
  refresh() {
    const kept = this.#own ? {} : this.kept();
    if (kept.id === undefined) return;
    this.id = kept.id;
    this.cursor = kept.cursor ?? "";
  }

  /** The leading tab's are the ones that count. @param {string} id @param {string} cursor */
  adopt(id, cursor) {
    if (this.#own) return;
    this.id = id;
    this.cursor = cursor;
  }

  /** The page goes away: the next one of this tab takes over. */
  leave() {
    if (this.#own) this.#write();
  }

  /** The page is back out of the cache: a copy of the tab shall not find it. */
  back() {
    if (this.#own) this.#try(() => this.#shelf?.removeItem(this.#key));
  }

  #write() {
    this.#try(() => this.#shelf?.setItem(this.#key, JSON.stringify({ id: this.id, cursor: this.cursor, place: this.#place })));
  }

  /** @returns {{id?: string, cursor?: string, place?: any}} */
  kept() {
    return this.#try(() => JSON.parse(this.#shelf?.getItem(this.#key) ?? "{}")) ?? {};
  }

  /** Storage may be forbidden, full, or written by something else: then nothing is kept, and all else works. @template T @param {() => T} use */
  #try(use) {
    try {
      return use();
    } catch {
      return undefined;
    }
  }
}

/** @param {boolean} own @returns {Shelf|null} */
function storage(own) {
  try {
    return (own ? globalThis.sessionStorage : globalThis.localStorage) ?? null;
  } catch {
    return null;
  }
}

function fresh() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
