/** `resync`: events may have been missed, and whoever listens reads again what they told of. */

import { aborted } from "./clock.js";

/**
 * Says it, and waits for all that the listeners ask to be waited for; rejects with the first of these that fails.
 * @param {EventTarget} target @param {import("./types.js").ResyncReason} reason
 * @param {AbortSignal} signal  ends the waiting
 */
export async function sayResync(target, reason, signal) {
  /** @type {Promise<unknown>[]} */
  const awaited = [];
  const detail = { reason, wait: (/** @type {Promise<unknown>} */ promise) => void awaited.push(promise) };
  target.dispatchEvent(new CustomEvent("resync", { detail }));
  await Promise.race([Promise.all(awaited), aborted(signal)]);
}
