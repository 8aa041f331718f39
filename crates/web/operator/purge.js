/** Asks twice before a mailbox is emptied: what waits in it is gone for good. */

import { html, nothing } from "/operator/shared/vendor/lit-html/lit-html.js";

import { purge } from "./api.js";
import { ask } from "./dialog.js";
import { count } from "./format.js";

/** @typedef {import("./api.js").Mailbox} Mailbox */

/** @param {Mailbox} mailbox @returns {Promise<boolean>} it was purged */
export async function askForPurge(mailbox) {
  const { user, session, ready } = mailbox;
  let typed = "";
  let busy = false;
  let fault = "";
  const purged = await ask("Purge this mailbox?", (/** @type {(answer?: boolean) => void} */ close, draw) => {
    const submit = async (/** @type {Event} */ event) => {
      event.preventDefault();
      if (typed !== user || busy) return;
      [busy, fault] = [true, ""];
      draw();
      try {
        await purge(mailbox);
        close(true);
      } catch (error) {
        [busy, fault] = [false, /** @type {Error} */ (error).message];
        draw();
      }
    };
    const type = (/** @type {{currentTarget: HTMLInputElement}} */ { currentTarget }) => {
      typed = currentTarget.value;
      draw();
    };
    return html`<form class="dialog-form" @submit=${submit}>
      <div class="dialog-body">
        <p>${ready === 1 ? "The event that waits" : html`The <b>${count(ready)}</b> events that wait`} for <b>${user}</b>${session === null ? "" : html`, session <b>${session}</b>,`} will not be delivered. The reader is told to resync, and finds messages in the history; other events are gone.</p>
        <div class="field"><label for="purge-user">Type the user's name to go on</label>
          <input id="purge-user" class="input" autocomplete="off" autocapitalize="off" spellcheck="false" .value=${typed} @input=${type} aria-describedby="purge-fault"></div>
        <p id="purge-fault" class="fault" role="alert">${fault || nothing}</p>
      </div>
      <div class="dialog-foot"><button type="button" class="button" @click=${() => close()}>Keep it</button>
        <button type="submit" class="button danger" ?disabled=${typed !== user || busy}>${busy ? "Purging …" : "Purge"}</button></div>
    </form>`;
  });
  return purged === true;
}
