/**
 * Pictures that need a credential: fetched as blobs, shown by an address of the page's own, given back when nobody shows
 * them. A few are kept for who scrolls back, and their proportions for longer, so that nothing jumps the second time.
 */

const KEPT = 24;
const PROPORTIONS = 2000;

/** @typedef {{loadFile: (id: string) => Promise<Blob>}} Files */
/** @typedef {{url: Promise<string>, users: number}} Held */

/** @type {Map<string, number>} */ const proportions = new Map();

/** @param {string} id @returns {number | undefined} width by height */
export function proportionOf(id) {
  return proportions.get(id);
}

/** @param {string} id @param {number} width @param {number} height */
export function rememberProportion(id, width, height) {
  if (!width || !height) return;
  if (proportions.size >= PROPORTIONS) proportions.delete(/** @type {string} */ (proportions.keys().next().value));
  proportions.set(id, width / height);
}

export class Pictures {
  /** @type {Map<string, Held>} */ #held = new Map();
  #files;

  /** @param {Files} files */
  constructor(files) {
    this.#files = files;
  }

  /** @param {string} id @returns {Promise<string>} an address, good until `release(id)` */
  hold(id) {
    let held = this.#held.get(id);
    if (held) this.#held.delete(id);
    else held = { url: this.#files.loadFile(id).then((blob) => URL.createObjectURL(blob)), users: 0 };
    held.users += 1;
    this.#held.set(id, held);
    held.url.catch(() => this.#held.delete(id));
    return held.url;
  }

  /** @param {string} id */
  release(id) {
    const held = this.#held.get(id);
    if (held) held.users -= 1;
    this.#tidy();
  }

  /** What was just uploaded need not be fetched. @param {string} id @param {Blob} blob */
  remember(id, blob) {
    if (this.#held.has(id)) return;
    this.#held.set(id, { url: Promise.resolve(URL.createObjectURL(blob)), users: 0 });
    this.#tidy();
  }

  #tidy() {
    const idle = [...this.#held].filter(([, held]) => held.users <= 0);
    for (const [id, held] of idle.slice(0, Math.max(0, idle.length - KEPT))) {
      this.#held.delete(id);
      held.url.then((url) => URL.revokeObjectURL(url), () => {});
    }
  }
}

/** @type {WeakMap<object, Pictures>} */ const all = new WeakMap();

/** @param {Files} gate @returns {Pictures} those of this gate */
export function picturesOf(gate) {
  let found = all.get(gate);
  if (!found) all.set(gate, (found = new Pictures(gate)));
  return found;
}

/** @param {{media_type: string}} file @returns {boolean} whether it is shown, not only offered */
export function isPicture({ media_type }) {
  return ["image/png", "image/jpeg", "image/gif", "image/webp"].includes(media_type);
}

/** Saves a file under its name. @param {Files} files @param {{id: string, name: string}} file */
export async function saveFile(files, { id, name }) {
  const url = URL.createObjectURL(await files.loadFile(id));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The download has begun by then; the address is not needed for the rest of it.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
