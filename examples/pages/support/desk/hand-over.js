/** The dialog for handing over: to a colleague, or to another desk. */

import { icon } from "../../common/icons.js";
import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { ref } from "../../vendor/lit-html/directives/ref.js";

/** @typedef {import("./page.js").Page} Page */

/** A dialog is modal only when it is opened by its method. @param {Element|undefined} element */
function opened(element) {
  const dialog = /** @type {HTMLDialogElement|undefined} */ (element);
  if (dialog && !dialog.open) queueMicrotask(() => dialog.isConnected && !dialog.open && dialog.showModal());
}

/** @param {Page} page */
export function handOverDialog(page) {
  const { handing, desk } = page;
  if (!handing || !desk.room) return nothing;
  const close = () => {
    page.handing = null;
    page.update();
  };
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    const chosen = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const user = String(chosen.get("user") ?? "").trim();
    const other = String(chosen.get("desk") ?? "");
    void page.handOver({ user, desk: other });
  };
  return html`<dialog class="hand-over" aria-labelledby="hand-over-title" @close=${close} ${ref(opened)}>
    <form @submit=${submit}>
      <div class="dialog-head"><h2 id="hand-over-title">Hand over</h2>
        <button type="button" class="icon-button" aria-label="Cancel" @click=${close}>${icon("close")}</button></div>
      <div class="dialog-body">
        <p class="quiet">Your colleague sees all that was said. You see the conversation no more.</p>
        ${whom(page)}
        ${handing.fault ? html`<p class="fault" role="alert">${handing.fault}</p>` : nothing}
      </div>
      <div class="dialog-foot">
        <button type="button" class="button" @click=${close}>Cancel</button>
        <button type="submit" class="button primary" ?disabled=${handing.busy}>Hand over</button>
      </div>
    </form>
  </dialog>`;
}

/** @param {Page} page */
function whom(page) {
  const { desk, name } = page;
  const category = desk.room?.category ?? "";
  const known = desk.colleagues.get(category);
  const desks = desk.desks.filter((other) => other !== category);
  return html`${known ? colleagues(known.filter((user) => user !== desk.me), name, desks.length > 0) : typed()}
    ${desks.length > 0 ? otherDesks(desks) : nothing}`;
}

/** @param {string[]} others @param {(user: string) => string} name @param {boolean} optional */
function colleagues(others, name, optional) {
  if (others.length === 0) return html`<p class="quiet">Nobody else serves this desk at the moment.</p>`;
  return html`<div class="field"><label for="hand-over-user">Colleague</label>
    <select class="input" id="hand-over-user" name="user">
      ${optional ? html`<option value="">Nobody in particular</option>` : nothing}
      ${others.map((user) => html`<option value=${user}>${name(user)}</option>`)}
    </select></div>`;
}

function typed() {
  return html`<div class="field"><label for="hand-over-user">Colleague</label>
    <input class="input" id="hand-over-user" name="user" autocomplete="off" autocapitalize="none" spellcheck="false" autofocus></div>`;
}

/** Whoever serves it finds the conversation waiting there. @param {string[]} desks */
function otherDesks(desks) {
  return html`<div class="field"><label for="hand-over-desk">Or to another desk</label>
    <select class="input" id="hand-over-desk" name="desk">
      <option value="">This desk</option>
      ${desks.map((other) => html`<option value=${other}>${other}</option>`)}
    </select></div>`;
}
