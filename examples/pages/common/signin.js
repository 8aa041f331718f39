/**
 * Who is signed in. Tokens come in the address after the `#`, which a browser never sends, and move to the
 * tab's own storage at once, so that the address can be copied without handing them out.
 */

const KEY = "pollgate-demo-people";

/** @typedef {{user: string, token: string}} Person */

/** @param {string} fragment @returns {Person[]} all people named, each once, the last word about each */
export function parse(fragment) {
  const people = new Map();
  for (const [user, token] of new URLSearchParams(fragment.replace(/^#/, ""))) {
    if (user && token) people.set(user, token);
  }
  return [...people].map(([user, token]) => ({ user, token }));
}

/** @returns {Person[]} everybody this tab holds a token for */
export function everybody() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((person) => person?.user && person?.token) : [];
  } catch {
    return [];
  }
}

/** Takes the tokens off the address. @returns {Person[]} those that stood there */
export function takeTokens() {
  const given = parse(location.hash);
  if (given.length === 0) return [];
  const people = new Map(everybody().map(({ user, token }) => [user, token]));
  for (const { user, token } of given) people.set(user, token);
  const kept = [...people].map(([user, token]) => ({ user, token }));
  try {
    sessionStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // A browser without storage: the tokens are good until the page is left.
  }
  history.replaceState(history.state, "", location.pathname + location.search);
  return given;
}

/**
 * Who uses this page: whose token alone the address brought, else whom it names (`?as=ann`), else the first. The name stays
 * in the address, the token does not, so that a reload finds the same person again.
 * @returns {Person | undefined}
 */
export function signIn() {
  const given = takeTokens();
  const all = [...everybody(), ...given];
  const people = new Map(all.map(({ user, token }) => [user, token]));
  const url = new URL(location.href);
  const named = url.searchParams.get("as");
  const user = given.length === 1 ? given[0].user : named ? named : (given[0] ?? all[0])?.user;
  const token = user && people.get(user);
  if (!user || !token) return undefined;
  if (named !== user) {
    // What was open belongs to somebody else.
    if (named) url.search = "";
    url.searchParams.set("as", user);
    history.replaceState(history.state, "", url.pathname + url.search);
  }
  return { user, token };
}

/** @param {Person} person @param {string} page @returns {string} an address that signs this person in, in another tab, too */
export function linkFor(person, page) {
  const fragment = new URLSearchParams({ [person.user]: person.token });
  return `${page}?${new URLSearchParams({ as: person.user })}#${fragment}`;
}

/** Forgets everybody's token in this tab. */
export function signOut() {
  sessionStorage.removeItem(KEY);
}

/**
 * When a token runs out, as the token itself says. It is read to tell people in words, never to decide anything.
 * @param {string} token @returns {Date | undefined}
 */
export function expiry(token) {
  try {
    const claims = JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
    return Number.isFinite(claims.exp) ? new Date(claims.exp * 1000) : undefined;
  } catch {
    return undefined;
  }
}
