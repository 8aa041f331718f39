/** What can be done with a message, and the ways to it: a menu, the arrow keys, a long press. */

/** @typedef {import("./rows.js").Entry} Entry */

/**
 * @param {Entry} entry
 * @param {{changeable: boolean, reply: () => void, edit: () => void, remove: () => void, discard: () => void}} acts
 * @returns {import("./menu.js").MenuItem[]}
 */
export function itemsFor(entry, { changeable, reply, edit, remove, discard }) {
  const sent = entry.state === "sent" && Boolean(entry.id) && changeable;
  /** @type {import("./menu.js").MenuItem[]} */ const items = [];
  if (sent) items.push({ name: "Reply", icon: "reply", act: reply });
  if (entry.body) items.push({ name: "Copy text", icon: "copy", act: () => navigator.clipboard?.writeText(entry.body).catch(() => {}) });
  if (sent && entry.mine) {
    if (entry.body) items.push({ name: "Edit", icon: "edit", act: edit });
    items.push({ name: "Delete", icon: "trash", danger: true, act: remove });
  }
  if (entry.state === "failed") items.push({ name: "Discard", icon: "trash", danger: true, act: discard });
  return items;
}

/** Arrows go from message to message; Enter opens the menu of one. @param {HTMLElement} log @param {KeyboardEvent} event */
export function moveAmong(log, event) {
  const target = /** @type {HTMLElement} */ (event.target);
  if (!target.matches("[data-key]")) return;
  const items = /** @type {HTMLElement[]} */ ([...log.querySelectorAll("[data-key]")]);
  const at = items.indexOf(target);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (to !== undefined && items[to] && !event.altKey) {
    event.preventDefault();
    items[to].focus();
    items[to].scrollIntoView({ block: "nearest" });
  } else if (event.key === "Enter") {
    event.preventDefault();
    openActions(target);
  }
}

/** A finger that stays opens the menu, and the menu key; a mouse has the browser's own. @param {any} event */
export function longPressed(event) {
  const entry = event.target.closest?.("[data-key]");
  // Browsers that do not say what it was are left alone.
  if (!entry || !["touch", "pen", ""].includes(event.pointerType) || event.target.closest("a")) return;
  event.preventDefault();
  if (event.pointerType === "") return openActions(entry);
  // Only when the finger is lifted: a menu that is open by then would take that for a tap beside it, and close.
  const lifted = new AbortController();
  for (const name of ["pointerup", "pointercancel", "touchend"]) {
    addEventListener(name, () => {
      lifted.abort();
      setTimeout(() => openActions(entry));
    }, { signal: lifted.signal });
  }
}

/** @param {HTMLElement} entry */
function openActions(entry) {
  /** @type {HTMLElement | null} */ (entry.querySelector(".entry-more"))?.click();
}
