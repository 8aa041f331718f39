/** A shop's colour, made legible: which ink goes on it, and how it must change to be read on a ground. */

const LEGIBLE = 4.5;

/** @typedef {[number, number, number]} Rgb */

/** `#abc`, `#aabbcc`, or null. @param {string|undefined|null} text @returns {Rgb|null} */
export function parse(text) {
  const [, digits] = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text?.trim() ?? "") ?? [];
  if (!digits) return null;
  const full = digits.length === 3 ? [...digits].map((digit) => digit + digit).join("") : digits;
  return /** @type {Rgb} */ ([0, 2, 4].map((at) => Number.parseInt(full.slice(at, at + 2), 16)));
}

/** @param {Rgb} rgb */
export function hex(rgb) {
  return `#${rgb.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;
}

/** Relative luminance as WCAG has it. @param {Rgb} rgb */
function luminance(rgb) {
  const [r, g, b] = rgb.map((part) => (part <= 10.314 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** @param {Rgb} one @param {Rgb} other @returns {number} 1 to 21 */
export function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

const WHITE = /** @type {Rgb} */ ([255, 255, 255]);
const BLACK = /** @type {Rgb} */ ([16, 17, 22]);

/** White or near black, whichever is read better. @param {Rgb} ground @returns {Rgb} */
export function inkOn(ground) {
  return contrast(ground, WHITE) >= LEGIBLE || contrast(ground, WHITE) >= contrast(ground, BLACK) ? WHITE : BLACK;
}

/**
 * The colour itself when it is legible as text on `ground`, else as little nearer to white or black as it takes.
 * @param {Rgb} colour @param {Rgb} ground @returns {Rgb}
 */
export function legibleOn(colour, ground) {
  const goal = luminance(ground) < 0.18 ? WHITE : BLACK;
  for (let share = 0; share < 1; share += 0.05) {
    const mixed = /** @type {Rgb} */ (colour.map((part, at) => Math.round(part + (goal[at] - part) * share)));
    if (contrast(mixed, ground) >= LEGIBLE) return mixed;
  }
  return goal;
}
