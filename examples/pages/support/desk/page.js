/**
 * The dashboard as one page: draws the desk, keeps the address and the title in step, says what happened, and answers
 * to the keyboard.
 *
 * @typedef {import("../queue.js").View} View
 * @typedef {import("../../../../crates/web/client/pollgate.js").Room} Room
 */

import { avatar } from "../../common/avatar.js";
import { icon } from "../../common/icons.js";
import { shownTheme, switchTheme } from "../../common/theme.js";
import { Toasts, inWords } from "../../common/toasts.js";
import { html, nothing, render } from "../../vendor/lit-html/lit-html.js";
import { aboutVisitor } from "./about-view.js";
import { Lost } from "./desk.js";
import { handOverDialog } from "./hand-over.js";
import { queue } from "./queue-view.js";
import { talk } from "./talk-view.js";
import { failure, noDesk } from "./welcome.js";

import "../../common/talk/talk.js";

const TICK_MS = 15_000;
const TITLE = "Support desk";

export class Page {
  /** The side with the visitor is shown, where it does not fit beside the conversation. */
  about = false;
  /** The dialog for handing over is open; what went wrong in it. @type {{fault: string, busy: boolean}|null} */
  handing = null;
  /** A change of the open room is on its way. */
  busy = false;

  #home;
  #toasts;
  #asked = false;

  /** @param {{desk: import("./desk.js").Desk, home: HTMLElement, name: (user: string) => string}} parts */
  constructor({ desk, home, name }) {
    this.desk = desk;
    this.name = name;
    this.#home = home;
    this.#toasts = new Toasts();
  }

  async open() {
    const { desk } = this;
    desk.addEventListener("change", () => this.update());
    desk.addEventListener("waiting", (event) => this.#newVisitor(/** @type {CustomEvent} */ (event).detail));
    desk.addEventListener("given", (event) => this.#came(/** @type {CustomEvent} */ (event).detail, "was handed over to you"));
    desk.addEventListener("waited", (event) => this.#came(/** @type {CustomEvent} */ (event).detail, "is yours now"));
    desk.addEventListener("gone", (event) => this.#gone(/** @type {CustomEvent} */ (event).detail));
    desk.gate.addEventListener("notification-click", (/** @type {any} */ event) => void this.choose(event.detail.room, { focus: true }));
    desk.gate.addEventListener("notification", (/** @type {any} */ event) => this.#notified(event.detail));
    this.#home.addEventListener("talk-fault", (event) => {
      const { error, title } = /** @type {CustomEvent} */ (event).detail;
      this.#toasts.fault(error, title);
    });
    document.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("visibilitychange", () => {
      desk.seen();
      if (!document.hidden) void desk.refresh();
    });
    addEventListener("popstate", () => void this.choose(roomInAddress(), { quietly: true }));
    setInterval(() => this.update(), TICK_MS);
    this.update();
    await desk.open();
    const room = roomInAddress();
    if (room && desk.phase === "ready") await this.choose(room, { quietly: true });
  }

  /** Renders soon, once however much changed; without an animation frame, for the title of a hidden tab counts too. */
  update() {
    if (this.#asked) return;
    this.#asked = true;
    queueMicrotask(() => {
      this.#asked = false;
      this.#render();
    });
  }

  #render() {
    const { desk } = this;
    const { total } = desk.pressing();
    const title = total > 0 ? `(${total}) ${TITLE}` : TITLE;
    if (document.title !== title) document.title = title;
    Object.assign(document.body.dataset, { phase: desk.phase, me: desk.me, room: desk.selected ?? "" });
    render(this.#page(), this.#home);
  }

  #page() {
    const pane = this.desk.selected === null ? "queue" : this.about ? "about" : "talk";
    return html`<div class="desk" data-pane=${pane}>${this.#top()}${this.#inside()}</div>${handOverDialog(this)}`;
  }

  #top() {
    const { desk } = this;
    const dark = shownTheme() === "dark";
    return html`<header class="top">
      <span class="top-mark" aria-hidden="true">${icon("headset")}</span>
      <h1>${TITLE}</h1>
      ${this.#connection()}
      <span class="top-space"></span>
      ${this.#bell()}
      <button type="button" class="icon-button" aria-label=${dark ? "Light colours" : "Dark colours"} @click=${() => {
        switchTheme();
        this.update();
      }}>${icon(dark ? "sun" : "moon")}</button>
      <span class="top-me">${avatar(desk.me, { size: "small" })}<span class="top-name">${this.name(desk.me)}</span></span>
    </header>`;
  }

  /** Notices of the system, for messages that come while nobody looks. The browser asks only when somebody clicks. */
  #bell() {
    const { notifications } = this.desk.gate;
    const { state } = notifications;
    if (state === "unsupported") return nothing;
    const on = state === "granted" && notifications.enabled;
    const label = state === "denied" ? "The browser forbids notifications" : on ? "Turn notifications off" : "Turn notifications on";
    return html`<button type="button" class="icon-button" aria-label=${label} title=${label} aria-pressed=${String(on)} ?disabled=${state === "denied"} @click=${async () => {
      notifications.enabled = !on;
      if (state === "default") await notifications.ask();
      this.update();
    }}>${icon(on ? "bell" : "bell-off")}</button>`;
  }

  #connection() {
    const { state, reason } = this.desk.gate.connectionInfo();
    const words = state === "live" ? "Live" : state === "offline" ? "Offline" : state === "waiting" ? "Trying again" : state === "connecting" ? "Connecting" : "Not connected";
    return html`<span class="connection" role="status" data-state=${state} title=${reason ?? nothing}><span class="dot" aria-hidden="true"></span><span class="connection-words">${words}</span></span>`;
  }

  #inside() {
    const { desk } = this;
    if (desk.phase === "no-desk") return html`<main class="whole">${noDesk(desk.me)}</main>`;
    if (desk.phase === "signed-out") {
      return html`<main class="whole">${failure("You are signed out", "The token is not good any more. Open the page with a new one.", "Reload", () => location.reload())}</main>`;
    }
    if (desk.phase === "failed") {
      return html`<main class="whole">${failure("The desk cannot be reached", desk.reason, "Try again", () => void desk.read())}</main>`;
    }
    return html`${queue(this)}${talk(this)}${aboutVisitor(this)}`;
  }

  /** @param {Partial<View>} change */
  async look(change) {
    await this.#trying(() => this.desk.look(change), "The list could not be read");
  }

  /** Opens a conversation, or none. @param {string|null} id @param {{quietly?: boolean, focus?: boolean}} [how] */
  async choose(id, { quietly = false, focus = false } = {}) {
    this.about = false;
    this.handing = null;
    if (!quietly) address(id);
    const done = this.#trying(() => this.desk.select(id), "The conversation could not be opened");
    if (focus) this.#focusTalk();
    await done;
  }

  /** @param {string} id */
  async take(id) {
    await this.#changing(() => this.desk.take(id), "It could not be taken");
    if (this.desk.selected === id) {
      address(id);
      this.#focusTalk();
    }
  }

  /** @param {"open"|"pending"|"closed"} status */
  async setStatus(status) {
    const id = this.desk.selected;
    if (id) await this.#changing(() => this.desk.setStatus(id, status), "The status could not be changed");
  }

  async giveBack() {
    const id = this.desk.selected;
    if (!id) return;
    await this.#changing(async () => {
      await this.desk.giveBack(id);
      address(null);
      this.#toasts.show({ title: "It waits for everybody again", key: "done" });
    }, "It could not be given back");
  }

  openHandOver() {
    this.handing = { fault: "", busy: false };
    this.update();
    // Somebody may have come to the desk since the page was opened.
    void this.desk.learnColleagues();
  }

  /** To a colleague, to another desk, or to a colleague there. @param {{user: string, desk: string}} to */
  async handOver({ user, desk: other }) {
    const { desk } = this;
    const id = desk.selected;
    if (!id || !this.handing) return;
    const chosen = user !== "" || other !== "";
    this.handing = { fault: chosen ? "" : "Say to whom: a colleague, or another desk.", busy: chosen };
    this.update();
    if (!chosen) return;
    try {
      if (other) await desk.moveTo(id, other, user || null);
      else await desk.handOver(id, user);
      this.handing = null;
      address(desk.selected);
      this.#toasts.show({ title: user ? `${this.name(user)} has it now` : `It waits at ${other} now`, key: "done" });
    } catch (error) {
      const stranger = user && /** @type {any} */ (error)?.status === 400;
      const fault = error instanceof Lost ? this.#lost(error) : stranger ? `${this.name(user)} does not serve this desk.` : inWords(error);
      this.handing = { fault, busy: false };
    }
    this.update();
  }

  /** @param {() => Promise<unknown>} work @param {string} title */
  async #changing(work, title) {
    if (this.busy) return;
    this.busy = true;
    this.update();
    await this.#trying(work, title);
    this.busy = false;
    this.update();
  }

  /** @param {() => Promise<unknown>} work @param {string} title */
  async #trying(work, title) {
    try {
      await work();
    } catch (error) {
      if (error instanceof Lost) {
        address(this.desk.selected);
        this.#toasts.show({ title: this.#lost(error), text: "It is not on your list any more.", fault: true, key: "lost" });
      } else if (/** @type {any} */ (error)?.status === 404) {
        await this.choose(null);
        this.#toasts.show({ title: "The conversation is not yours to see", text: "Somebody else looks after it.", fault: true, key: "lost" });
      } else {
        this.#toasts.fault(error, title);
      }
    }
    this.update();
  }

  /** @param {Lost} error */
  #lost({ to }) {
    return to && to !== this.desk.me ? `${this.name(to)} was faster and has taken it` : "Somebody else was faster and has taken it";
  }

  /** @param {{room: Room}} detail */
  #newVisitor({ room }) {
    const visitor = this.desk.visitorOf(room);
    this.#toasts.show({
      title: `${this.name(visitor)} is waiting`,
      text: room.name ?? undefined,
      face: avatar(visitor, { size: "small" }),
      key: `room:${room.id}`,
      open: () => void this.choose(room.id, { focus: true }),
    });
  }

  /** @param {{room: Room}} detail @param {string} how */
  #came({ room }, how) {
    if (room.id === this.desk.selected) return;
    const visitor = this.desk.visitorOf(room);
    this.#toasts.show({
      title: `${this.name(visitor)} ${how}`,
      text: room.name ?? undefined,
      face: avatar(visitor, { size: "small" }),
      key: `room:${room.id}`,
      open: () => void this.choose(room.id, { focus: true }),
    });
  }

  /** @param {{room?: Room, to: string|null}} detail */
  #gone({ to }) {
    address(this.desk.selected);
    this.update();
    if (this.handing?.busy || this.busy) return;
    this.handing = null;
    const title = to ? `${this.name(to)} looks after it now` : "It waits at the desk again";
    this.#toasts.show({ title, text: "The conversation has left your list.", key: "gone" });
  }

  /** @param {{room: Room|undefined, title: string, body: string}} detail */
  #notified({ room, title, body }) {
    if (!room || (room.id === this.desk.selected && !document.hidden)) return;
    const visitor = this.desk.visitorOf(room);
    this.#toasts.show({
      title: this.name(visitor) || title,
      text: body,
      face: avatar(visitor, { size: "small" }),
      key: `room:${room.id}`,
      open: () => void this.choose(room.id, { focus: true }),
    });
  }

  #focusTalk() {
    setTimeout(() => {
      const element = /** @type {any} */ (this.#home.querySelector("pg-talk"));
      const take = /** @type {HTMLElement|null} */ (this.#home.querySelector(".bar .primary"));
      if (take) take.focus();
      else if (element && !matchMedia("(pointer: coarse)").matches) element.focusComposer();
    });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== "Escape" || event.defaultPrevented || this.desk.selected === null || this.handing) return;
    const id = this.desk.selected;
    void this.choose(null);
    setTimeout(() => {
      const items = /** @type {HTMLElement[]} */ ([...this.#home.querySelectorAll(".item")]);
      (items.find((item) => item.dataset.room === id) ?? items[0])?.focus();
    });
  }
}

/** @returns {string|null} */
function roomInAddress() {
  return new URL(location.href).searchParams.get("room");
}

/** So that a reload, and the browser's own way back, find the same conversation. @param {string|null} id */
function address(id) {
  const url = new URL(location.href);
  if (url.searchParams.get("room") === id) return;
  if (id === null) url.searchParams.delete("room");
  else url.searchParams.set("room", id);
  history.pushState(null, "", url);
}
