/** The list of conversations: whose, in which state, who waits how long. */

import { avatar } from "../../common/avatar.js";
import { icon } from "../../common/icons.js";
import { shortTime } from "../../common/time.js";
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { repeat } from "../../vendor/lit-html/directives/repeat.js";
import { lasting, statusOf, waitingSince } from "../queue.js";

/** @typedef {import("./page.js").Page} Page */
/** @typedef {import("../../../../crates/web/client/pollgate.js").Room} Room */

const LONG_MS = 5 * 60_000;
const TOO_LONG_MS = 15 * 60_000;
/** @type {[""|"open"|"pending"|"closed", string][]} */
const STATUS_NAMES = [["open", "Open"], ["pending", "Pending"], ["closed", "Closed"], ["", "All"]];

/** @param {Page} page */
export function queue(page) {
  const { desk } = page;
  return html`<nav class="queue" aria-label="Queue">
    <div class="queue-head">
      <div class="whose" role="group" aria-label="Whose">${whose(page, "waiting", "Waiting")}${whose(page, "mine", "Mine")}</div>
      <div class="statuses" role="group" aria-label="Status">${STATUS_NAMES.map(([status, label]) => chip(page, status, label))}</div>
      ${desk.desks.length > 1 ? desks(page) : nothing}
    </div>
    ${desk.phase === "connecting" ? waiting() : items(page)}
  </nav>`;
}

/** @param {Page} page @param {"waiting"|"mine"} who @param {string} label */
function whose(page, who, label) {
  const { desk } = page;
  const { view } = desk;
  const count = desk.count({ who, status: "open", desk: view.desk });
  const pressing = desk.pressing();
  const presses = who === "waiting" ? pressing.waiting > 0 : pressing.unread > 0;
  return html`<button type="button" data-who=${who} aria-pressed=${String(view.who === who)} @click=${() => page.look({ who, status: "open" })}>
    ${label}<span class="count" data-presses=${String(presses)}>${count}</span>
  </button>`;
}

/** @param {Page} page @param {""|"open"|"pending"|"closed"} status @param {string} label */
function chip(page, status, label) {
  const { desk } = page;
  const pending = desk.view.who === "mine" && status === "pending" ? desk.list({ ...desk.view, status }).length : 0;
  return html`<button type="button" data-status=${status || "all"} aria-pressed=${String(desk.view.status === status)}
    @click=${() => page.look({ status })}>${label}${pending > 0 ? html` <span class="chip-count">${pending}</span>` : nothing}</button>`;
}

/** @param {Page} page */
function desks(page) {
  const { desk } = page;
  return html`<label class="desk-choice"><span class="unseen">Desk</span>
    <select class="input" @change=${(/** @type {any} */ event) => page.look({ desk: event.target.value })}>
      <option value="" .selected=${desk.view.desk === ""}>Every desk</option>
      ${desk.desks.map((name) => html`<option value=${name} .selected=${desk.view.desk === name}>${name}</option>`)}
    </select>
  </label>`;
}

function waiting() {
  return html`<ul class="items" aria-hidden="true">${[1, 2, 3, 4].map(() => html`<li class="ghost"><span></span><span></span></li>`)}</ul>
    <p class="unseen" role="status">The queue is being read</p>`;
}

/** @param {Page} page */
function items(page) {
  const { desk } = page;
  const rooms = desk.list();
  if (rooms.length === 0) return empty(page);
  const current = rooms.some((room) => room.id === desk.selected) ? desk.selected : rooms[0].id;
  return html`<ul class="items" aria-label="Conversations" @keydown=${(/** @type {KeyboardEvent} */ event) => move(page, event)}>
      ${repeat(rooms, (room) => room.id, (room) => html`<li data-room=${room.id}>${item(page, room, room.id === current)}</li>`)}
      ${desk.hasMore() ? html`<li class="more"><button type="button" class="button" @click=${() => desk.more()}>Show more</button></li>` : nothing}
    </ul>
    <p class="keys" aria-hidden="true"><kbd>↑</kbd><kbd>↓</kbd> move <kbd>Enter</kbd> open <kbd>T</kbd> take</p>`;
}

/** @param {Page} page */
function empty(page) {
  const { who, status } = page.desk.view;
  const calm = who === "waiting" && status === "open";
  return html`<div class="nobody">
    <span class="nobody-mark" aria-hidden="true">${icon(calm ? "check" : "chat")}</span>
    <h2>${calm ? "Nobody is waiting" : "Nothing here"}</h2>
    <p>${calm ? "New visitors appear here by themselves." : who === "mine" ? "Conversations that you take appear here." : "No conversation of this kind."}</p>
  </div>`;
}

/** @param {Page} page @param {Room} room @param {boolean} reachable by Tab: one of the list is, the arrows reach the others */
function item(page, room, reachable) {
  const { desk } = page;
  const visitor = desk.visitorOf(room);
  const name = page.name(visitor);
  const last = room.last_message;
  const subject = room.name ?? (last?.text || "New conversation");
  const unread = room.assignee === desk.me ? room.unread : 0;
  return html`<button type="button" class="item" data-room=${room.id} data-unread=${String(unread > 0)}
      aria-current=${room.id === desk.selected ? "true" : nothing} aria-keyshortcuts=${room.assignee === null ? "t" : nothing}
      tabindex=${reachable ? "0" : "-1"} @click=${() => page.choose(room.id, { focus: true })}>
    ${avatar(visitor, { online: room.assignee === desk.me ? desk.gate.presence(visitor)?.online : undefined })}
    <span class="item-words">
      <span class="item-line"><span class="item-name cut">${name}</span>${when(room, desk.me)}</span>
      <span class="item-subject cut">${subject}</span>
      <span class="item-line"><span class="item-last cut">${said(page, room, subject)}</span>
        ${unread > 0 ? html`<span class="badge" aria-label="${unread} unread">${unread}</span>` : nothing}
        ${desk.view.status === "" ? html`<span class="state" data-state=${statusOf(room)}>${statusOf(room)}</span>` : nothing}
      </span>
      ${room.context ? html`<span class="item-about cut">${icon("tag")}${room.context.kind} ${room.context.id}</span>` : nothing}
    </span>
  </button>`;
}

/** The last word; the first one is the subject already. @param {Page} page @param {Room} room @param {string} subject */
function said({ desk, name }, room, subject) {
  const last = room.last_message;
  if (!last) return "Is writing the first message";
  if (last.seq === 1 && last.text.trimStart().startsWith(subject.replace(/…$/, ""))) return "1 message";
  const who = last.sender === desk.me ? "You: " : last.sender === desk.visitorOf(room) ? "" : `${name(last.sender)}: `;
  return `${who}${last.text || "A file"}`;
}

/** @param {Room} room @param {string} me */
function when(room, me) {
  const since = waitingSince(room, me);
  if (since === null) return html`<time class="item-time" datetime=${room.updated_at}>${shortTime(room.last_message?.created_at ?? room.updated_at)}</time>`;
  const ms = Date.now() - since;
  const level = ms >= TOO_LONG_MS ? "too-long" : ms >= LONG_MS ? "long" : "short";
  return html`<span class="item-wait" data-level=${level}><span class="unseen">waiting </span>${icon("clock")}${lasting(ms)}</span>`;
}

/** Arrows go up and down the list; T takes what has the focus. @param {Page} page @param {KeyboardEvent} event */
function move(page, event) {
  const list = /** @type {HTMLElement} */ (event.currentTarget);
  const all = /** @type {HTMLElement[]} */ ([...list.querySelectorAll(".item")]);
  const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
  const goals = new Map([["ArrowDown", at + 1], ["ArrowUp", at - 1], ["Home", 0], ["End", all.length - 1]]);
  const goal = goals.get(event.key);
  if (goal !== undefined) {
    event.preventDefault();
    all[Math.min(Math.max(goal, 0), all.length - 1)]?.focus();
  } else if (event.key.toLowerCase() === "t" && page.desk.view.who === "waiting") {
    event.preventDefault();
    void page.take(all[at].dataset.room ?? "");
  }
}
