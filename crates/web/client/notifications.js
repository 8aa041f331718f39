/**
 * What the user should hear of although nobody looks at it: an event for the page, and a notification of the
 * system when no tab of the browser has the focus, shown by one of them.
 */

/** @typedef {import("./model.js").GateEvent} GateEvent */
/** @typedef {import("./model.js").Room} Room */
/** @typedef {"unsupported"|"default"|"granted"|"denied"} NotificationState */

/** Older news is no news: it stands in the unread counts. */
const NEWS_MS = 60_000;
/** So long other tabs have to say that they are looked at. */
const ANSWER_MS = 150;
const MOST_BODY = 200;
const KEY = "pollgate-notifications";

export class Notifications {
  #link;
  #page;
  #user;
  #emit;
  /** @type {any} */ #api;
  /** @type {Set<ReturnType<typeof setTimeout>>} */ #timers = new Set();
  /** Questions of this tab that another one has answered: it has the focus. */ #answered = 0;
  #asked = 0;
  #self = Math.random().toString(36).slice(2);

  /**
   * @param {{user: string, link: any, page: {focused: boolean}, emit: (type: string, detail: any) => void, Notification?: any}} options
   */
  constructor({ user, link, page, emit, Notification = /** @type {any} */ (globalThis).Notification }) {
    this.#user = user;
    this.#link = link;
    this.#page = page;
    this.#emit = emit;
    this.#api = Notification;
  }

  /** @returns {NotificationState} */
  get state() {
    if (!this.#api || globalThis.isSecureContext === false) return "unsupported";
    return this.#api.permission;
  }

  /** Whether the user wants them in this browser; kept over reloads. */
  get enabled() {
    return storage()?.getItem(KEY) !== "off";
  }

  set enabled(wanted) {
    if (wanted) storage()?.removeItem(KEY);
    else storage()?.setItem(KEY, "off");
  }

  /** Asks for the permission: only from a click or a key, browsers punish anything else. @returns {Promise<NotificationState>} */
  async ask() {
    if (this.state !== "default") return this.state;
    if (globalThis.navigator?.userActivation?.isActive === false) return this.state;
    await this.#api.requestPermission();
    return this.state;
  }

  /**
   * A message came.
   * @param {GateEvent} event @param {Room|undefined} room @param {{looking: boolean, ageMs: number}} how
   */
  message(event, room, { looking, ageMs }) {
    const message = event.data;
    if (message.sender === this.#user || looking || ageMs > NEWS_MS) return;
    // Read elsewhere already.
    if (room && message.seq <= room.last_read_seq) return;
    const title = room?.kind === "group" && room.name ? `${message.sender}, ${room.name}` : message.sender;
    const body = [...(message.body || message.files?.[0]?.name || "")].slice(0, MOST_BODY).join("");
    this.#emit("notification", { event, room, title, body });
    this.#showUnlessSeen({ room: message.room, title, body });
  }

  /** Another tab says something. @param {string} kind @param {any} data */
  heard(kind, data) {
    if (kind === "focus-question" && this.#page.focused) this.#link.broadcast("focus-answer", data);
    else if (kind === "focus-answer" && data.of === this.#self) this.#answered = Math.max(this.#answered, data.n);
  }

  stop() {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  /** @param {{room: string, title: string, body: string}} what */
  #showUnlessSeen(what) {
    if (!this.#link.leading || this.#page.focused || this.state !== "granted" || !this.enabled) return;
    this.#asked += 1;
    const n = this.#asked;
    this.#link.broadcast("focus-question", { of: this.#self, n });
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (this.#answered < n && !this.#page.focused) this.#show(what);
    }, ANSWER_MS);
    this.#timers.add(timer);
  }

  /** @param {{room: string, title: string, body: string}} what */
  #show({ room, title, body }) {
    try {
      const shown = new this.#api(title, { body, tag: `pollgate ${room}`, renotify: true, data: { room } });
      shown.onclick = () => {
        globalThis.focus?.();
        shown.close();
        this.#emit("notification-click", { room });
      };
    } catch {
      // Some phones have the permission and no way to show one from a page. The event has told the page.
    }
  }
}

/** @returns {Storage|undefined} */
function storage() {
  try {
    return globalThis.localStorage;
  } catch {
    return undefined;
  }
}
