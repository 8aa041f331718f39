/** A dialog that answers: shown, waited for, removed. The browser keeps the focus in it and gives it back. */

import { html, render } from "/operator/shared/vendor/lit-html/lit-html.js";
import { icon } from "/operator/shared/common/icons.js";

/**
 * @template T
 * @param {string} title
 * @param {(close: (answer?: T) => void, draw: () => void) => unknown} body
 * @returns {Promise<T | undefined>} undefined: it was left
 */
export function ask(title, body) {
  const home = /** @type {HTMLElement} */ (document.querySelector("#dialogs"));
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "dialog-title");
  home.append(dialog);
  return new Promise((resolve) => {
    /** @type {T | undefined} */ let said;
    const close = (/** @type {T | undefined} */ answer) => {
      said = answer;
      dialog.close();
    };
    const draw = () =>
      render(
        html`<div class="dialog-head"><h2 id="dialog-title">${title}</h2>
            <button type="button" class="icon-button" aria-label="Close" @click=${() => close(undefined)}>${icon("close")}</button></div>
          ${body(/** @type {any} */ (close), draw)}`,
        dialog,
      );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(said);
    });
    draw();
    dialog.showModal();
    /** @type {HTMLElement | null} */ (dialog.querySelector("input"))?.focus();
  });
}
