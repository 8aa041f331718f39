/** `<pg-rooms>`: the rooms, newest first; arrows go up and down, the search narrows them and looks into all messages. */

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";

import { avatar } from "../common/avatar.js";
import { icon } from "../common/icons.js";
import { nameOf } from "../common/names.js";
import { shortTime } from "../common/time.js";
import { inWords } from "../common/toasts.js";
import { gist } from "../common/talk/entry.js";
import { define, View } from "../common/view.js";
import { markHits, matches, otherOf, previewOf, titleOf, typingIn } from "./room-words.js";
import { MessageSearch } from "./search.js";

/** @typedef {import("./room-words.js").Room} Room */

const SEARCHED_PAGES = 10;

export class Rooms extends View {
  /** @type {any} */ gate = null;
  /** @type {import("./typing.js").TypingList | null} */ typing = null;
  me = "";
  /** @type {string | undefined} */ open;
  /** @type {unknown} */ fault = null;
  loaded = false;
  /** Whether presence can be known. */
  live = true;
  #query = "";
  /** @type {MessageSearch | null} */ #search = null;
  /** @type {string | undefined} */ #focused;
  #loadingMore = false;

  connected() {
    this.#search = new MessageSearch(this.gate);
    this.hear(this.#search, "change", () => this.update());
    if (this.typing) this.hear(this.typing, "change", () => this.update());
    this.hear(this, "keydown", (event) => this.#key(event));
  }

  disconnected() {
    this.#search?.stop();
  }

  focusSearch() {
    const input = /** @type {HTMLInputElement} */ (this.querySelector("input"));
    input.focus();
    input.select();
  }

  clearSearch() {
    if (!this.#query) return;
    this.#query = "";
    this.#search?.ask("");
    this.update();
  }

  /** @returns {Room[]} */
  get #shown() {
    /** @type {Room[]} */ const rooms = this.gate.rooms();
    return this.#query.trim() ? rooms.filter((room) => matches(room, this.me, this.#query)) : rooms;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.key === "Escape" && this.#query) {
      event.preventDefault();
      event.stopPropagation();
      this.clearSearch();
      return;
    }
    const items = /** @type {HTMLElement[]} */ ([...this.querySelectorAll("[data-item]")]);
    const at = items.indexOf(target);
    const inSearch = target.matches("input");
    if (at < 0 && !(inSearch && event.key === "ArrowDown")) return;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    if (to < 0) this.querySelector("input")?.focus();
    else items[Math.min(to, items.length - 1)]?.focus();
  }

  /** @param {Event} event */
  #scrolled = ({ target }) => {
    const { scrollTop, scrollHeight, clientHeight } = /** @type {HTMLElement} */ (target);
    if (scrollHeight - scrollTop < clientHeight * 2) this.#more();
  };

  /** The next rooms of the list. @returns {Promise<boolean>} whether some came */
  async #more() {
    if (this.#loadingMore || !this.gate.hasMoreRooms()) return false;
    this.#loadingMore = true;
    try {
      await this.gate.loadMoreRooms();
      return true;
    } catch (error) {
      this.tell("talk-fault", { error, title: "More rooms could not be loaded" });
      // Who stays at the end must not ask again and again.
      await new Promise((done) => setTimeout(done, 3000));
      return false;
    } finally {
      this.#loadingMore = false;
      this.update();
    }
  }

  /** A room that is looked for may stand further back than what was read. */
  async #lookFurther() {
    for (let page = 0; page < SEARCHED_PAGES && this.#query.trim().length > 1; page += 1) {
      if (!(await this.#more())) return;
    }
  }

  template() {
    const rooms = this.#shown;
    const query = this.#query.trim();
    const focused = rooms.some(({ id }) => id === this.#focused) ? this.#focused : rooms.some(({ id }) => id === this.open) ? this.open : rooms[0]?.id;
    return html`<div class="search" role="search">${icon("search")}
        <input type="search" class="search-input" aria-label="Search rooms and messages" placeholder="Search" maxlength="200" autocomplete="off" spellcheck="false"
          .value=${this.#query} @input=${this.#typed}>
        ${query ? html`<button type="button" class="icon-button" aria-label="Clear search" @click=${() => { this.clearSearch(); this.focusSearch(); }}>${icon("close")}</button>` : html`<kbd class="search-key" aria-hidden="true">${isMac() ? "⌘K" : "Ctrl K"}</kbd>`}
      </div>
      <div class="rooms-scroller" @scroll=${this.#scrolled}>
        ${query && rooms.length > 0 ? html`<h2 class="rooms-head">Rooms</h2>` : nothing}
        <ul class="rooms" aria-label="Rooms">${repeat(rooms, ({ id }) => id, (room) => this.#room(room, room.id === focused))}</ul>
        ${query ? this.#results(query, rooms.length) : this.#empty(rooms)}
      </div>`;
  }

  /** @param {any} event */
  #typed = ({ target }) => {
    this.#query = target.value;
    this.#search?.ask(this.#query.trim());
    this.#lookFurther();
    this.update();
  };

  /** @param {Room} room @param {boolean} reachable */
  #room(room, reachable) {
    const other = otherOf(room, this.me);
    const title = titleOf(room, this.me);
    const presence = this.live && other && other !== this.me ? this.gate.presence(other) : undefined;
    const typing = typingIn(room, this.typing?.in(room.id) ?? []);
    const unread = room.unread ?? 0;
    const at = room.last_message?.created_at ?? room.updated_at;
    const preview = typing || previewOf(room, this.me, this.#gistOf(room));
    return html`<li><button type="button" class="room" data-item data-room=${room.id} data-unread=${unread} tabindex=${reachable ? "0" : "-1"}
      aria-current=${room.id === this.open ? "true" : "false"} @focus=${() => (this.#focused = room.id)} @click=${() => this.tell("room-open", { id: room.id })}>
      ${avatar(other ?? room.id, { online: presence?.online, group: room.kind === "group" })}
      <span class="room-name cut">${title}</span>${presence?.online ? html`<span class="unseen">, online</span>` : nothing}
      ${unread > 0 ? html`<span class="badge"><span class="unseen">, </span>${unread > 99 ? "99+" : unread}<span class="unseen"> unread</span></span>` : nothing}
      <span class="unseen">, </span><span class="room-preview cut ${typing ? "typing-now" : ""}">${preview}</span>
      <time class="room-time">${at ? shortTime(at) : nothing}</time>
    </button></li>`;
  }

  /** What a last message without text was, if its conversation has been looked at. @param {Room} room */
  #gistOf({ id, last_message: last }) {
    if (!last || last.text.trim()) return undefined;
    const entry = this.gate.conversation(id).entries.find((/** @type {any} */ one) => one.id === last.id);
    return entry && gist(entry);
  }

  /** @param {Room[]} rooms */
  #empty(rooms) {
    if (rooms.length > 0) return nothing;
    if (this.fault) return html`<div class="rooms-empty"><p>${inWords(this.fault)}</p><button type="button" class="button" @click=${() => this.tell("rooms-reload")}>Try again</button></div>`;
    if (!this.loaded) return html`<div class="rooms-wait" role="status"><span class="unseen">Loading rooms</span>${[1, 2, 3, 4, 5].map(() => html`<i></i>`)}</div>`;
    return html`<div class="rooms-empty">${icon("chat")}<p><b>No conversations yet</b></p><p class="quiet small">Write to somebody, or begin a group.</p>
      <button type="button" class="button primary" @click=${() => this.tell("new-message")}>New message</button></div>`;
  }

  /** @param {string} query @param {number} rooms */
  #results(query, rooms) {
    const search = this.#search;
    if (!search) return nothing;
    const { messages, busy, error, hasMore } = search;
    const none = !busy && !error && messages.length === 0 && search.asked === query;
    return html`<h2 class="rooms-head">Messages${busy ? html` <span class="spinner small-spinner"></span>` : nothing}</h2>
      <p class="unseen" role="status">${busy ? "Searching" : `${messages.length}${hasMore ? " or more" : ""} messages found`}</p>
      ${error ? html`<p class="rooms-note fault">${inWords(error)}</p>` : nothing}
      ${query.length < 2 ? html`<p class="rooms-note">One more letter, please.</p>` : none ? html`<p class="rooms-note">${rooms === 0 ? "Nothing found." : "No message has these words."}</p>` : nothing}
      <ul class="rooms" aria-label="Messages found">${repeat(messages, ({ id }) => id, (message) => this.#hit(message, query))}</ul>
      ${hasMore && !busy ? html`<button type="button" class="button plain rooms-more" @click=${() => search.more()}>Show more</button>` : nothing}`;
  }

  /** @param {any} message @param {string} query */
  #hit(message, query) {
    const room = this.gate.room(message.room);
    const title = room ? titleOf(room, this.me) : nameOf(message.sender);
    const who = message.sender === this.me ? "You" : nameOf(message.sender);
    return html`<li><button type="button" class="room hit" data-item data-message=${message.id} tabindex="-1" @click=${() => this.tell("room-open", { id: message.room, seq: message.seq })}>
      ${avatar(message.sender)}
      <span class="room-name cut">${title}</span><time class="room-time">${shortTime(message.created_at)}</time>
      <span class="room-preview">${who}: ${markHits(message.body, query).map(({ text, hit }) => (hit ? html`<mark>${text}</mark>` : text))}</span>
    </button></li>`;
  }
}

export function isMac() {
  return /Mac|iPhone|iPad/.test(navigator.platform);
}

define("pg-rooms", Rooms);
