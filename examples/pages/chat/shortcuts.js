/** The keys of the page. Pure. */

/** @typedef {"search" | "unread" | "next" | "previous" | "help" | "back"} Wish */

/** What the help shows. */
export const SHORTCUTS = [
  { keys: ["Ctrl", "K"], does: "Search rooms and messages" },
  { keys: ["Alt", "Shift", "↓"], does: "Next unread conversation" },
  { keys: ["Alt", "↓"], does: "Next conversation" },
  { keys: ["Alt", "↑"], does: "Previous conversation" },
  { keys: ["↑"], does: "Edit your last message (in an empty field)" },
  { keys: ["Enter"], does: "Send; with Shift a new line" },
  { keys: ["Esc"], does: "Close, cancel, go back" },
  { keys: ["Ctrl", "/"], does: "These keys" },
];

/** @param {Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey" | "isComposing" | "defaultPrevented">} event @returns {Wish | undefined} */
export function shortcutOf({ key, ctrlKey, metaKey, altKey, shiftKey, isComposing, defaultPrevented }) {
  if (isComposing || defaultPrevented) return undefined;
  const command = ctrlKey || metaKey;
  if (command && !altKey && !shiftKey && key.toLowerCase() === "k") return "search";
  if (command && !altKey && key === "/") return "help";
  if (altKey && !command && key === "ArrowDown") return shiftKey ? "unread" : "next";
  if (altKey && !command && !shiftKey && key === "ArrowUp") return "previous";
  if (key === "Escape" && !command && !altKey && !shiftKey) return "back";
  return undefined;
}
