/** `<pg-composer .gate .conversation .me>`: where a message is written, with its files, its answer and its draft. */

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { repeat } from "../../vendor/lit-html/directives/repeat.js";

import { icon } from "../icons.js";
import { listOf, nameOf } from "../names.js";
import { fileSize } from "../sizes.js";
import { define, View } from "../view.js";
import { Drafts } from "./drafts.js";
import { gist } from "./entry.js";
import { MOST_FILES, Uploads } from "./uploads.js";
import { Correction, post } from "./written.js";

/** @typedef {import("./rows.js").Entry} Entry */
/** @typedef {{uploads: Uploads, replyTo: Entry | null, editing: Correction | null, text: string | null}} Begun what was begun in a conversation */

const MOST_LINES_PX = 180;
/** 64 KiB are taken; counted in bytes, as the gateway does. */
const MOST_BYTES = 64 * 1024;

export class Composer extends View {
  /** @type {any} */ gate = null;
  me = "";
  /** @type {(user: string) => string} */ nameOf = nameOf;
  #placeholder = "Write a message";
  #label = "Message";
  /** @type {any} */ #conversation = null;
  /** @type {WeakMap<object, Begun>} */ #begun = new WeakMap();

  /** @param {any} conversation */
  set conversation(conversation) {
    if (conversation === this.#conversation) return;
    this.#keepDraft();
    this.#conversation = conversation;
    if (this.isConnected) this.#show();
  }

  /** @param {string} text */ set placeholder(text) {
    this.#placeholder = text;
    this.update();
  }

  /** What the field is called. @param {string} label */ set label(label) {
    this.#label = label;
    this.update();
  }

  connected() {
    this.hear(globalThis, "pagehide", () => this.#keepDraft());
    this.#show();
  }

  disconnected() {
    this.#keepDraft();
  }

  get #now() {
    let begun = this.#begun.get(this.#conversation);
    if (!begun) {
      const uploads = new Uploads(this.gate);
      uploads.addEventListener("change", () => this.update());
      begun = { uploads, replyTo: null, editing: null, text: null };
      this.#begun.set(this.#conversation, begun);
    }
    return begun;
  }

  get #input() {
    return /** @type {HTMLTextAreaElement | null} */ (this.querySelector("textarea"));
  }

  get #drafts() {
    return new Drafts(this.me);
  }

  /** The name a draft is kept under; a room that is not there yet goes by its other member. */
  get #draftKey() {
    const conversation = this.#conversation;
    return conversation?.id ?? `to:${conversation?.to ?? ""}`;
  }

  #keepDraft() {
    if (!this.#conversation || !this.#input) return;
    const begun = this.#now;
    begun.text = this.#input.value;
    this.#drafts.set(this.#draftKey, begun.editing ? begun.editing.before : begun.text);
  }

  #show() {
    if (!this.#conversation) return;
    this.updateNow();
    const begun = this.#now;
    this.#setText(begun.text ?? this.#drafts.get(this.#draftKey));
  }

  /** @param {string} text */
  #setText(text) {
    if (!this.#input) return;
    this.#input.value = text;
    this.#grow();
    this.update();
  }

  focus() {
    this.#input?.focus();
  }

  /** @param {Entry} entry */
  reply(entry) {
    if (this.#now.editing) this.#endEdit();
    this.#now.replyTo = entry;
    this.updateNow();
    this.focus();
  }

  /** @param {Entry} entry */
  edit(entry) {
    const begun = this.#now;
    if (begun.editing?.saving) return;
    const before = begun.editing?.before ?? this.#input?.value ?? "";
    Object.assign(begun, { editing: new Correction(entry, before), replyTo: null });
    this.updateNow();
    this.#setText(entry.body);
    this.focus();
  }

  /** What stood in the field before comes back; the conversation may not be the one that is shown. */
  #endEdit(begun = this.#now) {
    begun.text = begun.editing?.before ?? "";
    begun.editing = null;
    if (begun === this.#now) this.#setText(begun.text);
  }

  /** @param {Iterable<File>} files */
  attach(files) {
    const left = this.#now.uploads.add(files);
    if (left > 0) this.tell("talk-fault", { error: `A message takes ${MOST_FILES} files; ${left} were left out.`, title: "Too many files" });
    this.focus();
  }

  #grow() {
    const input = this.#input;
    if (!input) return;
    input.style.height = "auto";
    input.style.height = `${Math.min(input.scrollHeight, MOST_LINES_PX)}px`;
  }

  #typed = () => {
    this.#grow();
    if (!this.#now.editing && this.#input?.value) this.#conversation.typing();
    this.update();
  };

  /** @param {KeyboardEvent} event */
  #key = (event) => {
    if (event.isComposing) return;
    const begun = this.#now;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      this.#send();
    } else if (event.key === "Escape" && (begun.editing || begun.replyTo)) {
      event.preventDefault();
      event.stopPropagation();
      this.#cancel();
    } else if (event.key === "ArrowUp" && !this.#input?.value && !begun.editing) {
      const own = this.#conversation.entries.findLast((/** @type {Entry} */ { mine, deleted, state, body }) => mine && !deleted && state === "sent" && body);
      if (!own) return;
      event.preventDefault();
      this.edit(own);
    }
  };

  #cancel() {
    if (this.#now.editing) this.#endEdit();
    this.#now.replyTo = null;
    this.update();
    this.focus();
  }

  /** @param {ClipboardEvent} event */
  #paste = (event) => {
    const files = event.clipboardData?.files;
    if (!files?.length || this.#now.editing) return;
    event.preventDefault();
    this.attach(files);
  };

  get #sendable() {
    const { uploads, editing } = this.#now;
    if (editing?.saving) return false;
    if (uploads.busy && !editing) return false;
    return Boolean(this.#input?.value.trim()) || (!editing && uploads.results.length > 0);
  }

  #send = () => {
    const input = this.#input;
    if (!input || !this.#sendable) return;
    const body = input.value.trim();
    if (new TextEncoder().encode(body).length > MOST_BYTES) {
      this.tell("talk-fault", { error: "A message may be 64 KB long. Send it as a file, or in parts.", title: "This is too long" });
      return;
    }
    const begun = this.#now;
    if (begun.editing) {
      void this.#save(begun, begun.editing, body);
      return;
    }
    let stayed;
    try {
      stayed = post(this.#conversation, begun.uploads, { body, reply_to: begun.replyTo?.id ?? undefined });
    } catch (error) {
      this.tell("talk-fault", { error, title: "The message could not be sent" });
      return;
    }
    if (stayed.length > 0) {
      const error = `${listOf(stayed)} could not be uploaded. Try again, or leave ${stayed.length > 1 ? "them" : "it"} out.`;
      this.tell("talk-fault", { error, title: stayed.length > 1 ? "Files were not sent" : "A file was not sent" });
    }
    begun.replyTo = null;
    this.#setText("");
    this.#keepDraft();
    this.tell("talk-sent", {});
    this.focus();
  };

  /** @param {Begun} begun @param {Correction} correction @param {string} body */
  async #save(begun, correction, body) {
    const saved = correction.save(this.#conversation, body);
    this.update();
    try {
      await saved;
      if (begun.editing === correction) this.#endEdit(begun);
    } catch (error) {
      this.tell("talk-fault", { error, title: "The message could not be changed" });
    }
    this.update();
  }

  #choose = () => {
    const chooser = document.createElement("input");
    chooser.type = "file";
    chooser.multiple = true;
    chooser.addEventListener("change", () => chooser.files && this.attach(chooser.files));
    chooser.click();
  };

  template() {
    if (!this.#conversation) return nothing;
    const { uploads, replyTo, editing } = this.#now;
    const about = editing?.entry ?? replyTo;
    return html`<form class="composer" @submit=${(/** @type {Event} */ event) => { event.preventDefault(); this.#send(); }}>
      ${about ? this.#about(about, Boolean(editing)) : nothing}
      ${uploads.items.length > 0 && !editing ? this.#tray(uploads) : nothing}
      <div class="composer-row">
        <button type="button" class="icon-button" aria-label="Attach files" title="Attach files" ?disabled=${Boolean(editing)} @click=${this.#choose}>${icon("attach")}</button>
        <textarea rows="1" aria-label=${this.#label} placeholder=${this.#placeholder} enterkeyhint="send" autocomplete="off" ?readonly=${Boolean(editing?.saving)}
          @input=${this.#typed} @keydown=${this.#key} @paste=${this.#paste}></textarea>
        <button type="submit" class="icon-button primary composer-send" aria-label=${editing ? "Save changes" : "Send"} title=${editing ? "Save changes" : "Send"}
          ?disabled=${!this.#sendable}>${icon(editing ? "check" : "send")}</button>
      </div>
    </form>`;
  }

  /** @param {Entry} entry @param {boolean} editing */
  #about(entry, editing) {
    const title = editing ? "Editing your message" : `Replying to ${entry.mine ? "yourself" : this.nameOf(entry.sender)}`;
    return html`<div class="composer-about">${icon(editing ? "edit" : "reply")}
      <span class="composer-about-text"><b class="cut">${title}</b><span class="cut">${gist(entry)}</span></span>
      <button type="button" class="icon-button" aria-label=${editing ? "Cancel editing" : "Cancel reply"} @click=${() => this.#cancel()}>${icon("close")}</button></div>`;
  }

  /** @param {Uploads} uploads */
  #tray(uploads) {
    return html`<ul class="tray" aria-label="Files to send">${repeat(uploads.items, ({ key }) => key, (item) => this.#upload(uploads, item))}</ul>`;
  }

  /** @param {Uploads} uploads @param {import("./uploads.js").Upload} item */
  #upload(uploads, { key, file, preview, state, progress, reason, hopeless }) {
    const busy = state === "uploading" || state === "waiting";
    const percent = Math.round(progress * 100);
    return html`<li class="upload" data-state=${state}>
      ${preview ? html`<img src=${preview} alt="">` : html`<span class="upload-file">${icon("file")}</span>`}
      <span class="upload-words"><span class="cut">${file.name}</span>
        <span class=${state === "failed" ? "upload-fault" : "cut quiet"} title=${reason || nothing}>${state === "failed" ? reason : busy ? `${percent} %` : fileSize(file.size)}</span>
        ${busy ? html`<progress max="100" value=${percent} aria-label=${`Uploading ${file.name}`}></progress>` : nothing}</span>
      ${state === "failed" && !hopeless ? html`<button type="button" class="icon-button" aria-label=${`Upload ${file.name} again`} @click=${() => uploads.retry(key)}>${icon("retry")}</button>` : nothing}
      <button type="button" class="icon-button" aria-label=${busy ? `Cancel ${file.name}` : `Remove ${file.name}`} @click=${() => uploads.cancel(key)}>${icon("close")}</button>
    </li>`;
  }
}

define("pg-composer", Composer);
