/** What the widget looks like: templates of the button, the panel and what the panel holds. */

import { avatar } from "../../common/avatar.js";
import { icon } from "../../common/icons.js";
import { nameOf } from "../../common/names.js";
import { ago } from "../../common/time.js";
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { repeat } from "../../vendor/lit-html/directives/repeat.js";
import { inWords } from "../lines.js";

/** @typedef {import("./element.js").SupportWidget} Widget */
/** @typedef {import("../../../../crates/web/client/pollgate.js").Room} Room */

/** @param {Widget} widget @param {{phone: boolean}} how */
export function frame(widget, { phone }) {
  return html`${launcher(widget)}${widget.open ? panel(widget, phone) : nothing}`;
}

/** @param {Widget} widget */
function launcher(widget) {
  const { open, visitor, options } = widget;
  const unread = open ? 0 : visitor.unread;
  const name = open ? "Close chat" : `Open chat: ${options.title}${unread > 0 ? `, ${unread} unread` : ""}`;
  return html`<button type="button" class="launcher" aria-label=${name} aria-expanded=${String(open)}
      aria-haspopup="dialog" tabindex=${open ? "-1" : "0"} @click=${() => (open ? widget.hide() : widget.show())}>
    <span class="launcher-face" data-shown=${String(!open)}>${icon("chat")}</span>
    <span class="launcher-face" data-shown=${String(open)}>${icon("chevron")}</span>
    ${unread > 0 ? html`<span class="launcher-badge" aria-hidden="true">${unread > 99 ? "99+" : unread}</span>` : nothing}
  </button>
  <span class="unseen" role="status">${unread > 0 ? `${options.title}: ${unread === 1 ? "1 new message" : `${unread} new messages`}` : nothing}</span>`;
}

/** @param {Widget} widget @param {boolean} phone */
function panel(widget, phone) {
  return html`<section class="panel" role="dialog" aria-label=${widget.options.title} aria-modal=${phone ? "true" : nothing} tabindex="-1">
    ${head(widget)}${troubles(widget)}
    <div class="panel-body">${body(widget)}</div>
  </section>`;
}

/** @param {Widget} widget */
function head(widget) {
  const { visitor, options, listing } = widget;
  const agent = listing ? null : visitor.agent;
  const name = agent ? called(widget)(agent) : options.title;
  const talks = visitor.phase === "ready" && !listing;
  const canEnd = talks && visitor.room && visitor.room.status !== "closed";
  const back = listing || (talks && visitor.rooms().length > 0);
  return html`<header class="head">
    ${back
      ? html`<button type="button" class="icon-button" aria-label=${listing ? "Back to the conversation" : "Previous conversations"}
          @click=${() => widget.list(!listing)}>${icon("back")}</button>`
      : nothing}
    ${agent
      ? avatar(agent, { online: visitor.agentOnline, title: name })
      : back
        ? nothing
        : html`<span class="head-mark" aria-hidden="true">${icon("headset")}</span>`}
    <div class="head-words">
      <h2 class="cut">${listing ? "Your conversations" : name}</h2>
      <p class="cut">${subtitle(widget)}</p>
    </div>
    ${canEnd
      ? html`<button type="button" class="icon-button" aria-label="End conversation" title="End conversation"
          @click=${() => widget.act(() => visitor.end(), "The conversation could not be ended")}>${icon("check")}</button>`
      : nothing}
    <button type="button" class="icon-button" aria-label="Close chat" title="Close chat" @click=${() => widget.hide()}>${icon("close")}</button>
  </header>`;
}

/** @param {Widget} widget */
function subtitle({ visitor, options, listing }) {
  if (listing) return options.title;
  if (visitor.phase === "connecting") return "Connecting…";
  const { room, agent } = visitor;
  if (room?.status === "closed") return "This conversation is closed";
  if (agent) return visitor.agentOnline ? "Online, looking after you" : "Looking after you";
  if (room) return "Somebody will be with you soon";
  return "We answer as soon as we can";
}

/** What stands between the visitor and the desk. @param {Widget} widget */
function troubles(widget) {
  const words = widget.fault || trouble(widget);
  return html`<div class="trouble" role="status" data-shown=${String(words !== "")}>${words ? html`${icon("alert")}<span>${words}</span>` : nothing}</div>`;
}

/** @param {Widget} widget */
function trouble({ visitor }) {
  if (visitor.phase !== "ready") return "";
  const { state } = visitor.gate?.connectionInfo() ?? {};
  if (state === "offline") return "You are offline. What you write is sent when you are back.";
  if (state === "waiting") return "The connection was lost. Trying again.";
  if (state === "refused") return "The chat cannot be used at the moment.";
  return "";
}

/** @param {Widget} widget */
function body(widget) {
  const { visitor } = widget;
  if (visitor.phase === "signed-out") {
    return notice("You are signed out", "Reload the page to go on with the conversation.", "Reload", () => location.reload());
  }
  if (visitor.phase === "failed" && !visitor.conversation) {
    return notice("The chat cannot be reached", "Check your connection, or try again in a moment.", "Try again", () => void visitor.wake());
  }
  if (widget.listing) return rooms(widget);
  if (!visitor.conversation) return html`<div class="middle"><span class="spinner" role="status" aria-label="Connecting"></span></div>`;
  return talk(widget);
}

/** @param {string} title @param {string} text @param {string} label @param {() => void} act */
function notice(title, text, label, act) {
  return html`<div class="middle" role="alert">
    <h3>${title}</h3><p class="quiet">${text}</p>
    <button type="button" class="button primary" @click=${act}>${label}</button>
  </div>`;
}

/** @param {Widget} widget */
function talk(widget) {
  const { visitor, options } = widget;
  const closed = visitor.room?.status === "closed";
  const name = called(widget);
  const notes = visitor.lines().map((line) => ({ key: line.id, at: line.at, text: inWords(line, { me: visitor.user, name }) }));
  return html`<pg-talk .gate=${visitor.gate} .conversation=${visitor.conversation} .me=${visitor.user} .label=${"Messages"}
      .inputLabel=${"Write a message"} .placeholder=${"Write a message"} .nameOf=${name} .notes=${notes} .direct=${false}
      .readonly=${closed} .empty=${greeting(options)}></pg-talk>
    ${closed ? closing(widget) : nothing}`;
}

/** @param {import("./options.js").WidgetOptions} options */
function greeting({ title, greeting: words, context }) {
  return html`<div class="greeting">
    <span class="greeting-mark" aria-hidden="true">${icon("headset")}</span>
    <h3>${title}</h3>
    <p>${words}</p>
    ${context ? html`<p class="about">${icon("tag")}<span>About ${about(context)}</span></p>` : nothing}
  </div>`;
}

/** @param {{kind: string, id: string}} context */
export function about({ kind, id }) {
  return `${kind} ${id}`;
}

/** @param {Widget} widget */
function closing(widget) {
  const { visitor } = widget;
  return html`<div class="closing">
    <p>This conversation is closed.</p>
    <div class="closing-buttons">
      <button type="button" class="button" @click=${() => widget.act(() => visitor.reopen(), "The conversation could not be opened again")}>Open again</button>
      <button type="button" class="button primary" @click=${() => widget.choose(null)}>New conversation</button>
    </div>
  </div>`;
}

/** @param {Widget} widget */
function rooms(widget) {
  const { visitor } = widget;
  return html`<div class="rooms">
    <ul aria-label="Conversations">${repeat(visitor.rooms(), (room) => room.id, (room) => html`<li>${item(widget, room)}</li>`)}</ul>
    <button type="button" class="button primary" @click=${() => widget.choose(null)}>${icon("plus")} New conversation</button>
  </div>`;
}

/** @param {Widget} widget @param {Room} room */
function item(widget, room) {
  const last = room.last_message;
  const closed = room.status === "closed";
  return html`<button type="button" class="room" data-room=${room.id} @click=${() => widget.choose(room.id)}>
    <span class="room-words">
      <span class="room-name cut">${room.name ?? "Conversation"}</span>
      <span class="room-last cut">${last ? `${last.sender === widget.visitor.user ? "You: " : ""}${last.text || "A file"}` : "No message yet"}</span>
    </span>
    <span class="room-side">
      <time datetime=${room.updated_at}>${ago(room.updated_at)}</time>
      ${room.unread > 0 ? html`<span class="badge" aria-label="${room.unread} unread">${room.unread}</span>` : nothing}
      ${closed ? html`<span class="room-state">Closed</span>` : nothing}
    </span>
  </button>`;
}

/** The shop's names for people go before what their ids read like. @param {Widget} widget */
function called({ visitor }) {
  return (/** @type {string} */ user) => visitor.names[user] ?? nameOf(user);
}
