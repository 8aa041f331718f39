/** Accessibility, as axe sees it. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const source = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const GRAVE = ["serious", "critical"];

/**
 * No serious and no critical finding, in both schemes; shadow roots are looked into.
 * @param {import("playwright-core").Page} page
 * @param {string} state what the page shows; for the message
 */
export async function audit(page, state) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await settled(page);
    if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(source);
    const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
    const grave = violations.filter(({ impact }) => GRAVE.includes(impact));
    assert.deepEqual(grave.map(told), [], `${state}, ${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: "light", reducedMotion: null });
}

/** Colours that are still on their way to the other scheme would be measured half-way; shadow roots have such, too. */
const settled = (page) =>
  page.evaluate(() => {
    const roots = [document];
    for (const root of roots) for (const one of root.querySelectorAll("*")) if (one.shadowRoot) roots.push(one.shadowRoot);
    const ending = roots.flatMap((root) => root.getAnimations()).filter(({ effect }) => effect?.getComputedTiming().endTime !== Infinity);
    return Promise.allSettled(ending.map(({ finished }) => finished)).then(() => {});
  });

const told = ({ id, impact, help, nodes }) =>
  `${impact} ${id}: ${help} — ${nodes.slice(0, 5).map(({ target, failureSummary }) => `${target.join(" ")} (${failureSummary?.split("\n").slice(1).join(" ")})`).join("; ")}`;
