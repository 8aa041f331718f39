/** Several tabs of one browser: one of them asks for all, and another takes over when it is gone. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { onePair } from "../everypair.js";
import { figure } from "../figures.js";
import { hears, heardBodies, live, name, Person } from "../people.js";

const TABS = 5;
const HAND_OVER_MS = 2000;
const isLoop = (request) => /\/v1\/(poll|stream|ws)\b/.test(request.url());

/** The most loops that were under way at once, over all tabs. */
function countLoops(context) {
  const seen = { now: 0, most: 0, asked: 0 };
  const over = (request) => isLoop(request) && (seen.now -= 1);
  context.on("request", (request) => {
    if (!isLoop(request)) return;
    seen.now += 1;
    seen.asked += 1;
    seen.most = Math.max(seen.most, seen.now);
  });
  context.on("requestfinished", over);
  context.on("requestfailed", over);
  return seen;
}

const isLeader = (page) => page.evaluate(() => gate.connectionInfo().leader);

/** Tabs: the one that leads, and the others. */
async function tabs(t, where, options, plain = false) {
  const ann = await Person.at(t, where, name("ann"), { expects: [/net::ERR_/], plain });
  const loops = countLoops(ann.context);
  const pages = [];
  for (let n = 0; n < TABS; n += 1) pages.push(await ann.uses(options));
  await Promise.all(pages.map(live));
  const leads = await Promise.all(pages.map(isLeader));
  assert.equal(leads.filter(Boolean).length, 1, `leaders: ${leads}`);
  const leader = pages[leads.indexOf(true)];
  return { ann, loops, pages, leader, others: pages.filter((page) => page !== leader) };
}

/** Milliseconds until one of `pages` leads. */
async function newLeader(pages, since) {
  await Promise.any(pages.map((page) =>
    page.waitForFunction(() => gate.connectionInfo().leader && gate.connectionInfo().state === "live", null, { polling: 20 })));
  return performance.now() - since;
}

/** @returns what thaws it */
async function freeze(page, context) {
  const session = await context.newCDPSession(page);
  await session.send("Page.setWebLifecycleState", { state: "frozen" });
  return () => session.send("Page.setWebLifecycleState", { state: "active" });
}

const tell = (where, user, body) =>
  where.gateway.backend("POST", "/v1/messages", { from: "friend", to: user, body });

onePair((where) => {
  for (const transport of ["poll", "ws"]) {
    test(`${TABS} tabs make one loop, and all of them hear everything, ${transport}`, async (t) => {
      const { ann, loops, pages } = await tabs(t, where, { transport });
      for (const body of ["one", "two", "three"]) {
        await tell(where, ann.user, body);
        await Promise.all(pages.map((page) => hears(page, body)));
      }
      for (const page of pages) assert.deepEqual(await heardBodies(page), ["one", "two", "three"]);
      if (transport === "poll") assert.equal(loops.most, 1, "polls at once");
      assert.ok(loops.asked > 0 || transport !== "poll");
    });
  }

  test("sends of any tab are shown in all of them", async (t) => {
    const { pages } = await tabs(t, where);
    const other = name("bob");
    await pages[3].evaluate((user) => void gate.conversation({ to: user }).send({ body: "from the fourth tab" }), other);
    await Promise.all(pages.map((page) => hears(page, "from the fourth tab")));
  });

  const ENDS = {
    "is closed": (leader) => leader.close(),
    "crashes": async (leader, context) => {
      const session = await context.newCDPSession(leader);
      session.send("Page.crash").catch(() => {}); // never answered: there is nobody any more
      await leader.waitForEvent("crash");
    },
    "is frozen": freeze,
    "stands still": async (leader) => {
      leader.evaluate(() => { for (const since = now(); now() - since < 6000;); }).catch(() => {});
    },
    "goes to another page": (leader) => leader.goto("about:blank"),
  };
  for (const [end, happens] of Object.entries(ENDS)) {
    test(`when the tab that leads ${end}, another takes over within ${HAND_OVER_MS} ms, and nothing is lost`, async (t) => {
      const { ann, others, leader } = await tabs(t, where, {}, end === "is frozen");
      await tell(where, ann.user, "before");
      await Promise.all(others.map((page) => hears(page, "before")));

      const began = performance.now();
      const ended = happens(leader, ann.context);
      const took = await newLeader(others, began);
      await ended;
      await tell(where, ann.user, "after");
      await Promise.all(others.map((page) => hears(page, "after")));
      figure(t, `hand-over when the leader ${end}`, [took]);
      assert.ok(took < HAND_OVER_MS, `${took} ms`);
      for (const page of others) assert.deepEqual(await heardBodies(page), ["before", "after"]);
      const leads = await Promise.all(others.map(isLeader));
      assert.equal(leads.filter(Boolean).length, 1, `leaders: ${leads}`);
    });
  }

  test("a tab that was frozen goes on as one of the others, and has missed nothing", async (t) => {
    const { ann, others, leader } = await tabs(t, where, {}, true);
    const thaw = await freeze(leader, ann.context);
    await newLeader(others, performance.now());
    await tell(where, ann.user, "while frozen");
    await Promise.all(others.map((page) => hears(page, "while frozen")));
    await thaw();
    await tell(where, ann.user, "thawed");
    await hears(leader, "thawed");
    await leader.waitForFunction(() => !gate.connectionInfo().leader, null, { polling: 20 });
    await leader.evaluate((user) => gate.conversation({ to: user }).load({ force: true }), "friend");
    const bodies = await leader.evaluate((user) => gate.conversation({ to: user }).entries.map(({ body }) => body), "friend");
    assert.deepEqual(bodies, ["while frozen", "thawed"]);
  });
}, { env: { POLLGATE_POLL__HOLD_MS: "1500" } });
