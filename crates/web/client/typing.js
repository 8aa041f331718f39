/** Who is typing: telling the others without flooding them, and forgetting those who fell silent. */

const SAY_EVERY_MS = 2_000;
const IDLE_MS = 3_000;
const GOOD_FOR_MS = 5_000;
const MOST_TYPISTS = 100;

/** Tells that the user types in one room. */
export class TypingTeller {
  #say;
  #said = -Infinity;
  #typing = false;
  /** @type {ReturnType<typeof setTimeout>|null} */ #idle = null;

  /** @param {(typing: boolean) => void} say */
  constructor(say) {
    this.#say = say;
  }

  /** A key was pressed. */
  key() {
    const now = Date.now();
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.end(), IDLE_MS);
    // Also after `false`: whoever sends short messages would say true and false all the time.
    if (now - this.#said < SAY_EVERY_MS) return;
    this.#typing = true;
    this.#said = now;
    this.#say(true);
  }

  /** The message is sent, or nothing was written for some time. */
  end() {
    this.cancel();
    if (!this.#typing) return;
    this.#typing = false;
    this.#say(false);
  }

  /** Says nothing more. */
  cancel() {
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = null;
  }
}

/** Those who type in one room. */
export class Typists {
  /** @type {Map<string, number>} until when */ #until = new Map();
  /** @type {ReturnType<typeof setTimeout>|null} */ #timer = null;
  /** @type {string[]|null} */ #users = null;
  #changed;

  /** @param {() => void} changed */
  constructor(changed) {
    this.#changed = changed;
  }

  /** @returns {string[]} */
  get users() {
    this.#users ??= [...this.#until.keys()].sort();
    return this.#users;
  }

  /** @param {string} user @param {boolean} typing @param {number} [ageMs] how long ago it was said */
  heard(user, typing, ageMs = 0) {
    const had = this.#until.has(user);
    const left = GOOD_FOR_MS - Math.max(ageMs, 0);
    if (typing && left > 0) {
      if (!had && this.#until.size >= MOST_TYPISTS) return;
      this.#until.set(user, Date.now() + left);
    } else if (!this.#until.delete(user)) return;
    this.#plan();
    if (had !== this.#until.has(user)) this.#tell();
  }

  clear() {
    this.#until.clear();
    this.#users = null;
    this.#plan();
  }

  #plan() {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#until.size === 0) return;
    const next = Math.min(...this.#until.values());
    this.#timer = setTimeout(() => this.#expire(), Math.max(next - Date.now(), 0));
  }

  #expire() {
    const now = Date.now();
    const before = this.#until.size;
    for (const [user, until] of this.#until) if (until <= now) this.#until.delete(user);
    this.#plan();
    if (this.#until.size !== before) this.#tell();
  }

  #tell() {
    this.#users = null;
    this.#changed();
  }
}
