/** What the page around the library does: seen, focused, online. Works without a document, too. */

export class Page extends EventTarget {
  /** @type {AbortController|null} */ #open = null;

  /** From now on it tells what happens. */
  open() {
    if (this.#open) return;
    this.#open = new AbortController();
    const { signal } = this.#open;
    const tell = (/** @type {string} */ type) => () => this.dispatchEvent(new Event(type));
    globalThis.document?.addEventListener("visibilitychange", tell("visibility"), { signal });
    globalThis.addEventListener?.("focus", tell("focus"), { signal });
    globalThis.addEventListener?.("pagehide", tell("hide"), { signal });
    globalThis.addEventListener?.("online", tell("online"), { signal });
  }

  get visible() {
    return globalThis.document ? document.visibilityState !== "hidden" : true;
  }

  get focused() {
    return this.visible && (globalThis.document ? document.hasFocus() : true);
  }

  close() {
    this.#open?.abort();
    this.#open = null;
  }
}
