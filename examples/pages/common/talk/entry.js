/** How one message looks. */

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { guard } from "../../vendor/lit-html/directives/guard.js";

import { avatar } from "../avatar.js";
import { icon } from "../icons.js";
import { pieces } from "../links.js";
import { listOf } from "../names.js";
import { fileKind, fileSize } from "../sizes.js";
import { clock, fullTime } from "../time.js";
import { isPicture } from "./pictures.js";
import { readCount } from "./rows.js";
import "./picture.js";

/** @typedef {import("./rows.js").Entry} Entry */

/**
 * @typedef {object} EntryView what an entry needs to know besides itself
 * @property {any} gate
 * @property {(user: string) => string} nameOf
 * @property {boolean} direct
 * @property {string[]} others everybody but the reader
 * @property {ReadonlyMap<string, number>} receipts
 * @property {Map<string, string[]>} readers
 * @property {string | undefined} active key of the entry that has the keyboard
 * @property {(id: string) => Entry | undefined} find
 * @property {(entry: Entry) => void} retry
 * @property {(entry: Entry) => void} discard
 * @property {(entry: Entry, button: HTMLElement) => void} menu
 * @property {(entry: Entry) => void} quoted
 * @property {(file: import("./rows.js").File) => void} save
 */

/** @param {string} text */
const linked = (text) =>
  pieces(text).map(({ text: words, href }) =>
    href ? html`<a href=${href} target="_blank" rel="noopener noreferrer nofollow">${words}</a>` : words,
  );

/** @param {Entry} entry @returns {string} what an entry says, in a line */
export function gist(entry) {
  if (entry.deleted) return "Deleted message";
  if (entry.body) return entry.body;
  const files = entry.files ?? [];
  if (files.length === 1) return isPicture(files[0]) ? "Picture" : files[0].name;
  return files.length > 0 ? `${files.length} files` : "Message";
}

/** @param {import("./rows.js").Row & {kind: "entry"}} row @param {EntryView} view */
export function entryTemplate(row, view) {
  const { entry } = row;
  const original = entry.replyTo ? view.find(entry.replyTo) : undefined;
  const count = readCount(entry, view.receipts, view.others);
  const readers = view.readers.get(entry.key)?.join() ?? "";
  const facts = [
    entry.state, entry.seq, entry.id, entry.body, entry.at, entry.editedAt, entry.deleted, entry.reason, entry.files?.length, row.first,
    row.last, readers, entry.mine ? count.read : 0, count.of, view.active === entry.key, view.direct, original?.body, original?.deleted, view.nameOf,
  ];
  return guard(facts, () => template(row, view, original));
}

/** @param {import("./rows.js").Row & {kind: "entry"}} row @param {EntryView} view @param {Entry | undefined} original */
function template({ entry, first, last }, view, original) {
  const { mine, state } = entry;
  const faces = !view.direct && !mine;
  const classes = ["entry", mine ? "mine" : "", first ? "first" : "", last ? "last" : "", faces ? "faced" : ""];
  const active = view.active === entry.key;
  const readers = view.readers.get(entry.key) ?? [];
  return html`<div role="article" class=${classes.join(" ")} data-key=${entry.key} data-seq=${entry.seq ?? nothing} data-id=${entry.id ?? nothing}
    data-state=${state} tabindex=${active ? "0" : "-1"} aria-label=${`${mine ? "You" : view.nameOf(entry.sender)}, ${clock(entry.at)}`}>
    ${faces ? html`<span class="entry-face">${last ? avatar(entry.sender, { size: "small" }) : nothing}</span>` : nothing}
    <div class="entry-column">
      ${faces && first ? html`<span class="entry-sender">${view.nameOf(entry.sender)}</span>` : nothing}
      ${bubble(entry, view, original)}
      ${state === "failed" ? failed(entry, view) : nothing}
      ${readers.length > 0 && !view.direct ? readBy(readers, view) : nothing}
    </div>
    ${entry.deleted ? nothing : html`<button type="button" class="icon-button entry-more" tabindex=${active ? "0" : "-1"} aria-label="More actions"
      aria-haspopup="menu" @click=${(/** @type {any} */ event) => view.menu(entry, event.currentTarget)}>${icon("chevron")}</button>`}
  </div>`;
}

/** @param {Entry} entry @param {EntryView} view @param {Entry | undefined} original */
function bubble(entry, view, original) {
  if (entry.deleted) return html`<div class="bubble deleted"><p class="entry-text">${entry.mine ? "You deleted this message" : "This message was deleted"} ${meta(entry, view)}</p></div>`;
  const files = entry.files ?? [];
  const pictures = files.filter(isPicture);
  const others = files.filter((file) => !isPicture(file));
  const onlyPictures = pictures.length > 0 && others.length === 0 && !entry.body && !entry.replyTo;
  return html`<div class="bubble ${onlyPictures ? "only-pictures" : ""} ${pictures.length > 0 ? "with-pictures" : ""}">
    ${entry.replyTo ? quote(entry, view, original) : nothing}
    ${pictures.length > 0
      ? html`<div class="pictures" data-count=${Math.min(pictures.length, 4)}>
          ${pictures.map((file) => html`<pg-picture .gate=${view.gate} .file=${file}></pg-picture>`)}
        </div>`
      : nothing}
    ${others.map((file) => card(file, view))}
    <div class="entry-text">${linked(entry.body)}${meta(entry, view)}</div>
  </div>`;
}

/** @param {Entry} entry @param {EntryView} view @param {Entry | undefined} original */
function quote(entry, view, original) {
  return html`<button type="button" class="quote" title="Show this message" @click=${() => view.quoted(entry)}>
    <span class="unseen">In answer to </span><b class="cut">${original ? (original.mine ? "You" : view.nameOf(original.sender)) : "Reply"}</b><span class="unseen">: </span>
    <span class="cut">${original ? gist(original) : "An earlier message"}</span>
  </button>`;
}

/** @param {import("./rows.js").File} file @param {EntryView} view */
function card(file, view) {
  return html`<div class="file-card">
    <span class="file-kind" aria-hidden="true">${icon("file")}<span>${fileKind(file.media_type, file.name)}</span></span>
    <span class="file-words"><span class="file-name">${file.name}</span><span class="file-size">${fileSize(file.size)}</span></span>
    <button type="button" class="icon-button" aria-label=${`Download ${file.name}`} @click=${() => view.save(file)}>${icon("download")}</button>
  </div>`;
}

/** @param {Entry} entry @param {EntryView} view */
function meta(entry, view) {
  const edited = entry.editedAt && !entry.deleted;
  return html`<span class="entry-meta">${edited ? html`<span title=${fullTime(entry.editedAt ?? "")}>edited</span>` : nothing}
    <time datetime=${entry.at} title=${fullTime(entry.at)}>${clock(entry.at)}</time>${entry.mine && !entry.deleted ? mark(entry, view) : nothing}</span>`;
}

/** Sending, sent, read. @param {Entry} entry @param {EntryView} view */
function mark(entry, view) {
  const { read, of } = readCount(entry, view.receipts, view.others);
  const all = of > 0 && read === of;
  const [name, shape, kind] =
    entry.state === "sending" ? ["Sending", icon("clock"), "sending"]
    : entry.state === "failed" ? ["Not sent", icon("alert"), "failed"]
    : all ? ["Read", icon("checks"), "read"]
    : read > 0 ? [`Read by ${read} of ${of}`, icon("checks"), "sent"]
    : ["Sent", icon("check"), "sent"];
  return html`<span class="entry-mark" data-mark=${kind} role="img" aria-label=${name} title=${name}>${shape}</span>`;
}

/** @param {Entry} entry @param {EntryView} view */
function failed(entry, view) {
  return html`<div class="entry-failed">
    <span>${icon("alert")} Not sent${entry.reason ? html`: ${entry.reason}` : nothing}</span>
    <button type="button" class="link-button" @click=${() => view.retry(entry)}>Try again</button>
    <button type="button" class="link-button" @click=${() => view.discard(entry)}>Discard</button>
  </div>`;
}

/** @param {string[]} readers @param {EntryView} view */
function readBy(readers, view) {
  const names = `Read by ${listOf(readers.map(view.nameOf), 6)}`;
  return html`<div class="entry-readers" role="img" aria-label=${names} title=${names}>
    ${readers.slice(0, 5).map((user) => avatar(user, { size: "tiny" }))}${readers.length > 5 ? html`<span>+${readers.length - 5}</span>` : nothing}
  </div>`;
}
