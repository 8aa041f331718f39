/** Requests, counted: many components and tabs ask no more than one. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { onePair } from "../everypair.js";
import { name, Person, live } from "../people.js";

const OPEN_MS = 30_000;

/**
 * Components as pages have them: each shows the rooms and one conversation, and reads both again every ten seconds.
 * @param {import("playwright-core").Page} page
 * @param {number} count
 */
const mount = (page, count) =>
  page.evaluate((components) => {
    globalThis.began = now();
    for (let n = 0; n < components; n += 1) {
      const refresh = () => {
        gate.loadRooms();
        gate.conversation({ to: "friend" }).load();
      };
      refresh();
      setInterval(refresh, 10_000);
    }
  }, count);

async function counted(t, where, user, pages, components) {
  const ann = await Person.at(t, where, user);
  await where.gateway.backend("POST", "/v1/messages", { from: "friend", to: user, body: "hello" });
  const open = [];
  for (let n = 0; n < pages; n += 1) open.push(await ann.uses());
  await Promise.all(open.map(live));
  const since = Date.now();
  const before = ann.asked().length;
  await Promise.all(open.map((page) => mount(page, components)));
  await Promise.all(open.map((page) => page.waitForFunction((ms) => now() - began > ms, OPEN_MS, { polling: 100, timeout: OPEN_MS * 2 })));
  const asked = ann.asked().slice(before).filter(({ at }) => at - since < OPEN_MS);
  const polls = asked.filter(({ path }) => path.startsWith("/v1/poll")).length;
  const others = asked.filter(({ path }) => !path.startsWith("/v1/poll")).map(({ path, at }) => `${path} after ${at - since} ms`);
  return { polls, others };
}

onePair((where) => {
  test("three components and two tabs open for 30 s make the requests of one", async (t) => {
    const [one, six] = await Promise.all([
      counted(t, where, name("one"), 1, 1),
      counted(t, where, name("six"), 2, 3),
    ]);
    t.diagnostic(`one component: ${one.polls} polls, ${one.others.length} others; three in two tabs: ${six.polls} polls, ${six.others.length} others`);
    // a hold is up to a tenth shorter: two loops differ by one poll at most
    assert.ok(Math.abs(six.polls - one.polls) <= 1, `${six.polls} polls instead of ${one.polls}`);
    assert.ok(one.polls >= 5 && one.polls <= 8, `${one.polls} polls of 5.5 s in 30 s`);
    assert.ok(six.others.length <= one.others.length, `${six.others.join("\n")}\ninstead of\n${one.others.join("\n")}`);
  });
});
