/** The operator page for everybody: phones, dark rooms, keyboards, screen readers. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { audit } from "../audit.js";
import { onePair } from "../everypair.js";
import { name, photograph } from "../people.js";
import { opened, operator, shows, traffic } from "./operator.js";

onePair((where) => {
  test("it fits and can be read, with messages flowing", async (t) => {
    const deep = name("away");
    await where.gateway.said("ann", deep, 120);
    traffic(t, where.gateway);
    const person = await operator(t, where);
    const page = await opened(person);
    await shows(page, "Messages sent", 1);
    await page.getByRole("searchbox").waitFor();
    await audit(page, "the page");
    await photograph(page, "operator");
    await page.getByRole("searchbox").fill(deep);
    await page.locator("#mailboxes tbody tr", { hasText: deep }).getByRole("button", { name: /^Purge/ }).click();
    await page.getByRole("dialog").waitFor();
    await audit(page, "a purge");
    await page.locator("dialog .dialog-body").waitFor();
    await photograph(page, "operator-purge");
  });

  test("it fits and can be read when nobody is signed in and nothing is heard", async (t) => {
    const person = await operator(t, where, { expects: [/Failed to load resource/, /net::ERR/] });
    const page = await opened(person, "");
    await page.locator(".signed-out").getByRole("button").click();
    await page.getByRole("dialog").waitFor();
    await audit(page, "signing in");
    await page.keyboard.press("Escape");
    t.after(() => where.gateway.start());
    await where.gateway.kill();
    await page.locator('.live[data-standing="away"]').waitFor();
    await audit(page, "not live");
    await photograph(page, "operator-away");
  });

  test("a keyboard reaches everything", async (t) => {
    const person = await operator(t, where);
    const page = await opened(person);
    await page.getByRole("searchbox").waitFor();
    const reached = new Set();
    for (let n = 0; n < 25; n += 1) {
      await page.keyboard.press("Tab");
      reached.add(await page.evaluate(() => {
        const one = document.activeElement;
        return one?.getAttribute("aria-label") ?? one?.getAttribute("placeholder") ?? one?.textContent?.trim() ?? "";
      }));
    }
    for (const wanted of ["To the figures", "5 min", "1 hour", "Dark colours", "Sign out", "User"]) {
      assert.ok([...reached].some((one) => one.startsWith(wanted)), `${wanted} is not reached: ${[...reached]}`);
    }
  });
});
