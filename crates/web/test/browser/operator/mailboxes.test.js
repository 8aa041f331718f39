/** Whose mailboxes are deep: who may see it, how one is found, and how it is emptied. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { everyPair } from "../everypair.js";
import { name } from "../people.js";
import { opened, operator } from "./operator.js";

/** What a refused request looks like on a browser's console. */
const REFUSED = [/Failed to load resource.*(401|403)/];
/** More than the default alarm. */
const MANY = 120;

/** @param {import("playwright-core").Page} page @param {string} user */
const row = (page, user) => page.locator("#mailboxes tbody tr", { hasText: user });

everyPair((where) => {
  test("without a token there are figures and no names; a wrong one is said to be wrong", async (t) => {
    const person = await operator(t, where, { expects: REFUSED });
    const page = await opened(person, "");
    await page.locator(".signed-out").waitFor();
    await page.locator(".signed-out").getByRole("button", { name: "Sign in" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Token").fill("no token");
    await dialog.getByRole("button", { name: "Sign in" }).click();
    await dialog.getByText("This token is not good, or not any more.").waitFor();
    await dialog.getByLabel("Token").fill(where.gateway.token("ann"));
    await dialog.getByRole("button", { name: "Sign in" }).click();
    await dialog.getByText("This token has not the scope operator.").waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.length), 0, "a bad token is not kept");
    await dialog.getByLabel("Token").fill(person.token);
    await dialog.getByRole("button", { name: "Sign in" }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("searchbox").waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.locator(".signed-out").waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  });

  test("a token in the link leaves the address at once", async (t) => {
    const person = await operator(t, where);
    const page = await opened(person);
    assert.equal(new URL(page.url()).hash, "");
    await page.getByRole("searchbox").waitFor();
    await page.reload();
    await page.getByRole("searchbox").waitFor();
    assert.deepEqual(await page.evaluate(() => [localStorage.length, document.cookie]), [0, ""]);
  });

  test("a deep mailbox is found by its user and purged by who types the name", async (t) => {
    const user = name("deep");
    await where.gateway.said("ann", user, MANY);
    const person = await operator(t, where);
    const page = await opened(person);
    await page.getByRole("searchbox").fill(user);
    await row(page, user).waitFor();
    await page.waitForFunction((user) => {
      const rows = [...document.querySelectorAll("#mailboxes tbody tr")].filter((one) => one.textContent.includes(user));
      return rows.length === 1 && Number(rows[0].querySelector('[data-label="Waiting"]')?.textContent) >= 120;
    }, user, { polling: 100 });
    assert.match(await row(page, user).innerText(), /alarm/);

    const purge = row(page, user).getByRole("button", { name: `Purge the mailbox of ${user}` });
    await purge.click();
    const dialog = page.getByRole("dialog");
    const go = dialog.getByRole("button", { name: "Purge", exact: true });
    assert.ok(await go.isDisabled());
    await dialog.getByLabel("Type the user's name to go on").fill(user.slice(0, -1));
    assert.ok(await go.isDisabled());
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    assert.equal(person.asked("/v1/mailboxes/").length, 0, "nothing was purged");

    await purge.click();
    await dialog.getByLabel("Type the user's name to go on").fill(user);
    await go.click();
    await dialog.waitFor({ state: "detached" });
    await page.waitForFunction((user) => {
      const rows = [...document.querySelectorAll("#mailboxes tbody tr")].filter((one) => one.textContent.includes(user));
      return rows.every((one) => one.querySelector('[data-label="Waiting"]')?.textContent === "0");
    }, user, { polling: 100 });
    const answer = await where.gateway.call(user, "GET", "/v1/poll?cursor=&wait=1");
    assert.deepEqual(answer.events, [], "nothing waits there any more");
  });

  test("the deepest stand first, and columns sort", async (t) => {
    const [deep, deeper] = [name("aa-deep"), name("zz-deeper")];
    await Promise.all([where.gateway.said("ann", deep, 30), where.gateway.said("bob", deeper, 60)]);
    const person = await operator(t, where);
    const page = await opened(person);
    const order = () => page.locator("#mailboxes tbody th").evaluateAll((cells) => cells.map((cell) => cell.textContent.trim().split(" ")[0]));
    const stands = (first, second) =>
      page.waitForFunction(([first, second]) => {
        const names = [...document.querySelectorAll("#mailboxes tbody th")].map((cell) => cell.textContent);
        const at = (wanted) => names.findIndex((name) => name.includes(wanted));
        return at(first) >= 0 && at(second) > at(first);
      }, [first, second], { polling: 200 });
    await stands(deeper, deep);
    await page.getByRole("button", { name: "User" }).click();
    await stands(deep, deeper);
    assert.equal(await page.locator("#mailboxes th", { hasText: "User" }).getAttribute("aria-sort"), "ascending");
    assert.ok((await order()).length >= 2);
  });
});
