/** Dialogs that begin something: a message to somebody, a group; and the list of keys. */

import { html, nothing, render } from "../vendor/lit-html/lit-html.js";

import { avatar } from "../common/avatar.js";
import { icon } from "../common/icons.js";
import { nameOf } from "../common/names.js";
import { isMac } from "./room-list.js";
import { SHORTCUTS } from "./shortcuts.js";

const LONGEST_USER = 128;
const LONGEST_NAME = 256;

/**
 * A dialog that draws itself anew as often as it needs.
 * @param {HTMLElement} parent @param {string} title
 * @param {(tools: {draw: () => void, close: (value?: string) => void}) => () => unknown} make gives the template of its body and foot
 * @returns {Promise<string>} what it was closed with; empty when it was left
 */
export function openDialog(parent, title, make) {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-label", title);
  const close = (value = "") => dialog.close(value);
  const draw = () => dialog.isConnected && render(
    html`<div class="dialog-head"><h2>${title}</h2><button type="button" class="icon-button" aria-label="Close" @click=${() => close()}>${icon("close")}</button></div>${body()}`,
    dialog,
  );
  const body = make({ draw, close });
  dialog.addEventListener("click", (event) => event.target === dialog && close());
  parent.append(dialog);
  draw();
  dialog.showModal();
  /** @type {HTMLElement | null} */ (dialog.querySelector("[data-first]"))?.focus();
  return new Promise((done) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      done(dialog.returnValue);
    });
  });
}

/** @param {string} user @returns {string} what is wrong with it; empty: nothing */
export function userFault(user) {
  if (!user) return "Whom?";
  return new TextEncoder().encode(user).length > LONGEST_USER ? "That is too long for a user's name." : "";
}

/** @param {string[]} known @param {string} typed @param {string[]} [but] */
const suggestions = (known, typed, but = []) =>
  known.filter((user) => !but.includes(user) && user.toLowerCase().includes(typed.trim().toLowerCase())).slice(0, 50);

/** @param {HTMLElement} parent @param {string[]} known @returns {Promise<string>} the user to write to */
export function messageDialog(parent, known) {
  return openDialog(parent, "New message", ({ draw, close }) => {
    let typed = "";
    let fault = "";
    const choose = (/** @type {Event} */ event) => {
      event.preventDefault();
      fault = userFault(typed.trim());
      if (fault) draw();
      else close(typed.trim());
    };
    return () => html`<form class="dialog-form" @submit=${choose}><div class="dialog-body">
        <div class="field"><label for="to">To</label>
          <input class="input" id="to" data-first autocomplete="off" autocapitalize="none" spellcheck="false" placeholder="A user's name, such as bob" aria-describedby="to-fault"
            @input=${(/** @type {any} */ { target }) => { typed = target.value; fault = ""; draw(); }}>
          <p class="fault" id="to-fault" role="alert">${fault}</p></div>
        ${people(suggestions(known, typed), "People you know", (user) => html`<button type="button" class="person" @click=${() => close(user)}>${avatar(user, { size: "small" })}<span class="cut">${nameOf(user)}</span></button>`)}
      </div><div class="dialog-foot"><button type="button" class="button" @click=${() => close()}>Cancel</button>
        <button type="submit" class="button primary">Write</button></div></form>`;
  });
}

/** @param {string[]} users @param {string} label @param {(user: string) => unknown} one */
export function people(users, label, one) {
  if (users.length === 0) return nothing;
  return html`<div class="field"><span class="label">${label}</span><ul class="people" aria-label=${label}>${users.map((user) => html`<li>${one(user)}</li>`)}</ul></div>`;
}

/** @param {HTMLElement} parent @param {string[]} known @returns {Promise<{name?: string, members: string[]} | undefined>} */
export async function groupDialog(parent, known) {
  let name = "";
  /** @type {string[]} */ let members = [];
  const made = await openDialog(parent, "New group", ({ draw, close }) => {
    let typed = "";
    let fault = "";
    const add = (/** @type {string} */ user) => {
      fault = userFault(user);
      if (!fault && !members.includes(user)) members = [...members, user];
      if (!fault) typed = "";
      draw();
    };
    const make = (/** @type {Event} */ event) => {
      event.preventDefault();
      if (typed.trim()) add(typed.trim());
      if (members.length === 0) fault = "A group needs at least one more member.";
      if (new TextEncoder().encode(name.trim()).length > LONGEST_NAME) fault = "The name is too long.";
      if (fault) draw();
      else close("made");
    };
    const enter = (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Enter" || !typed.trim()) return;
      event.preventDefault();
      add(typed.trim());
    };
    return () => html`<form class="dialog-form" @submit=${make}><div class="dialog-body">
        <div class="field"><label for="group-name">Group name</label><input class="input" id="group-name" data-first autocomplete="off" placeholder="Weekend trip" @input=${(/** @type {any} */ { target }) => { name = target.value; }}></div>
        <div class="field"><label for="group-members">Members</label>
          ${members.length > 0 ? html`<ul class="chips" aria-label="Chosen">${members.map((user) => html`<li class="chip">${avatar(user, { size: "tiny" })}${nameOf(user)}
            <button type="button" aria-label=${`Remove ${nameOf(user)}`} @click=${() => { members = members.filter((one) => one !== user); draw(); }}>${icon("close")}</button></li>`)}</ul>` : nothing}
          <input class="input" id="group-members" autocomplete="off" autocapitalize="none" spellcheck="false" placeholder="A user's name, then Enter" aria-describedby="group-fault" .value=${typed}
            @keydown=${enter} @input=${(/** @type {any} */ { target }) => { typed = target.value; fault = ""; draw(); }}>
          <p class="fault" id="group-fault" role="alert">${fault}</p></div>
        ${people(suggestions(known, typed, members), "People you know", (user) => html`<button type="button" class="person" @click=${() => add(user)}>${avatar(user, { size: "small" })}<span class="cut">${nameOf(user)}</span>${icon("plus")}</button>`)}
      </div><div class="dialog-foot"><button type="button" class="button" @click=${() => close()}>Cancel</button>
        <button type="submit" class="button primary">Create group</button></div></form>`;
  });
  return made ? { name: name.trim() || undefined, members } : undefined;
}

/** @param {HTMLElement} parent */
export function shortcutsDialog(parent) {
  return openDialog(parent, "Keyboard shortcuts", () => () => html`<div class="dialog-body"><dl class="keys">${SHORTCUTS.map(
    ({ keys, does }) => html`<div><dt>${keys.map((key) => html`<kbd>${key === "Ctrl" && isMac() ? "⌘" : key}</kbd>`)}</dt><dd>${does}</dd></div>`,
  )}</dl></div>`);
}
