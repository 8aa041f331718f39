/** The order of the mailboxes. */

/** @typedef {import("./api.js").Mailbox} Mailbox */
/** @typedef {{by: "user" | "session" | "ready" | "unacked" | "consumers", down: boolean}} Order */

/** @param {Mailbox[]} rows @param {Order} order @returns {Mailbox[]} what is equal goes by user, then by session */
export function sorted(rows, { by, down }) {
  const sign = down ? -1 : 1;
  const compare = (/** @type {Mailbox} */ a, /** @type {Mailbox} */ b) => {
    const [one, other] = [a[by], b[by]];
    if (typeof one === "number" || typeof other === "number") return (Number(one ?? -1) - Number(other ?? -1)) * sign;
    return String(one ?? "").localeCompare(String(other ?? "")) * sign;
  };
  return [...rows].sort((a, b) => compare(a, b) || a.user.localeCompare(b.user) || (a.session ?? "").localeCompare(b.session ?? ""));
}
