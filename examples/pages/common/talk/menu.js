/** A menu at a button: one per page part, in the top layer, closed by Escape and by a click elsewhere. */

import { html, render } from "../../vendor/lit-html/lit-html.js";

import { icon } from "../icons.js";

const GAP_PX = 6;

/** @typedef {{name: string, icon: import("../icons.js").IconName, act: () => void, danger?: boolean}} MenuItem */

export class Menu {
  #home = document.createElement("div");
  /** @type {HTMLElement | null} */ #opener = null;

  /** @param {HTMLElement} parent @param {string} label */
  constructor(parent, label) {
    this.#home.className = "menu";
    this.#home.popover = "auto";
    this.#home.setAttribute("role", "menu");
    this.#home.setAttribute("aria-label", label);
    this.#home.addEventListener("keydown", this.#key);
    this.#home.addEventListener("toggle", this.#toggled);
    parent.append(this.#home);
  }

  /** @param {HTMLElement} opener @param {MenuItem[]} items */
  open(opener, items) {
    this.#opener?.removeAttribute("aria-expanded");
    this.#opener = opener;
    render(items.map((item) => this.#item(item)), this.#home);
    this.#home.showPopover();
    opener.setAttribute("aria-expanded", "true");
    this.#place(opener.getBoundingClientRect());
    this.#items[0]?.focus();
  }

  close() {
    if (this.#home.matches(":popover-open")) this.#home.hidePopover();
  }

  /** @returns {HTMLElement[]} */
  get #items() {
    return [...this.#home.querySelectorAll("button")];
  }

  /** @param {MenuItem} item */
  #item({ name, icon: shape, act, danger }) {
    const chosen = () => {
      this.close();
      act();
    };
    return html`<button type="button" role="menuitem" tabindex="-1" class="menu-item ${danger ? "danger" : ""}" @click=${chosen}>${icon(shape)} ${name}</button>`;
  }

  /** Below the button, or above where there is no room; never over the edge. @param {DOMRect} at */
  #place(at) {
    const { offsetWidth: width, offsetHeight: height } = this.#home;
    const below = at.bottom + GAP_PX + height <= innerHeight;
    const top = below ? at.bottom + GAP_PX : Math.max(GAP_PX, at.top - GAP_PX - height);
    const left = at.left + width <= innerWidth - GAP_PX ? at.left : at.right - width;
    this.#home.style.top = `${top}px`;
    this.#home.style.left = `${Math.max(GAP_PX, left)}px`;
  }

  /** @param {Event} event */
  #toggled = (event) => {
    if (/** @type {any} */ (event).newState !== "closed") return;
    this.#opener?.removeAttribute("aria-expanded");
    // Light dismissal leaves the focus where the click put it; Escape brings it back to the button.
    const root = /** @type {Document | ShadowRoot} */ (this.#home.getRootNode());
    if (!root.activeElement || root.activeElement === document.body || this.#home.contains(root.activeElement)) this.#opener?.focus();
    this.#opener = null;
  };

  /** @param {KeyboardEvent} event */
  #key = (event) => {
    const items = this.#items;
    const at = items.indexOf(/** @type {any} */ (event.target));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 }[event.key];
    if (event.key === "Tab") this.close();
    if (event.key === "Escape") {
      // The key is used up: it must not close what is around, too.
      event.preventDefault();
      event.stopPropagation();
      this.close();
    }
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    items[to % items.length]?.focus();
  };
}
