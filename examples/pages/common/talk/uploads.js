/** The files that go with the message being written: uploaded at once, a few at a time, so that sending need not wait. */

import { inWords } from "../problems.js";
import { fileSize } from "../sizes.js";
import { isPicture, picturesOf, rememberProportion } from "./pictures.js";

const AT_ONCE = 3;
/** What the gateway takes with a message. */
export const MOST_FILES = 16;
const HOPELESS = new Set(["too-large", "unsupported-media-type", "invalid-request"]);

/**
 * @typedef {object} Upload
 * @property {string} key
 * @property {File} file
 * @property {string} preview an address, for pictures
 * @property {"waiting" | "uploading" | "done" | "failed"} state
 * @property {number} progress 0 to 1
 * @property {string} reason
 * @property {boolean} hopeless whether trying again would change nothing
 * @property {import("./rows.js").File} [result]
 * @property {AbortController} stop
 */

/**
 * @typedef {object} Uploader
 * @property {(file: File, options: {onProgress: (progress: any) => void, signal: AbortSignal}) => Promise<any>} upload
 * @property {(id: string) => Promise<Blob>} loadFile
 */

/** What a progress report says, whichever way it says it. @param {any} progress @returns {number} */
export function partOf(progress) {
  if (typeof progress === "number") return Math.min(Math.max(progress, 0), 1);
  const { loaded = 0, total = 0 } = progress ?? {};
  return total > 0 ? Math.min(loaded / total, 1) : 0;
}

/** The gateway names the field first: `file: its content …`. @param {string | undefined} detail */
function sentence(detail = "") {
  const words = detail.replace(/^file: /, "");
  return words && `${words[0].toUpperCase()}${words.slice(1)}`;
}

/** @param {any} error @param {File} file @returns {string} why a file was not taken, in words */
export function whyNot(error, file) {
  if (error?.code === "too-large") return `${fileSize(file.size)} is too large to be sent.`;
  if (error?.code === "unsupported-media-type") return sentence(error.detail) || "Files of this type are not taken.";
  if (error?.code === "invalid-request") return sentence(error.detail) || "The file is empty or cannot be read.";
  return inWords(error);
}

export class Uploads extends EventTarget {
  /** @type {Upload[]} */ items = [];
  #gate;
  #count = 0;

  /** @param {Uploader} gate */
  constructor(gate) {
    super();
    this.#gate = gate;
  }

  get busy() {
    return this.items.some(({ state }) => state === "waiting" || state === "uploading");
  }

  /** @returns {import("./rows.js").File[]} */
  get results() {
    return this.items.flatMap(({ result }) => (result ? [result] : []));
  }

  /** @param {Iterable<File>} files @returns {number} how many were too many */
  add(files) {
    const all = [...files];
    const taken = all.slice(0, Math.max(0, MOST_FILES - this.items.length));
    for (const file of taken) {
      this.#count += 1;
      const preview = isPicture({ media_type: file.type }) ? URL.createObjectURL(file) : "";
      this.items.push({ key: `file-${this.#count}`, file, preview, state: "waiting", progress: 0, reason: "", hopeless: false, stop: new AbortController() });
    }
    this.#next();
    return all.length - taken.length;
  }

  /** Takes one away, and ends its upload. @param {string} key */
  cancel(key) {
    for (const item of this.items) {
      if (item.key !== key) continue;
      item.stop.abort();
      if (item.preview) URL.revokeObjectURL(item.preview);
    }
    this.items = this.items.filter((item) => item.key !== key);
    this.#next();
  }

  /** @param {string} key */
  retry(key) {
    for (const item of this.items) {
      if (item.key === key && item.state === "failed") Object.assign(item, { state: "waiting", progress: 0, reason: "", stop: new AbortController() });
    }
    this.#next();
  }

  /** Hands over to a message what is uploaded. What failed stays: nobody else has it. @returns {import("./rows.js").File[]} */
  take() {
    const taken = this.results;
    for (const { key, state } of [...this.items]) if (state === "done") this.cancel(key);
    return taken;
  }

  #next() {
    const running = this.items.filter(({ state }) => state === "uploading").length;
    const waiting = this.items.filter(({ state }) => state === "waiting");
    for (const item of waiting.slice(0, Math.max(0, AT_ONCE - running))) this.#upload(item);
    this.dispatchEvent(new Event("change"));
  }

  /** @param {Upload} item */
  async #upload(item) {
    const { signal } = item.stop;
    item.state = "uploading";
    try {
      const onProgress = (/** @type {any} */ progress) => {
        item.progress = partOf(progress);
        this.dispatchEvent(new Event("change"));
      };
      const result = await this.#gate.upload(item.file, { onProgress, signal });
      if (signal.aborted) return;
      Object.assign(item, { state: "done", progress: 1, result });
      if (isPicture(result)) await this.#keepPicture(result.id, item);
    } catch (error) {
      if (signal.aborted) return;
      const hopeless = HOPELESS.has(/** @type {any} */ (error)?.code);
      Object.assign(item, { state: "failed", reason: whyNot(error, item.file), hopeless });
    }
    this.#next();
  }

  /** The sender's own copy is shown in the message, at its proportion from the start. @param {string} id @param {Upload} item */
  async #keepPicture(id, item) {
    picturesOf(this.#gate).remember(id, item.file);
    try {
      const bitmap = await createImageBitmap(item.file);
      rememberProportion(id, bitmap.width, bitmap.height);
      bitmap.close();
    } catch {
      // No picture the browser can show: the placeholder's proportion has to do.
    }
  }
}
