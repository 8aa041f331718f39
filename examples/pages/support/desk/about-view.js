/** What is known of the visitor and of what the conversation is about. */

import { avatar } from "../../common/avatar.js";
import { icon } from "../../common/icons.js";
import { ago, fullTime } from "../../common/time.js";
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { lasting, madeAt, statusOf, waitingSince } from "../queue.js";

/** @typedef {import("./page.js").Page} Page */
/** @typedef {import("../../../../crates/web/client/pollgate.js").Room} Room */

/** @param {Page} page */
export function aboutVisitor(page) {
  const { desk } = page;
  const { room } = desk;
  if (!room) return nothing;
  const presence = desk.mine ? desk.gate.presence(desk.visitor) : undefined;
  return html`<aside class="about" aria-label="Visitor">
    <div class="about-top">
      <button type="button" class="icon-button about-back" aria-label="Back to the conversation" @click=${() => {
        page.about = false;
        page.update();
      }}>${icon("back")}</button>
      ${avatar(desk.visitor, { size: "large", online: presence?.online })}
      <h2>${page.name(desk.visitor)}</h2>
      <p class="quiet small">${presenceWords(presence)}</p>
    </div>
    ${room.context ? html`<section class="about-card"><h3>About</h3><p class="about-context">${icon("tag")}<span>${room.context.kind} <b>${room.context.id}</b></span></p></section>` : nothing}
    <dl class="facts">${facts(page, room)}</dl>
    ${earlier(page)}
  </aside>`;
}

/** @param {{online: boolean, since: string|null}|undefined} presence */
function presenceWords(presence) {
  if (!presence) return "Seen once you take the conversation";
  if (presence.online) return "Online now";
  return presence.since ? `Last seen ${ago(presence.since)}` : "Offline";
}

/** @param {Page} page @param {Room} room */
function facts(page, room) {
  const { desk, name } = page;
  const made = madeAt(room.id);
  const since = waitingSince(room, desk.me);
  const others = room.members.filter((user) => user !== desk.visitor && user !== room.assignee);
  /** @type {[string, unknown][]} */
  const all = [
    ["Status", html`<span class="state" data-state=${statusOf(room)}>${statusOf(room)}</span>`],
    ["Desk", room.category],
    ["Looked after by", room.assignee ? (room.assignee === desk.me ? "You" : name(room.assignee)) : "Nobody yet"],
    ...(others.length > 0 ? [/** @type {[string, unknown]} */ (["Also here", others.map(name).join(", ")])] : []),
    ["Waiting", since === null ? "No" : lasting(Date.now() - since)],
    ["Begun", made === null ? "Unknown" : html`<time datetime=${new Date(made).toISOString()} title=${fullTime(made)}>${ago(made)}</time>`],
    ["Messages", String(room.last_seq)],
  ];
  return all.map(([label, value]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`);
}

/** @param {Page} page */
function earlier(page) {
  const rooms = page.desk.earlier();
  if (rooms.length === 0) return nothing;
  return html`<section class="about-card"><h3>Other conversations</h3>
    <ul>${rooms.map((room) => html`<li><button type="button" class="other" data-room=${room.id} @click=${() => page.choose(room.id, { focus: true })}>
      <span class="cut">${room.name ?? (room.last_message?.text || "Conversation")}</span>
      <span class="quiet small">${statusOf(room)}, ${ago(room.updated_at)}</span>
    </button></li>`)}</ul>
  </section>`;
}
