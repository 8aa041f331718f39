/** What a room is: its name, who is in it, and what may be done about that. */

import { html, nothing } from "../vendor/lit-html/lit-html.js";

import { avatar } from "../common/avatar.js";
import { icon } from "../common/icons.js";
import { nameOf } from "../common/names.js";
import { inWords } from "../common/toasts.js";
import { openDialog, people, userFault } from "./dialogs.js";
import { otherOf, presenceWords, titleOf } from "./room-words.js";

/**
 * @param {HTMLElement} parent @param {any} gate @param {string} id @param {string} me @param {string[]} known
 * @returns {Promise<string>} `left`, `write:USER`, or empty
 */
export async function detailsDialog(parent, gate, id, me, known) {
  const ended = new AbortController();
  try {
    return await openDialog(parent, "Room details", ({ draw, close }) => {
      const state = { fault: "", typed: "", leaving: false, busy: false };
      const act = async (/** @type {() => Promise<unknown>} */ work, /** @type {string} */ forbidden) => {
        Object.assign(state, { fault: "", busy: true });
        draw();
        try {
          await work();
          state.busy = false;
          draw();
          return true;
        } catch (error) {
          const { code } = /** @type {any} */ (error);
          Object.assign(state, { busy: false, fault: code === "forbidden" ? forbidden : inWords(error) });
          draw();
          return false;
        }
      };
      for (const name of ["rooms", "room", "presence"]) gate.addEventListener(name, draw, { signal: ended.signal });
      const members = gate.room(id)?.members ?? [];
      if (members.length > 0) gate.loadPresence(members.slice(0, 100)).then(draw, () => {});
      const tools = { gate, me, known, state, draw, close, act };
      return () => {
        const room = gate.room(id);
        if (!room) return html`<div class="dialog-body"><p>This room is not there any more.</p></div>`;
        return room.kind === "direct" ? direct(room, tools) : group(room, tools);
      };
    });
  } finally {
    ended.abort();
  }
}

/** @typedef {{gate: any, me: string, known: string[], state: {fault: string, typed: string, leaving: boolean, busy: boolean}, draw: () => void, close: (value?: string) => void, act: (work: () => Promise<unknown>, forbidden: string) => Promise<boolean>}} Tools */

/** @param {any} room @param {Tools} tools */
function direct(room, { gate, me }) {
  const other = otherOf(room, me) ?? me;
  const presence = other === me ? undefined : gate.presence(other);
  return html`<div class="dialog-body portrait">${avatar(other, { size: "large", online: presence?.online })}
    <p class="portrait-name">${titleOf(room, me)}</p><p class="quiet">${presenceWords(presence)}</p>
    <p class="quiet small">User <code>${other}</code> · ${room.last_seq ?? 0} messages</p></div>`;
}

/** @param {any} room @param {Tools} tools */
function group(room, tools) {
  const { gate, me, state, draw, close, act } = tools;
  const rename = (/** @type {any} */ event) => {
    event.preventDefault();
    const name = String(new FormData(event.target).get("name")).trim();
    if (name !== (room.name ?? "")) act(() => gate.changeRoom(room.id, { name: name || null }), "You may not rename this group.");
  };
  const leave = async () => {
    if (await act(() => gate.removeMember(room.id, me), "You may not leave this group.")) close("left");
  };
  return html`<div class="dialog-body">
      <form class="field" @submit=${rename}><label for="room-name">Group name</label>
        <div class="beside"><input class="input" id="room-name" name="name" data-first maxlength="256" autocomplete="off" .value=${room.name ?? ""} placeholder=${titleOf(room, me)}>
        <button type="submit" class="button" ?disabled=${state.busy}>Rename</button></div></form>
      <p class="fault" role="alert">${state.fault}</p>
      ${people(room.members, `${room.members.length} ${room.members.length === 1 ? "member" : "members"}`, (user) => member(user, room, tools))}
      ${adding(room, tools)}
    </div>
    <div class="dialog-foot">${state.leaving
      ? html`<span class="leave-sure">Leave this group?</span><button type="button" class="button" @click=${() => { state.leaving = false; draw(); }}>Stay</button>
          <button type="button" class="button danger" ?disabled=${state.busy} @click=${leave}>Leave</button>`
      : html`<button type="button" class="button danger" @click=${() => { state.leaving = true; draw(); }}>${icon("door")} Leave group</button>`}</div>`;
}

/** @param {string} user @param {any} room @param {Tools} tools */
function member(user, room, { gate, me, close, act }) {
  const presence = gate.presence(user);
  const remove = () => act(() => gate.removeMember(room.id, user), "Only who made the group may send somebody away.");
  return html`<div class="person">${avatar(user, { size: "small", online: user === me ? undefined : presence?.online })}
    <span class="person-words"><span class="cut">${nameOf(user)}${user === me ? " (you)" : ""}</span>${user === me ? nothing : html`<span class="quiet small cut">${presenceWords(presence)}</span>`}</span>
    ${user === me ? nothing : html`<button type="button" class="icon-button" aria-label=${`Write to ${nameOf(user)}`} title="Write to them" @click=${() => close(`write:${user}`)}>${icon("chat")}</button>
      <button type="button" class="icon-button" aria-label=${`Remove ${nameOf(user)}`} title="Send away" @click=${remove}>${icon("close")}</button>`}</div>`;
}

/** @param {any} room @param {Tools} tools */
function adding(room, { gate, known, state, draw, act }) {
  const add = (/** @type {string} */ user) => {
    state.fault = userFault(user);
    if (state.fault) return draw();
    state.typed = "";
    return act(() => gate.addMember(room.id, user), "You may not bring somebody in.");
  };
  const typed = state.typed.trim().toLowerCase();
  const found = known.filter((user) => !room.members.includes(user) && user.toLowerCase().includes(typed)).slice(0, 6);
  return html`<form class="field" @submit=${(/** @type {Event} */ event) => { event.preventDefault(); add(state.typed.trim()); }}>
    <label for="add-member">Add a member</label>
    <div class="beside"><input class="input" id="add-member" autocomplete="off" autocapitalize="none" spellcheck="false" placeholder="A user's name" .value=${state.typed}
      @input=${(/** @type {any} */ { target }) => { state.typed = target.value; draw(); }}><button type="submit" class="button" ?disabled=${state.busy}>Add</button></div>
    ${found.length > 0 ? html`<ul class="chips">${found.map((user) => html`<li><button type="button" class="chip" @click=${() => add(user)}>${avatar(user, { size: "tiny" })}<span class="unseen">Add </span>${nameOf(user)} ${icon("plus")}</button></li>`)}</ul>` : nothing}
  </form>`;
}
