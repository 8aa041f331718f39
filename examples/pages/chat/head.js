/** The head of a conversation: who it is, whether they are there, and the way to more. */

import { html, nothing } from "../vendor/lit-html/lit-html.js";

import { avatar } from "../common/avatar.js";
import { icon } from "../common/icons.js";
import { listOf, nameOf } from "../common/names.js";
import { otherOf, presenceWords, typingIn } from "./room-words.js";

/**
 * @typedef {object} Head
 * @property {import("./room-words.js").Room | undefined} room
 * @property {string} title
 * @property {string | undefined} to somebody without a room yet
 * @property {string} me
 * @property {any} gate
 * @property {boolean} live whether presence can be known
 * @property {string[]} typists
 * @property {() => void} back
 * @property {() => void} details
 */

/** @param {Head} head */
export function roomHead({ room, title, to, me, gate, live, typists, back, details }) {
  const other = room ? otherOf(room, me) : to;
  const known = other && other !== me ? gate.presence(other) : undefined;
  const presence = live || !known?.online ? known : undefined;
  const others = typists.filter((user) => user !== me);
  const typing = room ? typingIn(room, others) : "";
  return html`<header class="head">
    <button type="button" class="icon-button head-back" aria-label="Back to conversations" @click=${back}>${icon("back")}</button>
    <button type="button" class="head-who" ?disabled=${!room} @click=${details}>
      ${avatar(other ?? room?.id ?? title, { online: presence?.online, group: room?.kind === "group" })}
      <span class="head-words"><span class="head-name cut">${title}</span><span class="unseen">, </span>
      <span class="head-state cut ${typing ? "typing-now" : presence?.online ? "online" : ""}">${typing || stateOf(room, presence, me, to)}</span></span>
    </button>
    ${room ? html`<button type="button" class="icon-button" aria-label="Room details" title="Room details" @click=${details}>${icon("info")}</button>` : nothing}
  </header>`;
}

/** @param {import("./room-words.js").Room | undefined} room @param {any} presence @param {string} me @param {string | undefined} to */
function stateOf(room, presence, me, to) {
  if (!room) return to ? "New conversation" : "";
  if (room.kind === "direct") return presenceWords(presence);
  const others = room.members.filter((user) => user !== me).map(nameOf);
  return listOf([...others, "you"], 5);
}
