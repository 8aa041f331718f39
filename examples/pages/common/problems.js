/** What went wrong, in words for people. */

const WORDS = new Map([
  ["network", "The gateway cannot be reached. Check the connection and try again."],
  ["throttled", "That was a little too fast. Wait a moment and try again."],
  ["overloaded", "The gateway is busy. Try again in a moment."],
  ["store-unavailable", "The gateway cannot store anything at the moment. Try again soon."],
  ["broker-unavailable", "The gateway cannot deliver at the moment. Try again soon."],
  ["not-found", "It is not there any more."],
  ["forbidden", "You may not do that."],
  ["token-expired", "You are signed out."],
  ["unauthenticated", "You are signed out."],
]);

/** @param {any} error @returns {string} a sentence for people */
export function inWords(error) {
  const known = WORDS.get(error?.code);
  if (known) return known;
  if (error?.detail) return error.detail;
  return error instanceof Error ? error.message : String(error);
}
