/**
 * The client library from the gateway that this module came from: a widget runs in pages of other origins, so an address
 * that begins with `/` would be the shop's.
 */

/** @type {typeof import("../../../crates/web/client/pollgate.js")} */
const library = await import(new URL("../../client/pollgate.js", import.meta.url).href);

export const { Pollgate } = library;
