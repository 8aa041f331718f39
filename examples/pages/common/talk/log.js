/**
 * `<pg-log .gate .conversation .me .label ?direct>`: the messages of a conversation. Loads older ones before the reader comes
 * to the top, keeps their place, stays at the end only for who is there, and says what has been read.
 */

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { repeat } from "../../vendor/lit-html/directives/repeat.js";

import { nameOf } from "../names.js";
import { define, View } from "../view.js";
import { gist } from "./entry.js";
import { confirmDelete, showPicture } from "./dialogs.js";
import { beginning, dayTemplate, jumpButton, nothingYet, notLoaded, olderLine, skeleton } from "./log-parts.js";
import { lookBack } from "./lookback.js";
import { Menu } from "./menu.js";
import { itemsFor, longPressed, moveAmong } from "./actions.js";
import { saveFile } from "./pictures.js";
import { Place } from "./place.js";
import { daysOf, readersByEntry } from "./rows.js";

/** @typedef {import("./rows.js").Entry} Entry */

/** Older messages are asked for when less than this is left above, in heights of the scroller. */
const AHEAD = 2;
const PAGE = 100;
/** Who is back at the end after reading far up lets go of what lies there. */
const TRIM_FROM = 300;
const FOUND_MS = 2200;

export class Log extends View {
  /** @type {any} */ gate = null;
  me = "";
  label = "Messages";
  direct = false;
  readonly = false;
  /** What the system says, among the messages. @type {readonly import("./rows.js").Note[]} */ notes = [];
  /** @type {(user: string) => string} */ nameOf = nameOf;
  /** Shown instead of our words where nothing has been said. @type {unknown} */ empty = null;
  /** @type {any} */ #conversation = null;
  /** @type {Place | null} */ #place = null;
  /** @type {Menu | null} */ #menu = null;
  /** @type {AbortController | null} */ #watch = null;
  /** @type {string | undefined} */ #active;
  /** @type {number | null} */ #newAfter = null;
  /** @type {any} */ #receiptsOf = null;
  #opened = false;
  #seen = 0;
  #newest = 0;
  #quietUntil = 0;
  #loadingOlder = false;
  #jumping = false;

  /** @param {any} conversation */
  set conversation(conversation) {
    if (conversation === this.#conversation) return;
    if (this.isConnected) this.#leave();
    this.#conversation = conversation;
    if (this.isConnected) this.#enter();
  }

  get conversation() {
    return this.#conversation;
  }

  connected() {
    this.hear(document, "visibilitychange", () => this.#look());
    this.hear(this, "keydown", (event) => moveAmong(this, event));
    this.hear(this, "contextmenu", (event) => longPressed(event));
    this.hear(this, "focusin", (event) => this.#focused(event.target.closest?.("[data-key]")?.dataset.key));
    this.hear(this, "picture-open", (event) => showPicture(this, this.gate, event.detail));
    this.#enter();
  }

  disconnected() {
    this.#leave();
    this.#place?.end();
    this.#place = null;
  }

  /** @returns {Entry[]} */
  get #entries() {
    return this.#conversation?.entries ?? [];
  }

  get #scroller() {
    return /** @type {HTMLElement} */ (this.querySelector("[data-scroller]"));
  }

  #enter() {
    const conversation = this.#conversation;
    if (!conversation) return;
    this.#watch = new AbortController();
    const { signal } = this.#watch;
    this.#opened = false;
    this.#seen = 0;
    this.#newest = 0;
    this.#newAfter = null;
    this.#active = undefined;
    conversation.addEventListener("change", () => this.#changed(), { signal });
    conversation.addEventListener("error", (/** @type {any} */ { detail }) => this.#fault(detail, "Messages could not be loaded"), { signal });
    this.#load(conversation);
    this.update();
  }

  #changed() {
    this.updateNow();
    if (this.#opened && this.#receiptsOf !== this.#conversation) this.#loadReceipts().catch(() => {});
  }

  /** @param {any} conversation */
  async #load(conversation) {
    try {
      await conversation.load();
      await this.#loadReceipts();
    } catch (error) {
      if (conversation === this.#conversation) this.#fault(error, "Messages could not be loaded");
    }
    if (conversation === this.#conversation) this.update();
  }

  /** Whether the reader belongs to the room. An agent looks at one that waits and is no member: it has no receipts for them. */
  get #belongs() {
    const members = this.#conversation?.room?.members;
    return !members || members.includes(this.me);
  }

  async #loadReceipts() {
    if (!this.#belongs || this.#receiptsOf === this.#conversation) return;
    this.#receiptsOf = this.#conversation;
    await this.#conversation.loadReceipts?.();
  }

  #leave() {
    this.#receiptsOf = null;
    this.#watch?.abort();
    this.#watch = null;
    this.#menu?.close();
    this.#conversation?.release?.();
  }

  /** @param {unknown} error @param {string} title */
  #fault(error, title) {
    this.tell("talk-fault", { error, title });
  }

  updateNow() {
    this.#place?.note();
    if (this.#opened) this.#count();
    super.updateNow();
    const scroller = this.#scroller;
    if (!scroller) return;
    if (!this.#place) {
      const content = /** @type {HTMLElement} */ (scroller.firstElementChild);
      this.#place = new Place(scroller, content, { items: "[data-key]", moved: () => this.#look() });
      this.#menu = new Menu(this, "Message");
    }
    if (!this.#opened && this.#entries.length > 0) this.#open();
    else this.#place.restore();
  }

  /** The first messages are there: decides where the reader begins. */
  #open() {
    this.#opened = true;
    const { room } = this.#conversation;
    this.#newest = this.#lastSeq();
    this.#newAfter = room?.unread > 0 ? (room.last_read_seq ?? 0) : null;
    super.updateNow();
    this.#place?.toEnd();
    const line = this.querySelector(".new-line");
    if (line && line.getBoundingClientRect().top < this.#scroller.getBoundingClientRect().top) this.#place?.show(line, 0.2);
  }

  /** The reader has written something: it is at the end, and what came before is no news any more. */
  follow() {
    this.#newAfter = null;
    this.#place?.toEnd();
    this.update();
  }

  #lastSeq() {
    return this.#entries.findLast(({ seq }) => typeof seq === "number")?.seq ?? 0;
  }

  /** What came since the last time: sets the line above it when nobody saw it come. */
  #count() {
    const newest = this.#lastSeq();
    if (newest > this.#newest) {
      const unseen = document.visibilityState !== "visible" || !this.#place?.atEnd;
      if (unseen && (this.#newAfter === null || this.#seen >= this.#newest)) this.#newAfter = this.#newest;
      this.#newest = newest;
    }
  }

  /** The reader has moved, or what they see has: marks it read, and fetches what they will come to. */
  #look() {
    const place = this.#place;
    const conversation = this.#conversation;
    if (!place || !conversation || !this.#opened) return;
    if (document.visibilityState === "visible") {
      const seen = place.atEnd ? this.#lastSeq() : this.#lowestSeen();
      if (seen > this.#seen) {
        this.#seen = seen;
        if (!this.readonly && this.#belongs) conversation.read(seen);
        this.update();
      }
    }
    if (place.atEnd && this.#entries.length > TRIM_FROM && !this.#jumping) conversation.trim?.();
    const button = this.querySelector(".log-jump");
    button?.toggleAttribute("data-shown", !place.atEnd);
    if (this.#scroller.scrollTop < this.#scroller.clientHeight * AHEAD) this.#older();
  }

  /** The last message whose end shows. */
  #lowestSeen() {
    const edge = this.#scroller.getBoundingClientRect().bottom;
    const items = this.querySelectorAll("[data-seq]");
    let low = 0;
    let high = items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (items[middle].getBoundingClientRect().bottom <= edge + 1) low = middle + 1;
      else high = middle;
    }
    return Number(/** @type {HTMLElement | undefined} */ (items[low - 1])?.dataset.seq ?? 0);
  }

  async #older() {
    const conversation = this.#conversation;
    if (this.#loadingOlder || this.#jumping || !conversation?.hasOlder) return;
    await this.#page(conversation);
    // What came may not fill the height.
    if (conversation === this.#conversation && this.isConnected) this.#look();
  }

  /** @param {any} conversation @param {number} [limit] @returns {Promise<boolean>} whether they could be read */
  async #page(conversation, limit) {
    this.#loadingOlder = true;
    this.#hush();
    try {
      await conversation.loadOlder(limit);
      return true;
    } catch (error) {
      if (conversation === this.#conversation) this.#fault(error, "Older messages could not be loaded");
      // A reader who stays at the top must not ask again and again.
      await new Promise((done) => setTimeout(done, 3000));
      return false;
    } finally {
      this.#loadingOlder = false;
      if (conversation === this.#conversation && this.isConnected) this.updateNow();
    }
  }

  /** What is put in front is not news: screen readers are told only of what comes at the end. */
  #hush() {
    this.#quietUntil = performance.now() + 1000;
    setTimeout(() => this.update(), 1100);
  }

  /**
   * Shows the message of that place, loading what lies between; when it lies too far back, as far as was loaded, from
   * where one can go on.
   * @param {number} seq @returns {Promise<"shown"|"gone"|"far"|"failed"|"left">}
   */
  jumpTo(seq) {
    return this.#back(() => this.#oldest() <= seq, `[data-seq="${seq}"]`);
  }

  /** @param {() => boolean} reached @param {string} selector */
  async #back(reached, selector) {
    const conversation = this.#conversation;
    const left = () => conversation !== this.#conversation || !this.isConnected;
    // Until it is shown, the reader may still be at the end, where what lies far above is let go.
    this.#jumping = true;
    try {
      if (!this.#opened) await this.#load(conversation);
      if (!left() && this.#entries.length === 0 && conversation.error) return "failed";
      if (!left()) this.updateNow();
      const found = await lookBack({ reached, left, more: () => conversation.hasOlder, page: () => this.#page(conversation, PAGE) });
      if (found === "left") return found;
      this.updateNow();
      if (found === "passed") return this.#show(selector) ? "shown" : "gone";
      const top = this.querySelector("[data-seq]");
      if (found === "far" && top) this.#place?.show(top, 0.35);
      return found;
    } finally {
      this.#jumping = false;
    }
  }

  #oldest() {
    return this.#entries.find(({ seq }) => typeof seq === "number")?.seq ?? Infinity;
  }

  /** @param {string} selector */
  #show(selector) {
    const element = /** @type {HTMLElement | null} */ (this.querySelector(selector));
    if (!element) return false;
    this.#place?.show(element, 0.35);
    element.focus({ preventScroll: true });
    element.dataset.found = "";
    setTimeout(() => delete element.dataset.found, FOUND_MS);
    return true;
  }

  /** Where an answer's original stands: older pages are looked through until it is there. @param {Entry} entry */
  async #quoted({ replyTo }) {
    const found = await this.#back(() => this.#entries.some(({ id }) => id === replyTo), `[data-id="${CSS.escape(replyTo ?? "")}"]`);
    if (found === "far") this.#fault("Choose the quoted words again to go on from here.", "The original lies further back");
    if (found === "gone") this.#fault("The original is not there any more.", "Not found");
  }

  /** @param {string | undefined} key */
  #focused(key) {
    if (!key || key === this.#active) return;
    this.#active = key;
    this.update();
  }

  /** @param {Entry} entry @param {HTMLElement} button */
  #openMenu(entry, button) {
    const conversation = this.#conversation;
    const items = itemsFor(entry, {
      changeable: !this.readonly && this.#belongs,
      reply: () => this.tell("log-reply", { entry }),
      edit: () => this.tell("log-edit", { entry }),
      remove: () => this.#remove(conversation, entry),
      discard: () => conversation.discard(entry.key),
    });
    if (items.length > 0) this.#menu?.open(button, items);
  }

  /** @param {any} conversation @param {Entry} entry */
  async #remove(conversation, entry) {
    if (!(await confirmDelete(this, gist(entry)))) return;
    try {
      await conversation.remove(entry.id);
    } catch (error) {
      this.#fault(error, "The message could not be deleted");
    }
  }

  /** How many of the others' messages lie below. */
  #below() {
    return this.#entries.filter(({ mine, seq }) => !mine && typeof seq === "number" && seq > this.#seen).length;
  }

  template() {
    const conversation = this.#conversation;
    if (!conversation) return nothing;
    const entries = this.#entries;
    const receipts = conversation.receipts ?? new Map();
    const members = conversation.room?.members ?? [];
    const byId = new Map(entries.map((entry) => [entry.id, entry]));
    if (!this.#active || !entries.some(({ key }) => key === this.#active)) this.#active = entries[entries.length - 1]?.key;
    /** @type {import("./entry.js").EntryView} */ const view = {
      gate: this.gate,
      nameOf: this.nameOf,
      direct: this.direct,
      others: members.filter((/** @type {string} */ user) => user !== this.me),
      receipts,
      readers: readersByEntry(entries, receipts, this.me),
      active: this.#active,
      find: (id) => byId.get(id),
      retry: ({ key }) => conversation.retry(key),
      discard: ({ key }) => conversation.discard(key),
      menu: (entry, button) => this.#openMenu(entry, button),
      quoted: (entry) => this.#quoted(entry),
      save: (file) => saveFile(this.gate, file).catch((error) => this.#fault(error, `${file.name} could not be downloaded`)),
    };
    const live = this.#opened && performance.now() > this.#quietUntil ? "polite" : "off";
    return html`<div class="log-scroller" data-scroller>
        <div class="log-content">
          ${this.#top(conversation, entries)}
          <div class="log" role="log" aria-label=${this.label} aria-live=${live} aria-relevant="additions" aria-busy=${String(this.#loadingOlder)}>
            ${repeat(daysOf(entries, { newAfter: this.#newAfter, notes: this.notes, whole: !conversation.hasOlder }), ({ key }) => key, (day) => dayTemplate(day, view))}
          </div>
        </div>
      </div>
      ${jumpButton(this.#below(), () => this.#toEnd())}`;
  }

  /** @param {any} conversation @param {Entry[]} entries */
  #top(conversation, entries) {
    if (entries.length > 0) return conversation.hasOlder ? olderLine(this.#loadingOlder) : beginning();
    if (conversation.loading && conversation.id) return skeleton();
    if (conversation.error) return notLoaded(() => this.#load(conversation));
    return this.notes.length > 0 && !this.empty ? nothing : (this.empty ?? nothingYet());
  }

  #toEnd() {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const scroller = this.#scroller;
    const far = scroller.scrollHeight - scroller.scrollTop > scroller.clientHeight * 4;
    this.#place?.toEnd({ smooth: !calm && !far });
  }
}

define("pg-log", Log);
