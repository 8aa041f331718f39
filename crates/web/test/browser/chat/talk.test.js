/** Two people talk in two browsers, and see it at once. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { everyPair } from "../everypair.js";
import { below, figure } from "../figures.js";
import { name, Person } from "../people.js";
import { two } from "./page.js";

const MESSAGES = 20;
const MOST_MS = 200;
const people = { Person, name };

everyPair((where) => {
  test(`what one writes the other sees within ${MOST_MS} ms of the key, and the writer at once`, async (t) => {
    const { hers, his, room } = await two(t, where, people);
    await Promise.all([hers, his].map((chat) => chat.opens(room)));
    const here = [];
    let sent = 0;
    const { all, best } = await below(MOST_MS, async () => {
      const there = [];
      for (const end = sent + MESSAGES; sent < end;) {
        sent += 1;
        const [from, to] = sent % 2 === 1 ? [hers, his] : [his, hers];
        const body = `#${sent}#`;
        await from.write(`number ${body}`);
        const seen = await to.shownAt(body);
        const entered = await from.enteredAt();
        there.push(seen - entered);
        here.push(await from.shownAt(body) - entered);
      }
      return there;
    });
    figure(t, `chat: key to the other's page, ${where.pair}`, all);
    const own = figure(t, `chat: key to the writer's own page, ${where.pair}`, here);
    assert.ok(best < MOST_MS, `${best} ms`);
    assert.ok(own.median < MOST_MS, `${own.median} ms`);
    for (const chat of [hers, his]) {
      await chat.message(`#${sent}#`).waitFor();
      assert.deepEqual(await chat.seqs(), Array.from({ length: sent + 1 }, (_, n) => n + 1));
    }
  });

  test("who looks elsewhere sees how many are unread, and nobody sees what was not read as read", async (t) => {
    const { ann, bob, hers, his, room } = await two(t, where, people);
    await hers.opens(room);
    const second = await where.gateway.backend("POST", "/v1/messages", { from: name("cleo"), to: bob.user, body: "Look at me" });
    await his.opens(second.room);
    await his.message("Look at me").waitFor();
    await hers.write("one");
    await hers.write("two");
    await his.page.getByRole("button", { name: /3 unread/ }).waitFor();
    await his.page.waitForFunction(() => document.title.includes("3"));
    const read = async () => (await where.gateway.call(ann.user, "GET", `/v1/rooms/${room}/receipts`)).receipts?.find(({ user }) => user === bob.user);
    assert.equal((await read())?.seq ?? 0, 0, "bob has not looked yet");
    assert.equal(await hers.log.locator('[data-mark="read"]').count(), 0);

    const began = performance.now();
    await his.opens(room);
    await his.message("two").waitFor();
    await hers.message("two").locator('[data-mark="read"]').waitFor();
    figure(t, `chat: looked at, to the writer's receipt, ${where.pair}`, [performance.now() - began]);
    await his.page.getByRole("button", { name: /unread/ }).waitFor({ state: "detached" });
    assert.equal((await read()).seq, 3);
  });

  test("typing is seen while it lasts", async (t) => {
    const { hers, his, room } = await two(t, where, people);
    await Promise.all([hers, his].map((chat) => chat.opens(room)));
    const began = performance.now();
    await hers.text.pressSequentially("I am about to say");
    await his.page.getByRole("main").getByText(/typing/i).first().waitFor();
    figure(t, `chat: first key to "is typing" (with the keys' own time), ${where.pair}`, [performance.now() - began]);
    await hers.text.press("Enter");
    await his.message("I am about to say").waitFor();
    await his.page.getByRole("main").getByText(/typing/i).first().waitFor({ state: "detached" });
  });

  test("a reload keeps what was said, where one was, and what one was", async (t) => {
    const { hers, his, room } = await two(t, where, people);
    await Promise.all([hers, his].map((chat) => chat.opens(room)));
    await hers.write("Remember this");
    await his.message("Remember this").waitFor();
    assert.equal(new URL(his.page.url()).hash, "", "the token is still in the address");
    await his.page.reload();
    await his.live();
    if (!(await his.log.isVisible())) await his.opens(room);
    await his.message("Remember this").waitFor();
    await hers.write("And this");
    await his.message("And this").waitFor();
    assert.deepEqual(await his.seqs(), [1, 2, 3]);
  });
});
