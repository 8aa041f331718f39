/** The two dialogs of a conversation: a picture in full, and the question before something is deleted. */

import { html, render } from "../../vendor/lit-html/lit-html.js";

import { icon } from "../icons.js";
import { saveFile } from "./pictures.js";

/**
 * A dialog that goes when it is closed.
 * @param {HTMLElement} parent @param {string} className @param {(close: (value?: string) => void) => unknown} template
 * @returns {Promise<string>} what it was closed with; empty by Escape
 */
export function askDialog(parent, className, template) {
  const dialog = document.createElement("dialog");
  dialog.className = className;
  const closed = new Promise((/** @type {(value: string) => void} */ done) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      done(dialog.returnValue);
    });
  });
  // A click beside it closes it.
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  render(template((value = "") => dialog.close(value)), dialog);
  parent.append(dialog);
  dialog.showModal();
  return closed;
}

/** @param {HTMLElement} parent @param {string} text what would be gone @returns {Promise<boolean>} */
export async function confirmDelete(parent, text) {
  const answer = await askDialog(parent, "ask", (close) => html`
    <div class="dialog-head"><h2 id="ask-title">Delete this message?</h2></div>
    <div class="dialog-body"><p class="ask-text">${text}</p><p class="quiet small">It goes for everybody, and cannot be brought back.</p></div>
    <div class="dialog-foot">
      <button type="button" class="button" autofocus @click=${() => close()}>Keep it</button>
      <button type="button" class="button danger" @click=${() => close("delete")}>Delete</button>
    </div>`);
  return answer === "delete";
}

/** @param {HTMLElement} parent @param {import("./pictures.js").Files} files @param {{file: import("./rows.js").File, url: string}} picture */
export function showPicture(parent, files, { file, url }) {
  return askDialog(parent, "lightbox", (close) => html`
    <div class="lightbox-head"><span class="cut">${file.name}</span>
      <button type="button" class="icon-button" aria-label=${`Download ${file.name}`} @click=${() => saveFile(files, file)}>${icon("download")}</button>
      <button type="button" class="icon-button" aria-label="Close" @click=${() => close()}>${icon("close")}</button></div>
    <img src=${url} alt=${file.name}>`);
}
