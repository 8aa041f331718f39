/**
 * What the shop asks of the widget: the attributes of its script tag.
 *
 * A module has no `document.currentScript`, so the tag is found by the address that the module itself was loaded from.
 *
 * @typedef {object} WidgetOptions
 * @property {string} gateway    origin of the gateway
 * @property {string} desk       category of the rooms, and the agents' desk
 * @property {string} title
 * @property {string} greeting
 * @property {string} colour     `#rrggbb`
 * @property {{kind: string, id: string}|null} context   what the visitor looks at, such as an order
 * @property {"left"|"right"} side
 * @property {"auto"|"light"|"dark"} theme
 * @property {boolean} eager     connect at once, not only when the chat is opened or was used before
 * @property {(why: {expired: boolean}) => Promise<SignIn>} signIn
 *
 * @typedef {object} SignIn
 * @property {string} token
 * @property {string} user
 * @property {Record<string, string>} [names]   what users are called, by id
 */

import { parse } from "../colour.js";

const PATIENCE_MS = 10_000;
const COLOUR = "#4f46e5";

/** Why the widget cannot start, for whoever embeds it. */
export class Misuse extends Error {}

/** @param {string} url `import.meta.url` of the entry @param {ParentNode} page @returns {HTMLScriptElement|null} */
export function ownTag(url, page) {
  const tags = /** @type {HTMLScriptElement[]} */ ([...page.querySelectorAll('script[type="module"][src]')]);
  return tags.find((tag) => tag.src === url) ?? null;
}

/** `order:1042`, with the first colon as the divider. @param {string|undefined} text */
export function parseContext(text) {
  const [, kind, id] = /^([^:]{1,64}):(.{1,128})$/s.exec(text?.trim() ?? "") ?? [];
  return kind ? { kind, id } : null;
}

/** The user a JWT was made for. An opaque token says nothing. @param {string} token @returns {string|null} */
export function subject(token) {
  try {
    const middle = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(middle), (letter) => letter.charCodeAt(0));
    const { sub } = JSON.parse(new TextDecoder().decode(bytes));
    return typeof sub === "string" && sub !== "" ? sub : null;
  } catch {
    return null;
  }
}

/** What a shop may answer: the token as a text, or `{token, user, names}`. @param {unknown} given @returns {SignIn} */
export function asSignIn(given) {
  const parts = typeof given === "string" ? { token: given.trim() } : /** @type {any} */ (given ?? {});
  if (typeof parts.token !== "string" || parts.token === "") throw new Misuse("the shop gave no token");
  const user = parts.user ?? subject(parts.token);
  if (typeof user !== "string") throw new Misuse("the token is no JWT: answer {\"token\", \"user\"}");
  return { token: parts.token, user, names: parts.names ?? {} };
}

/** @param {string} url */
async function fetched(url) {
  const response = await fetch(url, {
    credentials: "same-origin",
    cache: "no-store",
    headers: { accept: "application/json, text/plain" },
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const text = await response.text();
  return text.trimStart().startsWith("{") ? JSON.parse(text) : text;
}

/** @param {DOMStringMap} data @param {string} base @returns {WidgetOptions["signIn"]} */
function signInBy(data, base) {
  const { tokenUrl, tokenCall } = data;
  if (tokenUrl) {
    const url = new URL(tokenUrl, base).href;
    return async () => asSignIn(await fetched(url));
  }
  if (tokenCall) {
    return async (why) => {
      const call = /** @type {any} */ (globalThis)[tokenCall];
      if (typeof call !== "function") throw new Misuse(`data-token-call: the page has no function ${tokenCall}`);
      return asSignIn(await call(why));
    };
  }
  throw new Misuse("data-token-url is missing: where does the visitor's token come from?");
}

/**
 * @param {DOMStringMap} data the tag's `dataset` @param {string} script where the widget came from
 * @param {string} page the shop page's address @returns {WidgetOptions}
 */
export function read(data, script, page) {
  const desk = data.desk?.trim();
  if (!desk) throw new Misuse("data-desk is missing: which desk shall answer?");
  const context = parseContext(data.context);
  if (data.context && !context) throw new Misuse('data-context must read "kind:id", such as "order:1042"');
  if (data.color && !parse(data.color)) throw new Misuse('data-color must read "#rrggbb"');
  const title = data.title?.trim() || "Support";
  return {
    gateway: new URL(data.gateway ?? script, page).origin,
    desk,
    title,
    greeting: data.greeting?.trim() || "Hello! How can we help?",
    colour: data.color?.trim() || COLOUR,
    context,
    side: data.side === "left" ? "left" : "right",
    theme: data.theme === "light" || data.theme === "dark" ? data.theme : "auto",
    eager: data.connect === "always",
    signIn: signInBy(data, page),
  };
}
