/** An EventTarget that knows whether anybody listens, and that can be silenced. */

/** @typedef {(event: CustomEvent<any>) => void} Listener */

export class Emitter extends EventTarget {
  /** @type {Map<string, Set<any>>} */ #listeners = new Map();

  /**
   * @param {string} type @param {any} listener @param {boolean|AddEventListenerOptions} [options]
   */
  addEventListener(type, listener, options) {
    const { once = false, signal } = typeof options === "object" && options !== null ? options : {};
    if (!listener || signal?.aborted) return;
    super.addEventListener(type, listener, options);
    const known = this.#listeners.get(type) ?? new Set();
    if (known.has(listener)) return;
    this.#listeners.set(type, known.add(listener));
    const forget = () => this.#forget(type, listener);
    if (once) super.addEventListener(type, forget, { once: true, signal });
    signal?.addEventListener("abort", forget, { once: true });
    this.listenersChanged(type);
  }

  /** @param {string} type @param {any} listener @param {boolean|EventListenerOptions} [options] */
  removeEventListener(type, listener, options) {
    super.removeEventListener(type, listener, options);
    this.#forget(type, listener);
  }

  /** How many listen to these. @param {...string} types */
  listening(...types) {
    return types.reduce((sum, type) => sum + (this.#listeners.get(type)?.size ?? 0), 0);
  }

  /** Somebody began or ceased to listen. @param {string} type */
  listenersChanged(type) {
    void type;
  }

  /** @param {string} type @param {any} [detail] */
  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** @param {string} type @param {any} listener */
  #forget(type, listener) {
    const known = this.#listeners.get(type);
    if (!known?.delete(listener)) return;
    if (known.size === 0) this.#listeners.delete(type);
    this.listenersChanged(type);
  }
}
