/** The open conversation, and what an agent does with it. */

import { avatar } from "../../common/avatar.js";
import { icon } from "../../common/icons.js";
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { inWords } from "../lines.js";
import { STATUSES, statusOf } from "../queue.js";

/** @typedef {import("./page.js").Page} Page */
/** @typedef {import("../../../../crates/web/client/pollgate.js").Room} Room */

const STATUS_NAMES = { open: "Open", pending: "Pending", closed: "Closed" };

/** @param {Page} page */
export function talk(page) {
  const { desk } = page;
  const room = desk.room;
  if (desk.selected === null || !room || !desk.conversation) {
    return html`<main class="talk" aria-label="Conversation">${desk.selected === null ? none() : html`<div class="nobody"><span class="spinner" role="status" aria-label="Reading"></span></div>`}</main>`;
  }
  const { mine } = desk;
  const closed = statusOf(room) === "closed";
  const visitor = page.name(desk.visitor);
  const notes = desk.lines().map((line) => ({ key: line.id, at: line.at, text: inWords(line, { me: desk.me, name: page.name, agent: true }) }));
  return html`<main class="talk" aria-label="Conversation" data-room=${room.id} data-status=${statusOf(room)} data-assignee=${room.assignee ?? ""}>
    ${head(page, room, visitor)}
    <pg-talk .gate=${desk.gate} .conversation=${desk.conversation} .me=${desk.me} .label=${`Conversation with ${visitor}`}
      .inputLabel=${"Write an answer"} .placeholder=${`Answer ${visitor}`} .nameOf=${page.name} .notes=${notes} .direct=${room.members.length <= 2}
      .readonly=${!mine || closed}></pg-talk>
    ${mine && !closed ? nothing : bar(page, room, visitor)}
  </main>`;
}

function none() {
  return html`<div class="nobody">
    <span class="nobody-mark" aria-hidden="true">${icon("headset")}</span>
    <h2>Choose a conversation</h2>
    <p>Take somebody from the queue. Whoever you take is yours alone until you hand over or give back.</p>
  </div>`;
}

/** @param {Page} page @param {Room} room @param {string} visitor */
function head(page, room, visitor) {
  const { desk } = page;
  const online = desk.mine ? desk.gate.presence(desk.visitor)?.online : undefined;
  return html`<header class="talk-head">
    <button type="button" class="icon-button talk-back" aria-label="Back to the queue" @click=${() => page.choose(null)}>${icon("back")}</button>
    ${avatar(desk.visitor, { online })}
    <div class="talk-who">
      <h2 class="cut">${visitor}</h2>
      <p class="cut quiet small">${room.name ?? (online ? "Online" : room.category)}</p>
    </div>
    ${desk.mine ? actions(page, room) : nothing}
    <button type="button" class="icon-button talk-about" aria-label="About the visitor" aria-expanded=${String(page.about)} @click=${() => {
      page.about = !page.about;
      page.update();
    }}>${icon("info")}</button>
  </header>`;
}

/** @param {Page} page @param {Room} room */
function actions(page, room) {
  return html`<div class="talk-actions">
    <div class="segments" role="radiogroup" aria-label="Set status" @keydown=${segmentKeys}>
      ${STATUSES.map((status) => {
        const on = statusOf(room) === status;
        return html`<button type="button" role="radio" aria-checked=${String(on)} tabindex=${on ? "0" : "-1"} data-set-status=${status}
          ?disabled=${page.busy} @click=${() => page.setStatus(status)}>${STATUS_NAMES[status]}</button>`;
      })}
    </div>
    <button type="button" class="button compact" aria-label="Hand over" title="Hand over" ?disabled=${page.busy} @click=${() => {
      page.openHandOver();
    }}>${icon("person-plus")}<span class="button-words">Hand over</span></button>
    <button type="button" class="button compact" aria-label="Give back" title="Give back to the queue" ?disabled=${page.busy} @click=${() => page.giveBack()}>${icon("reply")}<span class="button-words">Give back</span></button>
  </div>`;
}

/** Arrows go round in a group of radios, and do not choose by themselves: a status is seen by the visitor. @param {KeyboardEvent} event */
function segmentKeys(event) {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const group = /** @type {HTMLElement} */ (event.currentTarget);
  const all = /** @type {HTMLElement[]} */ ([...group.querySelectorAll("button")]);
  const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  all[(at + step + all.length) % all.length]?.focus();
}

/** What stands where one writes, when one may not. @param {Page} page @param {Room} room @param {string} visitor */
function bar(page, room, visitor) {
  const { desk } = page;
  if (desk.mine) {
    return html`<div class="bar"><p>This conversation is closed.</p>
      <button type="button" class="button primary" ?disabled=${page.busy} @click=${() => page.setStatus("open")}>Reopen</button></div>`;
  }
  if (room.assignee === null) {
    const words = statusOf(room) === "closed" ? `${visitor} has closed it. Taking it opens it again.` : `${visitor} is waiting. Take the conversation to answer.`;
    return html`<div class="bar"><p>${words}</p>
      <button type="button" class="button primary" ?disabled=${page.busy} @click=${() => page.take(room.id)}>Take</button></div>`;
  }
  return html`<div class="bar"><p>${page.name(room.assignee)} looks after this conversation.</p></div>`;
}
