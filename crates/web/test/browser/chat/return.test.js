/** Away to another page and back: the browser may have kept the page as it was, or load it again. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { onePair } from "../everypair.js";
import { name, Person } from "../people.js";
import { two } from "./page.js";

/** The driver switches the back-forward cache off; people's browsers have it. */
const CACHED = { ignoreDefaultArgs: ["--disable-back-forward-cache"] };
const people = { Person, name };

for (const [title, chromium] of [["a browser that keeps pages", CACHED], ["a browser that loads them again", {}]]) {
  onePair((where) => {
    test(`whoever goes back to the page finds it alive, in ${title}`, async (t) => {
      const { ann, hers, his, room } = await two(t, where, people);
      await hers.opens(room);
      await hers.page.evaluate(() => addEventListener("pageshow", ({ persisted }) => (globalThis.persisted = persisted)));
      await hers.page.goto(`${where.gateway.url}/docs`);
      const asked = ann.asked("/v1/poll").length;
      await his.opens(room);
      await his.write("while you were away");
      await his.message("while you were away").waitFor();
      assert.equal(ann.asked("/v1/poll").length, asked, "a page that is away goes on asking");

      await hers.page.goBack({ waitUntil: "commit" });
      await hers.live();
      if (!(await hers.log.isVisible())) await hers.opens(room);
      await hers.message("while you were away").waitFor();
      const persisted = await hers.page.evaluate(() => globalThis.persisted ?? false);
      const reasons = await hers.page.evaluate(() => performance.getEntriesByType("navigation")[0].notRestoredReasons?.reasons?.map(({ reason }) => reason) ?? []);
      t.diagnostic(`kept by the browser: ${persisted}${reasons.length > 0 ? `, because of ${reasons}` : ""}`);
      if (chromium === CACHED) assert.ok(persisted, `the page keeps itself out of the back-forward cache: ${reasons}`);
      await his.write("and now");
      await hers.message("and now").waitFor();
      await hers.write("I am back");
      await his.message("I am back").waitFor();
      assert.deepEqual(await hers.seqs(), [1, 2, 3, 4]);
      assert.equal(await hers.page.evaluate(() => document.querySelectorAll('[data-connection][data-state="live"]').length > 0), true);
    });
  }, { chromium });
}
