/** Looks for messages while somebody types: one question at a time, the newest counts, the gateway is not asked at each key. */

const PAUSE_MS = 300;
const LEAST = 2;
const PAGE = 20;

export class MessageSearch extends EventTarget {
  /** @type {any[]} */ messages = [];
  /** @type {unknown} */ error = null;
  busy = false;
  hasMore = false;
  /** What the messages answer. */
  asked = "";
  #gate;
  #query = "";
  /** @type {string | null} */ #next = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;

  /** @param {{search: (question: object) => Promise<any>}} gate */
  constructor(gate) {
    super();
    this.#gate = gate;
  }

  /** @param {string} query */
  ask(query) {
    if (query === this.#query) return;
    this.#query = query;
    clearTimeout(this.#timer);
    this.error = null;
    if (query.length < LEAST) {
      Object.assign(this, { messages: [], hasMore: false, busy: false, asked: query });
    } else {
      this.busy = true;
      this.#timer = setTimeout(() => this.#find(query), PAUSE_MS);
    }
    this.dispatchEvent(new Event("change"));
  }

  async more() {
    if (!this.busy && this.#next) await this.#find(this.#query, this.#next);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#query = "";
  }

  /** @param {string} query @param {string} [before] */
  async #find(query, before) {
    this.busy = true;
    this.dispatchEvent(new Event("change"));
    try {
      const found = await this.#gate.search({ q: query, before, limit: PAGE });
      if (query !== this.#query) return;
      this.messages = before ? [...this.messages, ...found.messages] : found.messages;
      this.hasMore = found.has_more;
      this.#next = found.next;
      this.asked = query;
    } catch (error) {
      if (query !== this.#query) return;
      this.error = error;
    }
    this.busy = false;
    this.dispatchEvent(new Event("change"));
  }
}
