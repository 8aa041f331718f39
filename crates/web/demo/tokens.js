/**
 * Who is signed in. Tokens come in the address after the `#`, which a browser never sends, and move to the
 * tab's own storage at once, so that the address can be copied without handing them out.
 */

const KEY = "pollgate-demo-people";

/** @typedef {{user: string, token: string}} Person */

/** @param {string} fragment @returns {Person[]} the first two people named */
export function parse(fragment) {
  const pairs = new URLSearchParams(fragment.replace(/^#/, ""));
  return [...pairs]
    .filter(([user, token]) => user && token)
    .slice(0, 2)
    .map(([user, token]) => ({ user, token }));
}

/** @returns {Person[]} two people, or none */
export function signIn() {
  const given = parse(location.hash);
  if (given.length === 2) {
    sessionStorage.setItem(KEY, JSON.stringify(given));
    history.replaceState(null, "", location.pathname + location.search);
    return given;
  }
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    return kept.length === 2 ? kept : [];
  } catch {
    return [];
  }
}
