/** The same tests on both pairs, each with a gateway and a browser that the tests of one file share. */

import { after, before, describe } from "node:test";

import { PAIRS } from "./backends.js";
import { Gateway } from "./gateway.js";
import { launch } from "./people.js";

/** However slow the machine: what takes longer hangs. Each wait in a test has its own, shorter bound. */
const MOST_MS = 600_000;

/**
 * @param {(where: {pair: string, gateway: Gateway, browser: import("playwright-core").Browser}) => void} declare
 *   declares the tests; `gateway` and `browser` are there when they run
 * @param {{env?: Record<string, string>, pairs?: string[], chromium?: import("playwright-core").LaunchOptions}} [options]
 */
export function everyPair(declare, { env, pairs = PAIRS, chromium } = {}) {
  for (const pair of pairs) {
    describe(pair, { timeout: MOST_MS }, () => {
      const where = { pair };
      before(async () => {
        // one after the other: what did start is known to `after` when the other did not
        where.browser = await launch(chromium);
        where.gateway = await Gateway.started({ pair, env });
      });
      after(async () => {
        await where.browser?.close();
        await where.gateway?.remove();
      });
      declare(where);
    });
  }
}

/** For what the pair makes no difference to. */
export const onePair = (declare, options) => everyPair(declare, { ...options, pairs: PAIRS.slice(0, 1) });
