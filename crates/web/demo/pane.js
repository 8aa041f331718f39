/** One person's half of the page: a poll loop, a conversation, and the elements that show them. */

import { Refusal, history, send } from "./api.js";
import { Conversation } from "./conversation.js";
import { PollLoop } from "./loop.js";

const MOST_TIMES = 200;
const NEAR_END_PX = 60;
const MOST_PAGES = 5;

const STATES = {
  idle: "Not connected",
  connecting: "Connecting",
  live: "Live",
  waiting: "Reconnecting",
  superseded: "Open elsewhere",
  "signed-out": "Signed out",
  refused: "Refused",
};

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

/** A name for this tab's mailbox, kept over a reload. */
function session(user, fresh = false) {
  const key = `pollgate-demo-session-${user}`;
  const kept = fresh ? null : sessionStorage.getItem(key);
  const name = kept ?? `demo-${crypto.randomUUID()}`;
  sessionStorage.setItem(key, name);
  return name;
}

export class Pane {
  #loop;
  #polls = 0;
  #events = 0;
  #ways = new Map();
  #follows = true;

  /** @param {{user: string, token: string, other: string, sentAt: Map<string, number>}} options */
  constructor({ user, token, other, sentAt }) {
    Object.assign(this, { user, token, other, sentAt });
    this.conversation = new Conversation(user, other);
    this.conversation.room = sessionStorage.getItem(this.#roomKey);
    this.element = document.getElementById("pane").content.firstElementChild.cloneNode(true);
    this.#label();
    this.#listen();
    this.#makeLoop();
  }

  /** Shows what was said before, then keeps polling. */
  open() {
    this.#reload().catch(() => {}); // the loop says what is wrong, and resyncs when it must
    this.#loop.start();
  }

  close() {
    this.#loop.stop();
  }

  wake() {
    this.#loop.wake();
  }

  get #roomKey() {
    return `pollgate-demo-room-${this.user}-${this.other}`;
  }

  #find(name) {
    return this.element.querySelector(`.${name}`);
  }

  #label() {
    const id = `text-${this.user}`;
    this.element.dataset.user = this.user;
    this.element.setAttribute("aria-label", `${this.user}’s side`);
    this.#find("name").textContent = this.user;
    this.#find("avatar").textContent = [...this.user][0].toUpperCase();
    this.#find("scroll").setAttribute("aria-label", `Messages of ${this.user}`);
    this.#find("hidden-label").textContent = `Message from ${this.user} to ${this.other}`;
    this.#find("hidden-label").htmlFor = id;
    this.#find("text").id = id;
    this.#find("text").placeholder = `Message ${this.other}`;
    this.#showState({ name: "idle" });
    this.#showFacts();
  }

  #listen() {
    this.#find("compose").addEventListener("submit", (submit) => {
      submit.preventDefault();
      const input = this.#find("text");
      const body = input.value.trim();
      if (!body) return;
      input.value = "";
      const clientId = crypto.randomUUID();
      this.conversation.sending(clientId, body);
      this.#send(clientId, body);
    });
    this.#find("messages").addEventListener("click", (click) => {
      if (!click.target.matches(".retry")) return;
      const entry = this.conversation.retrying(click.target.closest("li").dataset.key);
      if (entry) this.#send(entry.clientId, entry.body);
      this.#find("text").focus();
    });
    this.#find("resume").addEventListener("click", () => {
      this.#makeLoop(true);
      this.open();
    });
    this.#followTheEnd();
  }

  /** Whoever reads the end goes on seeing it, also when a keyboard takes half the screen. */
  #followTheEnd() {
    const scroll = this.#find("scroll");
    scroll.addEventListener("scroll", () => {
      this.#follows = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_END_PX;
    });
    new ResizeObserver(() => this.#showEnd()).observe(scroll);
  }

  #showEnd() {
    const scroll = this.#find("scroll");
    if (this.#follows) scroll.scrollTop = scroll.scrollHeight;
  }

  #makeLoop(fresh = false) {
    this.#loop = new PollLoop({
      token: this.token,
      session: session(this.user, fresh),
      onEvent: (event) => this.#take(event),
      onResync: () => this.#reload(),
      onState: (state) => this.#showState(state),
      onAnswer: ({ events }) => {
        this.#polls += 1;
        this.#events += events;
        this.#showFacts();
      },
    });
  }

  async #send(clientId, body) {
    this.#render(true);
    this.#noteSent(clientId);
    try {
      this.#accept(await send(this.token, { to: this.other, body, client_id: clientId }));
    } catch (error) {
      const reason = error instanceof Refusal ? error.message : "The gateway cannot be reached";
      this.conversation.failed(clientId, reason);
    }
    this.#render();
  }

  #noteSent(clientId) {
    this.sentAt.set(clientId, performance.now());
    if (this.sentAt.size > MOST_TIMES) this.sentAt.delete(this.sentAt.keys().next().value);
  }

  #take(event) {
    if (event.type === "room.created") this.conversation.created(event.data);
    if (event.type !== "message.created") return;
    this.#time(event.data);
    this.#accept(event.data);
    this.#render();
    if (this.conversation.hole() !== null) this.#fillHoles().catch(() => {}); // the next event tries again
  }

  #accept(message) {
    this.conversation.accepted(message);
    if (this.conversation.room) sessionStorage.setItem(this.#roomKey, this.conversation.room);
  }

  /** How long the message took from the other pane's send to this pane's poll. */
  #time(message) {
    const began = this.sentAt.get(message.client_id);
    if (began === undefined || message.sender === this.user) return;
    this.#ways.set(message.id, Math.max(1, Math.round(performance.now() - began)));
    if (this.#ways.size > MOST_TIMES) this.#ways.delete(this.#ways.keys().next().value);
  }

  async #reload() {
    const { room } = this.conversation;
    if (!room) return;
    for (const message of await history(this.token, room)) this.#accept(message);
    await this.#fillHoles();
    this.#render();
  }

  /** `seq` has no holes: one that shows means that messages are still to be fetched. */
  async #fillHoles() {
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const missing = this.conversation.hole();
      if (missing === null) break;
      const messages = await history(this.token, this.conversation.room, missing - 1);
      messages.forEach((message) => this.#accept(message));
    }
    this.#render();
  }

  #showState({ name, retryInMs, reason }) {
    const state = this.#find("state");
    state.dataset.state = name;
    state.title = reason ?? "";
    const wait = retryInMs === undefined ? "" : ` in ${Math.max(1, Math.round(retryInMs / 1000))} s`;
    const text = STATES[name] + wait;
    const shown = this.#find("state-text");
    if (shown.textContent !== text) shown.textContent = text; // a live region speaks at every change
    this.#find("resume").hidden = name !== "superseded";
  }

  #showFacts() {
    const count = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
    this.#find("facts").textContent = `${count(this.#polls, "poll")} · ${count(this.#events, "event")}`;
  }

  #render(toEnd = false) {
    const list = this.#find("messages");
    if (toEnd) this.#follows = true;
    const shown = new Map([...list.children].map((item) => [item.dataset.key, item]));
    const entries = this.conversation.entries();
    entries.forEach((entry, at) => {
      const item = shown.get(entry.key) ?? this.#newItem(entry);
      shown.delete(entry.key);
      this.#fill(item, entry);
      // Moving an element makes a screen reader speak it again: only what is out of place moves.
      if (list.children[at] !== item) list.insertBefore(item, list.children[at] ?? null);
    });
    shown.forEach((item) => item.remove());
    this.#find("empty").hidden = entries.length > 0;
    this.#showEnd();
  }

  #newItem(entry) {
    const item = document.getElementById("message").content.firstElementChild.cloneNode(true);
    item.dataset.key = entry.key;
    item.classList.toggle("mine", entry.sender === this.user);
    item.querySelector(".body").textContent = entry.body;
    return item;
  }

  #fill(item, entry) {
    item.dataset.state = entry.state;
    item.querySelector(".retry").hidden = entry.state !== "failed";
    const way = this.#ways.get(entry.key);
    const notes = {
      sending: "Sending",
      failed: `Not sent: ${entry.reason}.`,
      sent: clock.format(new Date(entry.at)) + (way ? ` · ${way} ms after sending` : ""),
    };
    const note = item.querySelector(".note");
    if (note.textContent !== notes[entry.state]) note.textContent = notes[entry.state];
  }
}
