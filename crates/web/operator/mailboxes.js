/** The deepest mailboxes, who they belong to, and their end: for who has a token with the scope operator. */

import { html, nothing, render } from "/operator/shared/vendor/lit-html/lit-html.js";
import { repeat } from "/operator/shared/vendor/lit-html/directives/repeat.js";
import { icon } from "/operator/shared/common/icons.js";

import { Refused, deepest } from "./api.js";
import { NONE, count } from "./format.js";
import { sorted } from "./order.js";
import { askForPurge } from "./purge.js";

/** @typedef {import("./api.js").Mailbox} Mailbox */
/** @typedef {import("./order.js").Order} Order */

const MOST = 50;
const EVERY_MS = 5000;
const TYPING_MS = 250;

export class MailboxTable {
  /** @type {HTMLElement} */ #home;
  /** @type {() => void} */ #signIn;
  /** @type {Mailbox[] | null} */ #rows = null;
  /** @type {Error | null} */ #fault = null;
  /** @type {Order} */ #order = { by: "ready", down: true };
  #user = "";
  #busy = false;
  #said = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #next;
  /** @type {AbortController | null} */ #asking = null;

  /** @param {HTMLElement} home @param {() => void} signIn */
  constructor(home, signIn) {
    this.#home = home;
    this.#signIn = signIn;
    addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.load());
    this.draw();
  }

  /** Asks now, and from then on every few seconds while somebody looks. */
  async load() {
    clearTimeout(this.#next);
    this.#asking?.abort();
    const asking = new AbortController();
    this.#asking = asking;
    this.#busy = true;
    this.draw();
    try {
      const { mailboxes } = await deepest({ user: this.#user, most: MOST }, asking.signal);
      [this.#rows, this.#fault] = [mailboxes, null];
    } catch (error) {
      if (asking.signal.aborted) return;
      this.#fault = /** @type {Error} */ (error);
      if (error instanceof Refused && error.wantsCredential) this.#rows = null;
    }
    this.#busy = false;
    this.draw();
    const refused = this.#fault instanceof Refused && this.#fault.wantsCredential;
    if (!refused && document.visibilityState === "visible") this.#next = setTimeout(() => void this.load(), EVERY_MS);
  }

  /** Nobody is signed in any more. */
  forget() {
    this.#rows = null;
    void this.load();
  }

  /** @param {Event & {currentTarget: HTMLInputElement}} event */
  #search({ currentTarget }) {
    this.#user = currentTarget.value.trim();
    clearTimeout(this.#next);
    this.#next = setTimeout(() => void this.load(), TYPING_MS);
  }

  /** @param {Order["by"]} by */
  #sort(by) {
    const same = this.#order.by === by;
    this.#order = { by, down: same ? !this.#order.down : by !== "user" };
    this.draw();
  }

  /** @param {Mailbox} mailbox */
  async #purge(mailbox) {
    if (!(await askForPurge(mailbox))) return;
    this.#said = `The mailbox of ${mailbox.user} was purged.`;
    void this.load();
  }

  draw() {
    render(this.#template(), this.#home);
  }

  #template() {
    const refused = this.#fault instanceof Refused && this.#fault.wantsCredential;
    return html`<div class="section-head"><h2 id="mailboxes-title">Deepest mailboxes</h2>
        ${refused ? nothing : html`<label class="search">${icon("search")}<span class="unseen">Search by user</span>
          <input class="input" type="search" placeholder="User" autocomplete="off" spellcheck="false" maxlength="128" .value=${this.#user} @input=${(/** @type {any} */ event) => this.#search(event)}></label>`}</div>
      <p class="unseen" role="status">${this.#said}</p>
      ${refused ? this.#signedOut() : this.#table()}`;
  }

  #signedOut() {
    return html`<div class="card pad signed-out"><p>Who has how much waiting is shown with a token that has the scope <code>operator</code>.</p>
      <p class="hint"><code>pollgate jwt --user me --scope operator</code> signs one.</p>
      <button type="button" class="button primary" @click=${this.#signIn}>${icon("person")} Sign in</button></div>`;
  }

  #table() {
    const rows = this.#rows ? sorted(this.#rows, this.#order) : null;
    const none = this.#user ? html`Nothing waits for <b>${this.#user}</b>, as far as this gateway knows.` : "Nothing waits in any mailbox that was looked at.";
    return html`<div class="card table-card" aria-busy=${this.#busy ? "true" : "false"}>
      ${this.#fault ? html`<p class="fault pad" role="alert">${this.#fault.message}</p>` : nothing}
      ${rows && rows.length > 0 ? this.#rowsOf(rows) : html`<p class="pad quiet">${rows ? none : this.#fault ? nothing : "Asking …"}</p>`}
    </div>`;
  }

  /** @param {Mailbox[]} rows */
  #rowsOf(rows) {
    return html`<table class="wide"><thead><tr>
        ${this.#column("user", "User", "")}${this.#column("session", "Session", "")}${this.#column("ready", "Waiting", "number")}${this.#column("unacked", "Unconfirmed", "number")}${this.#column("consumers", "Readers", "number")}
        <th scope="col"><span class="unseen">Actions</span></th></tr></thead>
      <tbody>${repeat(rows, ({ user, session }) => `${session === null ? "m" : "s"}${user} ${session}`, (row) => this.#row(row))}</tbody></table>`;
  }

  /** @param {Order["by"]} by @param {string} name @param {string} kind */
  #column(by, name, kind) {
    const { by: now, down } = this.#order;
    const sort = now === by ? (down ? "descending" : "ascending") : nothing;
    return html`<th scope="col" class=${kind} aria-sort=${sort}><button type="button" class="sort" @click=${() => this.#sort(by)}>${name}${now === by ? html`<span class="arrow" aria-hidden="true">${down ? "↓" : "↑"}</span>` : nothing}</button></th>`;
  }

  /** @param {Mailbox} row */
  #row(row) {
    const { user, session, ready, unacked, consumers, alarm } = row;
    return html`<tr>
      <th scope="row" class="name">${user}${alarm ? html` <span class="tag alarm">alarm</span>` : nothing}</th>
      <td data-label="Session">${session ?? html`<span class="quiet">main</span>`}</td>
      <td data-label="Waiting" class="number"><b>${count(ready)}</b></td>
      <td data-label="Unconfirmed" class="number">${count(unacked)}</td>
      <td data-label="Readers" class="number">${consumers > 0 ? count(consumers) : html`<span class="state" data-grade=${alarm ? "warn" : ""}>${consumers === 0 ? "none" : NONE}</span>`}</td>
      <td class="act"><button type="button" class="button compact danger" aria-label=${`Purge the mailbox of ${user}${session === null ? "" : `, session ${session}`}`} @click=${() => void this.#purge(row)}>Purge</button></td>
    </tr>`;
  }
}
