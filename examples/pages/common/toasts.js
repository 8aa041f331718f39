/** Short notices at the edge of the page, read out once, gone by themselves; more than three at a time help nobody. */

import { html, nothing, render } from "../vendor/lit-html/lit-html.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";

import { icon } from "./icons.js";
import { inWords } from "./problems.js";

export { inWords };

const STAY_MS = 6000;
const MOST = 3;

/** @typedef {{title: string, text?: string, face?: unknown, fault?: boolean, key?: string, open?: () => void}} Toast */

export class Toasts {
  /** @type {HTMLElement} */ #home;
  /** @type {{toast: Toast, key: string, timer: ReturnType<typeof setTimeout>}[]} */ #shown = [];
  #count = 0;

  /** @param {HTMLElement} [parent] */
  constructor(parent = document.body) {
    this.#home = document.createElement("div");
    this.#home.className = "toasts";
    this.#home.setAttribute("role", "status");
    this.#home.setAttribute("aria-label", "Notices");
    parent.append(this.#home);
  }

  /** Shows one; another of the same key takes its place. @param {Toast} toast */
  show(toast) {
    this.#count += 1;
    const key = toast.key ?? `toast-${this.#count}`;
    this.#drop(key);
    const timer = setTimeout(() => this.close(key), STAY_MS);
    this.#shown.push({ toast, key, timer });
    while (this.#shown.length > MOST) this.#drop(this.#shown[0].key);
    this.#draw();
  }

  /** What went wrong, in words. @param {unknown} error @param {string} title */
  fault(error, title) {
    this.show({ title, text: inWords(error), fault: true, key: `fault:${title}` });
  }

  /** @param {string} key */
  close(key) {
    this.#drop(key);
    this.#draw();
  }

  /** @param {string} key */
  #drop(key) {
    for (const shown of this.#shown) if (shown.key === key) clearTimeout(shown.timer);
    this.#shown = this.#shown.filter((shown) => shown.key !== key);
  }

  #draw() {
    render(repeat(this.#shown, ({ key }) => key, ({ toast, key }) => this.#toast(toast, key)), this.#home);
  }

  /** @param {Toast} toast @param {string} key */
  #toast({ title, text, face, fault, open }, key) {
    const words = html`${face ?? nothing}<span class="toast-text"><b>${title}</b>${text ? html`<span>${text}</span>` : nothing}</span>`;
    const act = () => {
      this.close(key);
      open?.();
    };
    return html`<div class="toast ${fault ? "fault" : ""}">
      ${open ? html`<button type="button" class="toast-open" @click=${act}>${words}</button>` : words}
      <button type="button" class="icon-button" aria-label="Dismiss" @click=${() => this.close(key)}>${icon("close")}</button>
    </div>`;
  }
}
