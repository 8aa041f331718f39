/** Calls somebody's attention: the number in the tab's title, a notice in the page for what happens in other rooms. */

import { avatar } from "../common/avatar.js";
import { nameOf } from "../common/names.js";
import { titleOf } from "./room-words.js";

const NAME = "Chat";

/** @param {number} unread @param {string} open the conversation shown @returns {string} */
export function tabTitle(unread, open) {
  const title = open ? `${open} · ${NAME}` : NAME;
  return unread > 0 ? `(${unread > 99 ? "99+" : unread}) ${title}` : title;
}

export class Attention {
  #toasts;
  #options;

  /**
   * @param {import("../common/toasts.js").Toasts} toasts
   * @param {{me: string, open: (room: string) => void, shown: () => string | undefined}} options
   */
  constructor(toasts, options) {
    this.#toasts = toasts;
    this.#options = options;
  }

  /** @param {number} unread @param {string} open */
  count(unread, open) {
    const title = tabTitle(unread, open);
    if (document.title !== title) document.title = title;
  }

  /** @param {{event: any, room: any, title: string, body: string}} notification */
  notify({ event, room, title, body }) {
    const id = room?.id ?? event.room;
    const onPage = document.visibilityState === "visible";
    if (!onPage || id === this.#options.shown()) return;
    const face = avatar(event.data.sender, { size: "small" });
    const name = room ? titleOf(room, this.#options.me) : title;
    const text = room?.kind === "group" ? `${nameOf(event.data.sender)}: ${body}` : body;
    this.#toasts.show({ title: name, text, face, key: `room:${id}`, open: () => this.#options.open(id) });
  }
}
