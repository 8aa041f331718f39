/**
 * Style sheets for the shadow root, from the same files the other pages use. They are constructed, not written into the
 * page, so a shop's policy needs no `style-src` for them.
 */

import { contrast, hex, inkOn, legibleOn, parse } from "../colour.js";

/** @typedef {import("../colour.js").Rgb} Rgb */

/** Of the grounds that the tokens have, those on which the accent is hardest to read. */
const LIGHT_GROUND = /** @type {Rgb} */ ([240, 242, 248]);
const DARK_GROUND = /** @type {Rgb} */ ([35, 40, 54]);
const WHITE = /** @type {Rgb} */ ([255, 255, 255]);

/**
 * Lengths in `rem` follow the shop's root element, whatever size that has; here they follow the widget's own. Conditions
 * of media queries know no variables, and go by the browser's size anyway.
 * @param {string} css
 */
export function ownRem(css) {
  return css
    .split(/(@[^{};]*)/)
    .map((part) => (part.startsWith("@") ? part : part.replace(/(-?\d*\.?\d+)rem\b/g, "calc($1 * var(--rem))")))
    .join("");
}

/** The accent of the pages' tokens, in the shop's colour. @param {string} colour */
export function accent(colour) {
  const rgb = parse(colour) ?? /** @type {Rgb} */ ([79, 70, 229]);
  const ink = inkOn(rgb);
  // A colour of middling lightness is read with neither ink: it is made a little darker.
  const fill = contrast(rgb, ink) >= 4.5 ? rgb : legibleOn(rgb, WHITE);
  return `:host {
    --accent: light-dark(${hex(legibleOn(rgb, LIGHT_GROUND))}, ${hex(legibleOn(rgb, DARK_GROUND))});
    --accent-fill: ${hex(fill)};
    --on-accent: ${hex(inkOn(fill))};
    --accent-soft: light-dark(color-mix(in srgb, ${hex(fill)} 12%, white), color-mix(in srgb, ${hex(fill)} 30%, #14171f));
  }`;
}

/** @param {string} css */
function sheet(css) {
  const made = new CSSStyleSheet();
  made.replaceSync(css);
  return made;
}

/** @param {URL[]} urls @param {string} colour @returns {Promise<CSSStyleSheet[]>} */
export async function sheets(urls, colour) {
  const texts = urls.map(async (url) => {
    const response = await fetch(url, { credentials: "omit" });
    if (!response.ok) throw new Error(`${url.pathname} answered ${response.status}`);
    return ownRem(await response.text());
  });
  return [...(await Promise.all(texts)), accent(colour)].map(sheet);
}
