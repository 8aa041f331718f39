/** A long room: scrolling up through all of it, without losing one's place. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { everyPair } from "../everypair.js";
import { figure } from "../figures.js";
import { name, Person } from "../people.js";
import { Chat } from "./page.js";

const MESSAGES = 1000;
const AT_ONCE = 20;
/** A line's rounding; anything that moves by more is seen. */
const STILL_PX = 2;

async function longRoom({ gateway }, from, to) {
  const first = await gateway.backend("POST", "/v1/messages", { from, to, body: "the first of many" });
  for (let sent = 1; sent < MESSAGES; sent += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, MESSAGES - sent) }, (_, n) => sent + n + 1);
    await Promise.all(batch.map((n) => gateway.backend("POST", "/v1/messages", {
      from, room: first.room, body: n % 7 === 0 ? `number ${n}, with\nmore than\none line` : `number ${n}`,
    })));
  }
  return first.room;
}

/** The first message that is seen whole: its `seq` and where it stands. */
const topmost = (chat) =>
  chat.page.evaluate(() => {
    const scroller = document.querySelector("[data-scroller]");
    const edge = scroller.getBoundingClientRect().top;
    for (const message of scroller.querySelectorAll("[data-key][data-seq]")) {
      const { top } = message.getBoundingClientRect();
      if (top >= edge) return { seq: Number(message.dataset.seq), top };
    }
    return null;
  });

const topOf = (chat, seq) =>
  chat.page.evaluate((wanted) => document.querySelector(`[data-scroller] [data-seq="${wanted}"]`)?.getBoundingClientRect().top ?? null, seq);

const oldest = async (chat) => Math.min(...await chat.seqs());

everyPair((where) => {
  test(`${MESSAGES} messages are scrolled through, and each page that comes leaves the view where it was`, async (t) => {
    const ann = await Person.at(t, where, name("ann"));
    const friend = name("bob");
    const room = await longRoom(where, friend, ann.user);
    const chat = await Chat.of(ann);
    await chat.live();
    await chat.opens(room);
    await chat.log.locator(`[data-seq="${MESSAGES}"]`).waitFor();

    const moved = [];
    const seen = new Set(await chat.seqs());
    for (let first = await oldest(chat); first > 1; first = await oldest(chat)) {
      // as a wheel does: to the top, but for a little that is still to go
      const before = await chat.page.evaluate(() => {
        const scroller = document.querySelector("[data-scroller]");
        scroller.scrollTop = 40;
        const edge = scroller.getBoundingClientRect().top;
        const message = [...scroller.querySelectorAll("[data-key][data-seq]")].find((one) => one.getBoundingClientRect().top >= edge);
        return { seq: Number(message.dataset.seq), top: message.getBoundingClientRect().top };
      });
      await chat.page.waitForFunction((old) => {
        const all = [...document.querySelectorAll("[data-scroller] [data-seq]")].map((one) => Number(one.dataset.seq)).filter(Boolean);
        return Math.min(...all) < old;
      }, first, { polling: 20 });
      await frames(chat);
      const top = await topOf(chat, before.seq);
      assert.notEqual(top, null, `message ${before.seq} is gone`);
      moved.push(Math.abs(top - before.top));
      (await chat.seqs()).forEach((seq) => seen.add(seq));
    }
    const { most } = { most: Math.max(...moved) };
    figure(t, `chat: how far a message moves when older ones come, ${where.pair}`, moved, "px");
    assert.ok(most <= STILL_PX, `moved by ${moved}`);
    assert.equal(seen.size, MESSAGES, "every message was shown");
    assert.ok(moved.length >= MESSAGES / 100 - 2, `${moved.length} pages`);

    // a new message does not pull down who reads old ones
    await chat.scroller.evaluate((scroller) => (scroller.scrollTop = 120));
    await frames(chat);
    const place = await topmost(chat);
    await where.gateway.backend("POST", "/v1/messages", { from: friend, room, body: "and one more" });
    const jump = chat.page.getByRole("button", { name: /^Jump to the end, 1 new/ });
    await jump.waitFor();
    assert.ok(Math.abs(await topOf(chat, place.seq) - place.top) <= STILL_PX, "a new message moved the view");
    await jump.click();
    await chat.message("and one more").waitFor();
    await chat.page.waitForFunction(() => {
      const scroller = document.querySelector("[data-scroller]");
      return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 2;
    });
    const kept = await chat.seqs();
    assert.equal(kept.at(-1), MESSAGES + 1);
    assert.deepEqual(kept, kept.map((_, n) => kept[0] + n), "a hole in what is shown");
  });
});

const frames = (chat) => chat.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
