/** Where unsent messages lie: in IndexedDB, which all tabs of the browser share, or in memory where there is none. */

/**
 * @typedef {object} Item                a message that was written and not yet accepted
 * @property {string} clientId
 * @property {string} user
 * @property {string} gateway            whom it is for: pages of one origin may speak to several
 * @property {string} lane              messages of one lane are sent in their order
 * @property {number} n                 the order
 * @property {string|null} room
 * @property {string|null} to
 * @property {string} body
 * @property {import("./model.js").FileInfo[]} files
 * @property {string[]} attachments
 * @property {string|null} replyTo
 * @property {number} at                when it was written
 * @property {"queued"|"failed"} state
 * @property {string|null} reason
 * @property {number} attempts
 * @property {number} notBefore         when it may be tried again
 * @property {boolean} [asked]          the gateway said how long to wait
 */

const NAME = "pollgate-outbox";
const STORE = "items";

export class OutboxDb {
  /** @type {IDBFactory|undefined} */ #factory;
  /** @type {Promise<IDBDatabase|null>|null} */ #opening = null;
  /** What this tab knows of, for when there is no database or it goes away. @type {Map<string, Item>} */ #memory = new Map();

  /** Which of these were really written: the place may be full. @type {Set<string>} */ #written = new Set();
  #owner;

  /** @param {{user: string, gateway: string}} owner whose messages it gives @param {IDBFactory} [factory] */
  constructor(owner, factory) {
    this.#owner = owner;
    this.#factory = factory;
  }

  /** All unsent messages, in their order. @returns {Promise<Item[]>} */
  async all() {
    const { user, gateway } = this.#owner;
    const items = await this.#do("readonly", (store) => store.getAll(), () => [...this.#memory.values()]);
    const own = items.filter((/** @type {Item} */ item) => item.user === user && item.gateway === gateway);
    for (const item of own) {
      if (!this.#memory.has(item.clientId)) this.#written.add(item.clientId);
      this.#memory.set(item.clientId, item);
    }
    return own.sort((/** @type {Item} */ a, /** @type {Item} */ b) => a.n - b.n);
  }

  /** What was written and is gone is not given; what could not be written is. @param {string} clientId @returns {Promise<Item|undefined>} */
  async get(clientId) {
    const known = () => this.#memory.get(clientId);
    const kept = await this.#do("readonly", (store) => store.get(clientId), known);
    return kept ?? (this.#written.has(clientId) ? undefined : known());
  }

  /** @param {Item} item */
  async put(item) {
    this.#memory.set(item.clientId, item);
    let written = true;
    await this.#do("readwrite", (store) => store.put(item), () => (written = false));
    if (written) this.#written.add(item.clientId);
  }

  /** Writes it only where it still lies: another tab may have sent or discarded it. @param {Item} item */
  async change(item) {
    if (this.#memory.has(item.clientId)) {
      // There may be room for it by now.
      if (!this.#written.has(item.clientId)) return this.put(item);
      this.#memory.set(item.clientId, item);
    }
    const put = (/** @type {IDBObjectStore} */ store) => {
      const found = store.getKey(item.clientId);
      found.onsuccess = () => found.result !== undefined && store.put(item);
      return found;
    };
    await this.#do("readwrite", put, () => {});
  }

  /** @param {string} clientId */
  async delete(clientId) {
    this.#memory.delete(clientId);
    this.#written.delete(clientId);
    await this.#do("readwrite", (store) => store.delete(clientId), () => {});
  }

  async clear() {
    for (const { clientId } of await this.all()) await this.delete(clientId);
  }

  async close() {
    const opening = this.#opening;
    this.#opening = null;
    (await opening)?.close();
  }

  /**
   * @param {IDBTransactionMode} mode @param {(store: IDBObjectStore) => IDBRequest} work @param {() => any} instead
   * @returns {Promise<any>}
   */
  async #do(mode, work, instead) {
    // The connection may have been closed since: by the page's rest, a later version of the library, the browser.
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const opening = (this.#opening ??= this.#open());
      const db = await opening;
      if (!db) break;
      try {
        return await transacted(db, mode, work);
      } catch {
        if (this.#opening === opening) this.#opening = null;
      }
    }
    // There is none, or it is full or cleared: this tab goes on by itself.
    this.#opening ??= Promise.resolve(null);
    return instead();
  }

  /** @returns {Promise<IDBDatabase|null>} */
  #open() {
    return new Promise((resolve) => {
      try {
        if (!this.#factory) return resolve(null);
        const opening = this.#factory.open(NAME, 1);
        opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: "clientId" });
        opening.onerror = () => resolve(null);
        opening.onsuccess = () => {
          const db = opening.result;
          // A later version of the library wants the place: whoever holds on to it blocks it.
          db.onversionchange = () => db.close();
          resolve(db);
        };
      } catch {
        resolve(null);
      }
    });
  }
}

/**
 * @param {IDBDatabase} db @param {IDBTransactionMode} mode @param {(store: IDBObjectStore) => IDBRequest} work
 * @returns {Promise<any>}
 */
function transacted(db, mode, work) {
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(STORE, mode);
    const request = work(transaction.objectStore(STORE));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = () => reject(transaction.error);
    transaction.onerror = () => reject(transaction.error);
  });
}
