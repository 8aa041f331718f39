/** A small line beside a number. Decoration: the number says it. */

import { nothing, svg, html } from "/operator/shared/vendor/lit-html/lit-html.js";

const WIDTH = 120;
const HEIGHT = 32;
/** Room for the line's own width. */
const EDGE = 2;

/** @param {(number | null)[]} values @param {number} width @param {number} height @returns {string} a path, broken at gaps */
export function path(values, width = WIDTH, height = HEIGHT) {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return "";
  const most = Math.max(...known, 1e-9);
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  let drawn = "";
  let pen = false;
  values.forEach((value, place) => {
    if (value !== null) {
      const [x, y] = [place * step, height - EDGE - (value / most) * (height - 2 * EDGE)];
      drawn += `${pen ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
    }
    pen = value !== null;
  });
  return drawn;
}

/** @param {(number | null)[]} values */
export function spark(values) {
  const drawn = path(values);
  if (!drawn) return nothing;
  return html`<svg class="spark" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true" focusable="false">${svg`<path d=${drawn} vector-effect="non-scaling-stroke"/>`}</svg>`;
}
