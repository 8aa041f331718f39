/** `<pg-chat>`: the whole page. Rooms on one side, a conversation on the other; on a phone, one at a time. */

import { html, nothing } from "../vendor/lit-html/lit-html.js";

import { avatar } from "../common/avatar.js";
import { icon } from "../common/icons.js";
import { nameOf } from "../common/names.js";
import { shownTheme, switchTheme } from "../common/theme.js";
import { Toasts } from "../common/toasts.js";
import { define, View } from "../common/view.js";
import "../common/talk/talk.js";
import { Attention } from "./attention.js";
import { connectionPill, connectionStrip } from "./connection.js";
import { knowsPresence } from "./connection-words.js";
import { groupDialog, messageDialog, shortcutsDialog } from "./dialogs.js";
import { detailsDialog } from "./details.js";
import { roomHead } from "./head.js";
import { Route } from "./route.js";
import { belongsTo, nextUnread, otherOf, titleOf } from "./room-words.js";
import { shortcutOf } from "./shortcuts.js";
import { TypingList } from "./typing.js";
import "./room-list.js";

const TICK_MS = 1000;
const PRESENCE_AT_ONCE = 100;

export class Chat extends View {
  /** @type {any} */ gate = null;
  me = "";
  /** @type {any} */ #conversation = null;
  /** @type {any} */ #had = null;
  #route = new Route();
  #typing = new TypingList();
  #loaded = false;
  /** @type {unknown} */ #fault = null;
  /** @type {Toasts | null} */ #toasts = null;
  /** @type {Attention | null} */ #attention = null;
  /** @type {Set<string>} */ #asked = new Set();
  #retryAt = 0;
  #minute = 0;

  connected() {
    const { gate } = this;
    this.#toasts = new Toasts(this);
    this.#attention = new Attention(this.#toasts, { me: this.me, open: (id) => this.#open(id), shown: () => this.#conversation?.id });
    for (const name of ["rooms", "presence", "unread"]) this.hear(gate, name, () => this.#changed());
    this.hear(gate, "connection", ({ detail }) => this.#connection(detail));
    this.hear(gate, "typing", ({ detail }) => detail.data.user !== this.me && this.#typing.take(detail));
    this.hear(gate, "message.created", ({ detail }) => this.#typing.forget(detail.room, detail.data.sender));
    this.hear(gate, "resynced", () => this.#asked.clear());
    this.hear(gate, "notification-click", ({ detail }) => this.#open(detail.room));
    this.hear(gate, "notification", ({ detail }) => this.#attention?.notify(detail));
    this.hear(this.#route, "change", () => this.#follow());
    this.hear(document, "keydown", (event) => this.#key(event));
    this.hear(this, "room-open", ({ detail }) => this.#open(detail.id, detail.seq));
    this.hear(this, "new-message", () => this.#newMessage());
    this.hear(this, "rooms-reload", () => this.#load());
    this.hear(this, "talk-fault", ({ detail }) => this.#toasts?.fault(detail.error, detail.title));
    const ticking = setInterval(() => this.#tick(), TICK_MS);
    this.alive.addEventListener("abort", () => clearInterval(ticking));
    this.#connection(gate.connectionInfo());
    this.#load();
    this.#follow();
  }

  async #load() {
    this.#fault = null;
    try {
      await this.gate.loadRooms();
    } catch (error) {
      this.#fault = error;
    }
    this.#loaded = true;
    this.#changed();
  }

  #changed() {
    this.#askPresence();
    const conversation = this.#conversation;
    // A conversation that was begun with somebody has its room now: the address says so.
    if (conversation?.id && this.#route.room !== conversation.id && this.#route.to) this.#route.settle(conversation.id);
    this.#leaveWhenGone();
    this.#attention?.count(this.gate.unread().total, conversation ? this.#title() : "");
    this.update();
  }

  /** Who was sent away, or has left on another device, must not go on looking at an empty shell. */
  #leaveWhenGone() {
    const conversation = this.#conversation;
    if (belongsTo(conversation?.room, this.me)) this.#had = conversation;
    else if (conversation && this.#had === conversation) {
      this.#had = null;
      this.#toasts?.show({ title: "You are not in this group any more" });
      this.#close();
    }
  }

  /** Asks once for everybody shown; from then on events tell. */
  #askPresence() {
    const shown = new Set();
    for (const room of this.gate.rooms()) {
      const other = otherOf(room, this.me);
      if (other && other !== this.me && !this.#asked.has(other)) shown.add(other);
    }
    for (const user of this.#conversation?.room?.members ?? []) if (user !== this.me && !this.#asked.has(user)) shown.add(user);
    const users = [...shown].slice(0, PRESENCE_AT_ONCE);
    if (users.length === 0) return;
    for (const user of users) this.#asked.add(user);
    this.gate.loadPresence(users).then(
      () => this.update(),
      () => users.forEach((user) => this.#asked.delete(user)),
    );
  }

  /** @param {any} info */
  #connection(info) {
    this.#retryAt = info.state === "waiting" && info.retryInMs ? Date.now() + info.retryInMs : 0;
    this.update();
  }

  #tick() {
    const minute = Math.floor(Date.now() / 60_000);
    if (minute === this.#minute && !this.#retryAt) return;
    this.#minute = minute;
    this.update();
  }

  get #talk() {
    return /** @type {import("../common/talk/talk.js").Talk | null} */ (this.querySelector("pg-talk"));
  }

  /** @param {string} id @param {number} [seq] a message to show */
  async #open(id, seq) {
    this.#route.go({ room: id });
    if (seq === undefined) return this.#focusComposer();
    const found = await this.#talk?.jumpTo(seq);
    if (found === "gone") this.#toasts?.show({ title: "The message is not there any more", fault: true });
    if (found === "far") this.#toasts?.show({ title: "The message lies further back", text: "Go on looking", key: "far", open: () => this.#goOn(id, seq) });
  }

  /** @param {string} id @param {number} seq */
  #goOn(id, seq) {
    if (this.#route.room === id) void this.#open(id, seq);
  }

  /** @param {string} user */
  #openWith(user) {
    const known = this.gate.rooms().find((/** @type {any} */ room) => otherOf(room, this.me) === user);
    if (known) return this.#open(known.id);
    this.#route.go({ to: user });
    return this.#focusComposer();
  }

  /** On a touch screen the keyboard would cover half of what was opened. */
  #focusComposer() {
    if (matchMedia("(pointer: fine)").matches) queueMicrotask(() => this.#talk?.focusComposer());
  }

  /** The address has changed: by us, or by the browser's back button. */
  #follow() {
    const { room, to } = this.#route;
    const next = room ? this.gate.conversation(room) : to ? this.gate.conversation({ to }) : null;
    if (next !== this.#conversation) {
      this.#conversation?.removeEventListener("change", this.#conversationChanged);
      this.#conversation = next;
      next?.addEventListener("change", this.#conversationChanged);
    }
    this.#changed();
    this.updateNow();
  }

  #conversationChanged = () => this.#changed();

  #close() {
    this.#route.go({});
    /** @type {HTMLElement | null} */ (this.querySelector("[data-room][tabindex='0']"))?.focus();
  }

  #title() {
    const { room, to } = this.#route;
    const known = this.#conversation?.room ?? (room ? this.gate.room(room) : undefined);
    if (known) return titleOf(known, this.me);
    return to ? nameOf(to) : this.#conversation?.error ? "Not found" : "Conversation";
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const wish = shortcutOf(event);
    if (!wish || (document.querySelector("dialog[open]") && wish !== "help")) return;
    if (wish === "back" && (!this.#conversation || !matchMedia("(max-width: 46rem)").matches)) return;
    event.preventDefault();
    const rooms = this.gate.rooms();
    const at = rooms.findIndex((/** @type {any} */ { id }) => id === this.#route.room);
    if (wish === "search") this.#search();
    else if (wish === "help") shortcutsDialog(this);
    else if (wish === "back") this.#close();
    else if (wish === "unread") this.#goTo(nextUnread(rooms, this.#route.room));
    else this.#goTo(rooms[Math.max(0, at + (wish === "next" ? 1 : -1))]);
  }

  /** @param {any} room */
  #goTo(room) {
    if (room) this.#open(room.id);
  }

  #search() {
    if (matchMedia("(max-width: 46rem)").matches) this.#route.go({});
    queueMicrotask(() => /** @type {import("./room-list.js").Rooms} */ (this.querySelector("pg-rooms"))?.focusSearch());
  }

  /** Everybody one has to do with, for choosing from. */
  #known() {
    /** @type {Set<string>} */ const users = new Set(this.gate.rooms().flatMap((/** @type {any} */ { members }) => members));
    users.delete(this.me);
    return [...users].sort();
  }

  async #newMessage() {
    const user = await messageDialog(this, this.#known());
    if (user) this.#openWith(user);
  }

  async #newGroup() {
    const wanted = await groupDialog(this, this.#known());
    if (!wanted) return;
    try {
      const room = await this.gate.createRoom(wanted);
      this.#open(room.id);
    } catch (error) {
      this.#toasts?.fault(error, "The group could not be made");
    }
  }

  async #details() {
    const room = this.#conversation?.room;
    if (!room) return;
    const left = await detailsDialog(this, this.gate, room.id, this.me, this.#known());
    if (left === "left") {
      this.#had = null;
      this.#close();
    } else if (left.startsWith("write:")) this.#openWith(left.slice("write:".length));
  }

  async #askNotifications() {
    const { notifications } = this.gate;
    if (notifications.state === "granted") notifications.enabled = !notifications.enabled;
    else await notifications.ask();
    if (notifications.state === "denied") this.#toasts?.show({ title: "Notifications are blocked", text: "The browser's settings for this page can allow them again." });
    this.update();
  }

  template() {
    const info = this.gate.connectionInfo();
    const open = Boolean(this.#conversation);
    return html`<a class="skip" href="#conversation" @click=${(/** @type {Event} */ event) => { event.preventDefault(); this.#talk?.focusComposer(); }}>Skip to the conversation</a>
      ${connectionStrip(info, this.#retryAt, this.gate)}
      <div class="frame" data-screen=${open ? "talk" : "rooms"}>
        <nav class="side" aria-label="Conversations">
          ${this.#sideHead()}
          <pg-rooms .gate=${this.gate} .me=${this.me} .typing=${this.#typing} .open=${this.#route.room} .loaded=${this.#loaded} .live=${knowsPresence(info.state)} .fault=${this.#fault} .tick=${this.#redrawRooms()}></pg-rooms>
          <footer class="side-foot">${connectionPill(info)}
            <button type="button" class="icon-button keys-button" aria-label="Keyboard shortcuts" title="Keyboard shortcuts" @click=${() => shortcutsDialog(this)}>${icon("keyboard")}</button></footer>
        </nav>
        <main class="main" id="conversation" tabindex="-1" aria-label=${open ? this.#title() : "No conversation open"}>${open ? this.#shown() : this.#nobody()}</main>
      </div>`;
  }

  /** The list is an element of its own: it is told to look again. */
  #redrawRooms() {
    /** @type {import("./room-list.js").Rooms | null} */ (this.querySelector("pg-rooms"))?.update();
    return nothing;
  }

  #sideHead() {
    const dark = shownTheme() === "dark";
    const { notifications } = this.gate;
    const on = notifications.state === "granted" && notifications.enabled;
    return html`<header class="side-head">
      ${avatar(this.me, { size: "small" })}<h1 class="cut">${nameOf(this.me)}</h1>
      ${notifications.state === "unsupported" ? nothing : html`<button type="button" class="icon-button" aria-label=${on ? "Turn off notifications" : "Turn on notifications"}
        title=${on ? "Turn off notifications" : "Turn on notifications"} @click=${() => this.#askNotifications()}>${icon(on ? "bell" : "bell-off")}</button>`}
      <button type="button" class="icon-button" aria-label=${dark ? "Switch to light mode" : "Switch to dark mode"} title=${dark ? "Light mode" : "Dark mode"}
        @click=${() => { switchTheme(); this.update(); }}>${icon(dark ? "sun" : "moon")}</button>
      <button type="button" class="icon-button" aria-label="New group" title="New group" @click=${() => this.#newGroup()}>${icon("group")}</button>
      <button type="button" class="icon-button primary" aria-label="New message" title="New message" @click=${() => this.#newMessage()}>${icon("compose")}</button>
    </header>`;
  }

  #shown() {
    const conversation = this.#conversation;
    const room = conversation.room ?? (this.#route.room ? this.gate.room(this.#route.room) : undefined);
    const title = this.#title();
    const direct = room ? room.kind === "direct" : true;
    return html`${roomHead({ room, title, to: this.#route.to, me: this.me, gate: this.gate, live: knowsPresence(this.gate.connectionInfo().state), typists: [...(conversation.typists ?? [])], back: () => this.#close(), details: () => this.#details() })}
      <pg-talk .gate=${this.gate} .me=${this.me} .label=${`Messages with ${title}`} .placeholder=${direct ? `Message ${title}` : "Write to the group"} .direct=${direct} .readonly=${room ? !belongsTo(room, this.me) : Boolean(conversation.error)} .conversation=${conversation}></pg-talk>`;
  }

  #nobody() {
    return html`<div class="nobody">${icon("chat")}<h2>Choose a conversation</h2><p class="quiet">Or begin one: a message to somebody, or a group.</p>
      <div class="nobody-buttons"><button type="button" class="button" @click=${() => this.#newMessage()}>${icon("person")} Message somebody</button>
      <button type="button" class="button" @click=${() => this.#newGroup()}>${icon("group")} Begin a group</button></div></div>`;
  }
}

define("pg-chat", Chat);
