/** The sign-in box: a token, tried before it is kept. */

import { html, nothing } from "/operator/shared/vendor/lit-html/lit-html.js";

import { Refused, deepest } from "./api.js";
import { keep, token } from "./credential.js";
import { ask } from "./dialog.js";

/** @returns {Promise<boolean>} somebody is signed in now who was not before */
export async function signIn() {
  let typed = "";
  let busy = false;
  let fault = "";
  const good = await ask("Sign in", (/** @type {(answer?: boolean) => void} */ close, draw) => {
    const submit = async (/** @type {Event} */ event) => {
      event.preventDefault();
      if (!typed || busy) return;
      [busy, fault] = [true, ""];
      draw();
      const before = token();
      keep(typed);
      try {
        await deepest({ user: "", most: 1 });
        close(true);
      } catch (error) {
        if (error instanceof Refused && error.wantsCredential) {
          keep(before);
          fault = error.status === 403 ? "This token has not the scope operator." : "This token is not good, or not any more.";
          [busy, typed] = [false, typed];
          draw();
        } else {
          // the token is no fault of it: what is asked for fails with any
          close(true);
        }
      }
    };
    const type = (/** @type {{currentTarget: HTMLInputElement}} */ { currentTarget }) => {
      typed = currentTarget.value.trim();
      draw();
    };
    return html`<form class="dialog-form" @submit=${submit}>
      <div class="dialog-body">
        <p>A token with the scope <code>operator</code>, or the gateway's <code>http.operator_token</code>, shows whose mailboxes there are, and may purge them. It is kept in this tab only.</p>
        <div class="field"><label for="token">Token</label>
          <input id="token" class="input" type="password" autocomplete="off" .value=${typed} @input=${type} aria-describedby="token-fault token-hint"></div>
        <p id="token-hint" class="hint"><code>pollgate jwt --user me --scope operator</code></p>
        <p id="token-fault" class="fault" role="alert">${fault || nothing}</p>
      </div>
      <div class="dialog-foot"><button type="button" class="button" @click=${() => close()}>Not now</button>
        <button type="submit" class="button primary" ?disabled=${!typed || busy}>Sign in</button></div>
    </form>`;
  });
  return good === true;
}
