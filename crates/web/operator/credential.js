/**
 * The token of whoever looks at this page: in this tab only. It comes in the sign-in box, or in the address after the `#`,
 * which no browser sends, and leaves the address at once.
 */

const KEY = "pollgate-operator-token";

/** Where there is no storage: good until the page is left. */
let unstored = "";

/** @returns {string} empty: nobody is signed in */
export function token() {
  try {
    return sessionStorage.getItem(KEY) ?? unstored;
  } catch {
    return unstored;
  }
}

/** @param {string} given empty: signs out */
export function keep(given) {
  unstored = given;
  try {
    if (given) sessionStorage.setItem(KEY, given);
    else sessionStorage.removeItem(KEY);
  } catch {
    // See above.
  }
}

/** @param {string} fragment @returns {string} the token in it, or nothing */
export function tokenIn(fragment) {
  return new URLSearchParams(fragment.replace(/^#/, "")).get("token") ?? "";
}

/** Takes a token off the address. @returns {boolean} there was one */
export function takeToken() {
  const given = tokenIn(location.hash);
  if (!given) return false;
  keep(given);
  history.replaceState(history.state, "", location.pathname + location.search);
  return true;
}

/** @param {string} [given] @returns {Record<string, string>} what a request needs; without a token the browser's own credential, if any, holds */
export function authorization(given = token()) {
  return given ? { authorization: `Bearer ${given}` } : {};
}
