/** `<pg-picture .gate .file>`: an image of a message, fetched when it comes near, at its own proportion. */

import { html, nothing } from "../../vendor/lit-html/lit-html.js";

import { icon } from "../icons.js";
import { define, View } from "../view.js";
import { picturesOf, proportionOf, rememberProportion } from "./pictures.js";

const UNKNOWN_PROPORTION = 4 / 3;

/** @type {WeakMap<Element, IntersectionObserver>} */ const observers = new WeakMap();

/**
 * One observer for all pictures of a scroller, which has to be its root: what a scroller cuts off counts as far away
 * otherwise. A height ahead is early enough. @param {Element} scroller
 */
function observerOf(scroller) {
  let found = observers.get(scroller);
  if (!found) {
    found = new IntersectionObserver(
      (seen) => {
        for (const { target, isIntersecting } of seen) /** @type {Picture} */ (target).near(isIntersecting);
      },
      { root: scroller === document.documentElement ? null : scroller, rootMargin: "100% 0px" },
    );
    observers.set(scroller, found);
  }
  return found;
}

export class Picture extends View {
  /** @type {import("./pictures.js").Files | null} */ gate = null;
  /** @type {import("./rows.js").File | null} */ #file = null;
  /** @type {string | null} */ #held = null;
  #url = "";
  #failed = false;
  /** @type {IntersectionObserver | null} */ #observer = null;

  /** @param {import("./rows.js").File} file */
  set file(file) {
    if (file.id === this.#file?.id) return;
    this.near(false);
    this.#file = file;
    this.update();
  }

  connected() {
    this.#observer = observerOf(this.closest("[data-scroller]") ?? document.documentElement);
    this.#observer.observe(this);
  }

  disconnected() {
    this.#observer?.unobserve(this);
    this.near(false);
  }

  /** @param {boolean} isNear */
  near(isNear) {
    if (isNear) this.#load();
    else this.#release();
  }

  async #load() {
    const id = this.#file?.id;
    if (this.#held || !id || !this.gate) return;
    this.#held = id;
    this.#failed = false;
    try {
      const url = await picturesOf(this.gate).hold(id);
      if (this.#held === id) this.#url = url;
    } catch {
      if (this.#held === id) this.#failed = true;
    }
    this.update();
  }

  #release() {
    if (this.#held && this.gate) picturesOf(this.gate).release(this.#held);
    this.#held = null;
    this.#url = "";
    this.#failed = false;
    this.update();
  }

  /** @param {Event} event */
  #loaded = ({ target }) => {
    const { naturalWidth, naturalHeight } = /** @type {HTMLImageElement} */ (target);
    if (this.#file) rememberProportion(this.#file.id, naturalWidth, naturalHeight);
    this.update();
  };

  #again = () => {
    this.#release();
    this.#load();
  };

  template() {
    const file = this.#file;
    if (!file) return nothing;
    const proportion = proportionOf(file.id) ?? UNKNOWN_PROPORTION;
    this.style.setProperty("--proportion", String(Math.min(Math.max(proportion, 0.4), 3)));
    if (this.#failed) {
      return html`<button type="button" class="picture-failed" @click=${this.#again}>${icon("retry")} Show ${file.name}</button>`;
    }
    if (!this.#url) return html`<span class="picture-wait">${icon("image")}</span>`;
    return html`<button type="button" class="picture-open" aria-label=${`Open picture ${file.name}`}
      @click=${() => this.tell("picture-open", { file, url: this.#url })}>
      <img src=${this.#url} alt=${file.name} decoding="async" @load=${this.#loaded}>
    </button>`;
  }
}

define("pg-picture", Picture);
