/**
 * `<pollgate-support>`: the round button and its panel, in a shadow root, so that neither the shop's style nor its scripts
 * meet ours by accident.
 *
 * @typedef {import("./options.js").WidgetOptions} WidgetOptions
 */

import { define } from "../../common/view.js";
import { render } from "../../vendor/lit-html/lit-html.js";
import { Pollgate } from "../library.js";
import { sheets } from "./sheets.js";
import { Visitor } from "./visitor.js";
import { frame } from "./view.js";

import "../../common/talk/talk.js";

const STYLES = ["../../common/tokens.css", "../../common/base.css", "../../common/talk.css", "../widget.css"];
const PHONE = "(max-width: 480px), (max-height: 480px) and (max-width: 900px)";
const FOCUSABLE = "button:not(:disabled), textarea:not(:disabled), input:not(:disabled), select, a[href], [tabindex]:not([tabindex='-1'])";

export class SupportWidget extends HTMLElement {
  /** @type {Visitor} */ visitor;
  /** @type {WidgetOptions} */ options;
  open = false;
  /** The list of conversations is shown, not one of them. */
  listing = false;
  /** Said in the panel until the next thing is done: what went wrong. */
  fault = "";

  /** @type {HTMLElement} */ #frame;
  #phone = matchMedia(PHONE);
  #life = new AbortController();
  #asked = false;
  /** The composer gets the focus when it is there. */
  #writes = false;
  #pageOverflow = "";

  /** @param {WidgetOptions} options @param {CSSStyleSheet[]} styles */
  constructor(options, styles) {
    super();
    this.options = options;
    this.visitor = new Visitor(options, Pollgate);
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = styles;
    this.#frame = document.createElement("div");
    this.#frame.className = "frame";
    root.append(this.#frame);
  }

  connectedCallback() {
    const { signal } = this.#life;
    const update = () => this.update();
    this.visitor.addEventListener("change", update, { signal });
    this.visitor.addEventListener("wanted", (event) => this.#wanted(/** @type {CustomEvent} */ (event).detail), { signal });
    this.#phone.addEventListener("change", update, { signal });
    document.addEventListener("visibilitychange", () => this.visitor.look(), { signal });
    visualViewport?.addEventListener("resize", () => this.#fit(), { signal });
    this.addEventListener("keydown", (event) => this.#key(event), { signal });
    this.#frame.addEventListener("talk-sent", () => void this.#wrote(), { signal });
    this.#frame.addEventListener("talk-fault", (event) => this.#told(/** @type {CustomEvent} */ (event).detail), { signal });
    this.#render();
    this.#fit();
    if (this.options.eager || this.visitor.returns) void this.visitor.wake();
  }

  disconnectedCallback() {
    this.#life.abort();
    this.visitor.gate?.stop();
  }

  /** Renders soon, once however much changed; without an animation frame, for a hidden tab has none. */
  update() {
    if (this.#asked) return;
    this.#asked = true;
    queueMicrotask(() => {
      this.#asked = false;
      if (this.isConnected) this.#render();
    });
  }

  #render() {
    const { visitor, options } = this;
    const data = {
      open: String(this.open),
      phase: visitor.phase,
      unread: String(visitor.unread),
      room: visitor.current ?? "",
      status: visitor.room?.status ?? "",
      agent: visitor.agent ?? "",
      side: options.side,
      theme: this.#theme(),
    };
    for (const [name, value] of Object.entries(data)) if (this.dataset[name] !== value) this.dataset[name] = value;
    const inside = this.shadowRoot?.activeElement;
    render(frame(this, { phone: this.#phone.matches }), this.#frame);
    this.#focusComposer();
    if (inside) this.#keepFocus();
  }

  /** As the shop's page is, unless the tag says otherwise: dark only where the page can be dark. */
  #theme() {
    if (this.options.theme !== "auto") return this.options.theme;
    const scheme = getComputedStyle(document.documentElement).colorScheme;
    if (scheme.includes("dark") && scheme.includes("light")) return "system";
    return scheme.includes("dark") ? "dark" : "light";
  }

  show() {
    if (this.open) return;
    this.open = true;
    this.fault = "";
    this.visitor.looks(true);
    if (this.#phone.matches) {
      this.#pageOverflow = document.documentElement.style.overflow;
      document.documentElement.style.overflow = "hidden";
    }
    this.#render();
    this.#focusInside();
  }

  hide() {
    if (!this.open) return;
    this.open = false;
    this.listing = false;
    this.visitor.looks(false);
    document.documentElement.style.overflow = this.#pageOverflow;
    this.#render();
    /** @type {HTMLElement|null} */ (this.#frame.querySelector(".launcher"))?.focus();
  }

  /** Somebody clicked a notification of the system. @param {string} room */
  #wanted(room) {
    this.show();
    void this.choose(room);
  }

  /** @param {boolean} listing */
  list(listing) {
    this.listing = listing;
    this.fault = "";
    this.#render();
    this.#focusInside();
  }

  /** @param {string|null} id */
  async choose(id) {
    this.listing = false;
    this.fault = "";
    await this.visitor.show(id);
    this.#render();
    this.#focusInside();
  }

  /** Runs what a button asks for, and says in words what failed. @param {() => Promise<unknown>} work @param {string} title */
  async act(work, title) {
    this.fault = "";
    try {
      await work();
    } catch (error) {
      this.#told({ error, title });
    }
    this.update();
  }

  async #wrote() {
    await this.act(() => this.visitor.wrote(), "The conversation could not be opened again");
  }

  /** @param {{error: any, title: string}} detail */
  #told({ error, title }) {
    const why = error?.detail ?? error?.message ?? "";
    this.fault = why ? `${title}: ${why}` : title;
    this.update();
  }

  /** Focus comes into the panel at once, and goes on to where one writes when that is there. */
  #focusInside() {
    /** @type {HTMLElement|null} */ (this.#frame.querySelector(".panel"))?.focus();
    this.#writes = !this.listing;
    this.#focusComposer();
  }

  /** What had the focus may go, as the composer does when the conversation is closed: the panel has it then. */
  #keepFocus() {
    setTimeout(() => {
      const lost = this.open && !this.shadowRoot?.activeElement && document.activeElement === document.body;
      if (lost) /** @type {HTMLElement|null} */ (this.#frame.querySelector(".panel"))?.focus();
    });
  }

  /** Not with a finger: on a phone it would raise the keyboard over what is to be read. */
  #focusComposer() {
    const talk = /** @type {any} */ (this.#frame.querySelector("pg-talk"));
    if (!this.#writes || !talk || matchMedia("(pointer: coarse)").matches) return;
    this.#writes = false;
    setTimeout(() => {
      // Whoever went elsewhere meanwhile is left there.
      if (this.open && this.shadowRoot?.activeElement?.classList.contains("panel")) talk.focusComposer();
    });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!this.open || event.defaultPrevented) return;
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      if (this.listing) this.list(false);
      else this.hide();
    } else if (event.key === "Tab" && this.#phone.matches) {
      this.#keepInside(event);
    } else {
      // The shop's own short cuts must not fire while somebody writes here.
      event.stopPropagation();
    }
  }

  /** The panel covers the page on a phone: Tab goes round in it. @param {KeyboardEvent} event */
  #keepInside(event) {
    const all = /** @type {HTMLElement[]} */ ([...this.#frame.querySelectorAll(`.panel :is(${FOCUSABLE})`)]);
    const inside = all.filter((element) => element.checkVisibility());
    const now = this.shadowRoot?.activeElement;
    const [first, last] = [inside[0], inside.at(-1)];
    const leaves = event.shiftKey ? now === first || now?.classList.contains("panel") : now === last;
    if (!leaves) return;
    event.preventDefault();
    (event.shiftKey ? last : first)?.focus();
  }

  /** What a phone's keyboard leaves of the screen. */
  #fit() {
    const height = visualViewport?.height;
    if (height) this.#frame.style.setProperty("--screen", `${Math.round(height)}px`);
  }
}

/** @param {WidgetOptions} options @returns {Promise<SupportWidget>} */
export async function mount(options) {
  define("pollgate-support", SupportWidget);
  const styles = await sheets(STYLES.map((path) => new URL(path, import.meta.url)), options.colour);
  const widget = new SupportWidget(options, styles);
  document.body.append(widget);
  return widget;
}
