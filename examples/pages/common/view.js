/** The base of our elements: plain light-DOM custom elements that render a lit template once however much changed. */

import { html, render } from "../vendor/lit-html/lit-html.js";

/** @typedef {import("../vendor/lit-html/lit-html.js").TemplateResult} Template */

export class View extends HTMLElement {
  #asked = false;
  /** @type {AbortController | null} */ #life = null;

  /** Ends when the element leaves the page: for listeners and requests of its own. */
  get alive() {
    this.#life ??= new AbortController();
    return this.#life.signal;
  }

  connectedCallback() {
    this.connected();
    this.update();
  }

  disconnectedCallback() {
    this.#life?.abort();
    this.#life = null;
    this.disconnected();
  }

  connected() {}
  disconnected() {}

  /** Renders soon. A microtask and no animation frame: a hidden tab has no frames, and its title still counts. */
  update() {
    if (this.#asked) return;
    this.#asked = true;
    queueMicrotask(() => {
      this.#asked = false;
      if (this.isConnected) this.updateNow();
    });
  }

  updateNow() {
    render(this.template(), this);
  }

  /** @returns {unknown} */
  template() {
    return html``;
  }

  /** Tells whoever holds this element. @param {string} name @param {unknown} [detail] */
  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }

  /** Listens as long as the element stands in the page. @param {EventTarget} target @param {string} name @param {(event: any) => void} heard @param {AddEventListenerOptions} [options] */
  hear(target, name, heard, options = {}) {
    target.addEventListener(name, heard, { ...options, signal: this.alive });
  }
}

/** @param {string} name @param {CustomElementConstructor} element a module may come twice, a name only once */
export function define(name, element) {
  if (!customElements.get(name)) customElements.define(name, element);
}
