/** Which of the answers that tabs share an event makes old: a tab that opens later must not be given them. */

/** @typedef {import("./model.js").GateEvent} GateEvent */

/** By the kind of answer, as `operations.js` names them. @type {Record<string, (event: GateEvent, args: any, user: string) => boolean>} */
const OLD = {
  rooms: (event, args, user) => concernsRoom(event, user),
  room: (event, { id }, user) => event.room === id && concernsRoom(event, user),
  history: ({ type, room }, { id }) => room === id && type.startsWith("message.") && type !== "message.read",
  receipts: ({ type, room }, { id }) => room === id && (type === "message.read" || type === "message.created"),
  presence: ({ type, data }, args) => type === "presence" && args.user.includes(data.user),
};

/**
 * @param {string} kind @param {string} user
 * @returns {(event: GateEvent, args: any) => boolean}
 */
export function madeOldBy(kind, user) {
  const old = OLD[kind];
  return (event, args) => old !== undefined && old(event, args, user);
}

/**
 * Whether an answer is kept for who asks later: pages further up, or of what was missed, are read once by who needs them.
 * @param {string} kind
 * @returns {(args: any) => boolean}
 */
export function keptOf(kind) {
  return (args) => kind !== "history" || (args.before === undefined && args.after === undefined);
}

/** What the other members have read changes no room. @param {GateEvent} event @param {string} user */
function concernsRoom({ type, data }, user) {
  if (type === "message.read") return data.user === user;
  return /^(message|room|member)\./.test(type);
}
