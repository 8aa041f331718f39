/**
 * `<pg-talk .gate .conversation .me .label .placeholder .inputLabel .nameOf .notes .empty .direct .readonly>`: a whole conversation, messages above, the
 * composer below. Files may be dropped anywhere on it. It needs a height; all it knows comes in by properties.
 */

import { html, nothing } from "../../vendor/lit-html/lit-html.js";

import { icon } from "../icons.js";
import { listOf, nameOf } from "../names.js";
import { define, View } from "../view.js";
import "./composer.js";
import "./log.js";

export class Talk extends View {
  /** @type {any} */ #gate = null;
  /** @type {any} */ #conversation = null;
  #me = "";
  #label = "Messages";
  #placeholder = "Write a message";
  #inputLabel = "Message";
  #direct = false;
  #readonly = false;
  /** @type {readonly import("./rows.js").Note[]} */ #notes = [];
  /** @type {(user: string) => string} */ #nameOf = nameOf;
  /** @type {unknown} */ #empty = null;
  #dragged = 0;
  #stale = false;
  /** @type {AbortController | null} */ #watch = null;

  /** @param {any} gate */ set gate(gate) { this.#set(() => (this.#gate = gate)); }
  /** @param {string} me */ set me(me) { this.#set(() => (this.#me = me)); }
  /** @param {string} label */ set label(label) { this.#set(() => (this.#label = label)); }
  /** @param {string} text */ set placeholder(text) { this.#set(() => (this.#placeholder = text)); }
  /** @param {string} label */ set inputLabel(label) { this.#set(() => (this.#inputLabel = label)); }
  /** @param {readonly import("./rows.js").Note[]} notes */ set notes(notes) { this.#set(() => (this.#notes = notes)); }
  /** @param {(user: string) => string} name */ set nameOf(name) { this.#set(() => (this.#nameOf = name)); }
  /** @param {unknown} template */ set empty(template) { this.#set(() => (this.#empty = template)); }
  /** @param {boolean} direct */ set direct(direct) { this.#set(() => (this.#direct = direct)); }
  /** @param {boolean} readonly */ set readonly(readonly) { this.#set(() => (this.#readonly = readonly)); }

  get conversation() {
    return this.#conversation;
  }

  /** @param {any} conversation */
  set conversation(conversation) {
    if (conversation === this.#conversation) return;
    this.#conversation = conversation;
    this.#listen();
    this.update();
  }

  /** @param {() => void} change */
  #set(change) {
    change();
    this.#stale = true;
    this.update();
  }

  connected() {
    this.hear(this, "log-reply", ({ detail }) => this.#composer?.reply(detail.entry));
    this.hear(this, "log-edit", ({ detail }) => this.#composer?.edit(detail.entry));
    this.hear(this, "talk-sent", () => /** @type {import("./log.js").Log | null} */ (this.querySelector("pg-log"))?.follow());
    this.hear(this, "dragenter", (event) => this.#drag(event, 1));
    this.hear(this, "dragleave", (event) => this.#drag(event, -1));
    this.hear(this, "dragover", (event) => this.#takesFiles(event) && event.preventDefault());
    this.hear(this, "drop", (event) => this.#drop(event));
    this.#listen();
  }

  disconnected() {
    this.#watch?.abort();
  }

  #listen() {
    this.#watch?.abort();
    this.#watch = new AbortController();
    this.#conversation?.addEventListener("change", () => this.update(), { signal: this.#watch.signal });
  }

  get #composer() {
    return /** @type {import("./composer.js").Composer | null} */ (this.querySelector("pg-composer"));
  }

  focusComposer() {
    this.#composer?.focus();
  }

  /** @param {number} seq */
  async jumpTo(seq) {
    this.updateNow();
    return /** @type {import("./log.js").Log} */ (this.querySelector("pg-log")).jumpTo(seq);
  }

  /** @param {DragEvent} event */
  #takesFiles(event) {
    return !this.#readonly && Boolean(event.dataTransfer?.types.includes("Files"));
  }

  /** Each element that is entered or left on the way says so: they are counted. @param {DragEvent} event @param {number} step */
  #drag(event, step) {
    if (!this.#takesFiles(event)) return;
    event.preventDefault();
    this.#dragged = Math.max(0, this.#dragged + step);
    this.update();
  }

  /** @param {DragEvent} event */
  #drop(event) {
    if (!this.#takesFiles(event)) return;
    event.preventDefault();
    this.#dragged = 0;
    if (event.dataTransfer) this.#composer?.attach(event.dataTransfer.files);
    this.update();
  }

  template() {
    const conversation = this.#conversation;
    if (!conversation) return nothing;
    // What the log knows by plain properties has changed without its conversation.
    if (this.#stale) /** @type {import("./log.js").Log | null} */ (this.querySelector("pg-log"))?.update();
    this.#stale = false;
    /** @type {string[]} */ const typists = [...(conversation.typists ?? [])].filter((user) => user !== this.#me);
    const words = typists.length === 0 ? "" : this.#direct ? "is typing" : `${listOf(typists.map(this.#nameOf))} ${typists.length > 1 ? "are" : "is"} typing`;
    return html`<pg-log .gate=${this.#gate} .me=${this.#me} .label=${this.#label} .direct=${this.#direct} .readonly=${this.#readonly}
        .notes=${this.#notes} .nameOf=${this.#nameOf} .empty=${this.#empty} .conversation=${conversation}></pg-log>
      <p class="typing" role="status" ?data-shown=${typists.length > 0}>${typists.length > 0
        ? html`<span class="typing-dots" aria-hidden="true"><i></i><i></i><i></i></span><span>${this.#direct ? `${this.#nameOf(typists[0])} ${words}` : words}</span>`
        : nothing}</p>
      ${this.#readonly ? nothing : html`<pg-composer .gate=${this.#gate} .me=${this.#me} .placeholder=${this.#placeholder} .label=${this.#inputLabel} .nameOf=${this.#nameOf} .conversation=${conversation}></pg-composer>`}
      ${this.#dragged > 0 ? html`<div class="drop-zone">${icon("attach")}<b>Drop files to send them</b></div>` : nothing}`;
  }
}

define("pg-talk", Talk);
