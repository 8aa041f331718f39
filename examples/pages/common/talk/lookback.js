/** The way back to a message that lies far above. */

/** So many pages are looked through at a time: on a phone, many thousands of messages are too many to show. */
export const MOST_PAGES = 40;

/**
 * @typedef {object} Way
 * @property {() => boolean} reached
 * @property {() => boolean} left       the reader has gone elsewhere
 * @property {() => boolean} more       there is something further back
 * @property {() => Promise<boolean>} page loads it; false: it could not be read
 */

/**
 * `passed`: all that could hold it is there; `far`: it lies further back than was looked; `failed`: it could not be read.
 * @param {Way} way @param {number} [most] @returns {Promise<"passed"|"far"|"failed"|"left">}
 */
export async function lookBack({ reached, left, more, page }, most = MOST_PAGES) {
  for (let n = 0; !left(); n += 1) {
    if (reached() || !more()) return "passed";
    if (n >= most) return "far";
    if (!(await page()) && !left()) return "failed";
  }
  return "left";
}
