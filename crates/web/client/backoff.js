/** How long to wait: after failures, and when the gateway names a time. */

const FIRST_MS = 500;
const MOST_MS = 20_000;

/**
 * Before attempt `failures + 1`: anywhere from nothing to a ceiling that doubles, so that those who failed together
 * do not come back together.
 * @param {number} failures @param {() => number} [random]
 */
export function backoff(failures, random = Math.random) {
  const ceiling = Math.min(MOST_MS, FIRST_MS * 2 ** Math.max(0, failures - 1));
  return Math.round(random() * ceiling);
}

/** What the gateway asked for and up to a quarter more: everybody was told the same. @param {number} ms @param {() => number} [random] */
export function spread(ms, random = Math.random) {
  return Math.round(ms * (1 + random() / 4));
}
