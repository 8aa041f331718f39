/**
 * What must not outlive the tests: gateways, browsers, schemas, virtual hosts. Each test removes its own; who interrupts
 * the tests has no `after` run, and this removes what stands then.
 */

const ENDINGS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
/** Nobody who interrupts waits for longer. */
const MOST_MS = 15_000;

/** @type {Set<() => Promise<unknown>>} */
const removals = new Set();
let listening = false;
let ending = false;

/** @param {number} code */
async function end(code) {
  if (ending) return;
  ending = true;
  setTimeout(() => process.exit(code), MOST_MS).unref();
  await Promise.allSettled([...removals].map((remove) => remove()));
  process.exit(code);
}

/** @param {() => Promise<unknown>} remove @returns {() => void} to be called when it is removed otherwise */
export function leaves(remove) {
  if (!listening) for (const [signal, code] of Object.entries(ENDINGS)) process.on(signal, () => end(code));
  listening = true;
  removals.add(remove);
  return () => removals.delete(remove);
}
