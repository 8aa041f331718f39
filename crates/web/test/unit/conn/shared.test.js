import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { browser } from "./browser.js";
import { event, pass, settle } from "./fakes.js";

const { timers } = mock;
beforeEach(() => timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: 1_000_000 }));
afterEach(() => timers.reset());

/** Tabs that share a request, counted. */
async function sharing() {
  const parts = browser();
  const asked = [];
  const open = () => {
    const tab = parts.open();
    tab.link.provide("rooms", async (args) => {
      asked.push([tab, args]);
      return tab.answer ? tab.answer(args) : { rooms: asked.length };
    });
    return tab;
  };
  const tabs = [open(), open(), open()];
  await settle();
  return { ...parts, tabs, asked };
}

test("one request for all tabs and components, and for as long as its answer is fresh", async () => {
  const { tabs, asked, end } = await sharing();
  const all = await Promise.all(tabs.flatMap(({ link }) => [1, 2, 3].map(() => link.fetchShared("rooms", { limit: 5 }, { maxAgeMs: 10_000 }))));
  assert.equal(asked.length, 1);
  assert.ok(all.every(({ data, at }) => data.rooms === 1 && at === 1_000_000));
  await pass(timers, 9_000, 200);
  await tabs[2].link.fetchShared("rooms", { limit: 5 }, { maxAgeMs: 10_000 });
  assert.equal(asked.length, 1);
  await pass(timers, 2_000, 200);
  await tabs[2].link.fetchShared("rooms", { limit: 5 }, { maxAgeMs: 10_000 });
  assert.equal(asked.length, 2);
  await tabs[1].link.fetchShared("rooms", { limit: 6 }, { maxAgeMs: 10_000 });
  assert.equal(asked.length, 3, "other arguments are another request");
  assert.ok(asked.every(([tab]) => tab === tabs[0]), "the leader makes them");
  end();
});

test("force asks anew, once for all that force", async () => {
  const { tabs, asked, end } = await sharing();
  const options = { maxAgeMs: 10_000 };
  await tabs[1].link.fetchShared("rooms", null, options);
  const forced = await Promise.all(tabs.map(({ link }) => link.fetchShared("rooms", null, { ...options, force: true })));
  assert.equal(asked.length, 2);
  assert.ok(forced.every(({ data }) => data.rooms === 2));
  const after = await tabs[2].link.fetchShared("rooms", null, options);
  assert.equal(after.data.rooms, 2);
  end();
});

test("what was asked for before an event that changes it is given to nobody after it", async () => {
  const { gateway, open, end } = browser();
  let asked = 0;
  let finish;
  const start = () => {
    const tab = open();
    const fetcher = () => ((asked += 1), asked === 2 ? new Promise((resolve) => (finish = () => resolve("old"))) : `new ${asked}`);
    tab.link.provide("history", async (args) => fetcher(args), ({ room }, args) => room === args.id);
    return tab;
  };
  const [a, b] = [start(), start()];
  await settle();
  const read = ({ link }, id) => link.fetchShared("history", { id }, { maxAgeMs: 10_000 });
  await read(b, "r");
  await gateway.push([{ ...event(1), room: "other" }], { cursor: "a" });
  const late = start();
  await settle();
  assert.equal((await read(late, "r")).data, "new 1", "another room's event changes nothing");
  await gateway.push([{ ...event(2), room: "r" }], { cursor: "b" });
  const slow = read(late, "r");
  await settle();
  assert.equal(asked, 2, "what was kept is stale");
  // While that is under way, another event comes.
  await gateway.push([{ ...event(3), room: "r" }], { cursor: "c" });
  assert.equal((await read(b, "r")).data, "new 3", "nor does it do for who asks now");
  finish();
  assert.equal((await slow).data, "old");
  await settle();
  assert.equal((await read(a, "r")).data, "new 3", "and it is not kept");
  assert.equal(asked, 3);
  end();
});

test("what was kept before a resync is not given to who reads again because of it", async () => {
  const { gateway, tabs, asked, end } = await sharing();
  const options = { maxAgeMs: 60_000 };
  await Promise.all(tabs.map(({ link }) => link.fetchShared("rooms", null, options)));
  const again = [];
  tabs.forEach(({ link }) => link.addEventListener("resync", () => again.push(link.fetchShared("rooms", null, options))));
  await gateway.push([], { resync: true, cursor: "a" });
  assert.deepEqual((await Promise.all(again)).map(({ data }) => data.rooms), [2, 2, 2]);
  assert.equal(asked.length, 2);
  end();
});

test("a request that was under way when events were missed does for nobody who asks after that", async () => {
  const { gateway, tabs, asked, end } = await sharing();
  const read = ({ link }) => link.fetchShared("rooms", null, { maxAgeMs: 60_000 });
  let finish;
  tabs[0].answer = () => (asked.length === 1 ? new Promise((resolve) => (finish = () => resolve("old"))) : "new");
  const before = tabs.map(read);
  await settle();
  await gateway.push([], { resync: true, cursor: "a" });
  const after = tabs.map(read);
  await settle();
  finish();
  assert.deepEqual((await Promise.all(after)).map(({ data }) => data), ["new", "new", "new"]);
  assert.deepEqual((await Promise.all(before)).map(({ data }) => data), ["old", "old", "old"]);
  await settle();
  assert.deepEqual((await Promise.all(tabs.map(read))).map(({ data }) => data), ["new", "new", "new"], "the old one is not kept");
  assert.equal(asked.length, 2);
  end();
});

test("of two requests under way the newer one is joined, and its answer kept, whichever ends last", async () => {
  const { tabs, asked, end } = await sharing();
  const finish = [];
  tabs[0].answer = () => new Promise((resolve) => finish.push(resolve));
  const read = ({ link }, options) => link.fetchShared("rooms", null, { maxAgeMs: 60_000, ...options });
  const force = { force: true };
  const older = [read(tabs[0]), read(tabs[1])];
  await pass(timers, 100);
  const newer = [read(tabs[0], force), read(tabs[1], force)];
  await settle();
  finish[0]("old");
  assert.deepEqual((await Promise.all(older)).map(({ data }) => data), ["old", "old"]);
  newer.push(read(tabs[0], force), read(tabs[2], force));
  await settle();
  assert.equal(asked.length, 2, "what is under way is joined also after the older one ended");
  finish[1]("new");
  assert.deepEqual((await Promise.all(newer)).map(({ data }) => data), Array(4).fill("new"));
  end();
});

test("an answer that comes after that of a later request is not kept in its place", async () => {
  const { tabs, asked, end } = await sharing();
  const finish = [];
  tabs[0].answer = () => new Promise((resolve) => finish.push(resolve));
  const read = ({ link }, options) => link.fetchShared("rooms", null, { maxAgeMs: 60_000, ...options });
  const older = read(tabs[1]);
  await pass(timers, 100);
  const newer = read(tabs[1], { force: true });
  await settle();
  finish[1]("new");
  assert.equal((await newer).data, "new");
  finish[0]("old");
  assert.equal((await older).data, "old");
  await settle();
  for (const tab of tabs) assert.equal((await read(tab)).data, "new");
  assert.equal(asked.length, 2);
  end();
});

test("so many answers are kept, and the oldest go", async () => {
  const { tabs, asked, end } = await sharing();
  const read = (n) => tabs[0].link.fetchShared("rooms", { n }, { maxAgeMs: 60_000 });
  for (let n = 0; n <= 300; n += 1) await read(n);
  await read(300);
  await read(1);
  assert.equal(asked.length, 301);
  await read(0);
  assert.equal(asked.length, 302);
  end();
});

test("what is not to be kept is told to who asked for it, and to nobody else", async () => {
  const { tabs, asked, channels, end } = await sharing();
  const [leader, follower, other] = tabs;
  for (const { link } of tabs) {
    link.provide("page", async ({ before }) => (asked.push(before), `before ${before}`), undefined, () => false);
  }
  const told = [];
  other.link.addEventListener("fetched", ({ detail }) => told.push(detail));
  const said = [];
  channels.lose = (message) => void said.push(JSON.stringify(message));
  const read = ({ link }, before) => link.fetchShared("page", { before }, { maxAgeMs: 60_000 });
  assert.equal((await read(leader, 1)).data, "before 1");
  await settle();
  assert.deepEqual(said.filter((message) => message.includes("before 1")), [], "nobody else wants it");
  const both = await Promise.all([read(follower, 2), read(leader, 2), read(follower, 2)]);
  assert.deepEqual([both.map(({ data }) => data), asked], [Array(3).fill("before 2"), [1, 2]], "what is under way is shared");
  assert.equal((await read(follower, 1)).data, "before 1");
  assert.deepEqual([asked, told], [[1, 2, 1], []], "but not kept");
  end();
});

test("old answers are forgotten, unless somebody asks for ones as old", async () => {
  const { tabs, asked, end } = await sharing();
  const read = (n, maxAgeMs) => tabs[0].link.fetchShared("rooms", { n }, { maxAgeMs });
  await read(1, 5_000);
  await pass(timers, 61_000, 1_000);
  await read(2, 5_000);
  await read(1, 90_000);
  assert.equal(asked.length, 3, "it was dropped when the next one came");
  await pass(timers, 61_000, 1_000);
  await read(3, 5_000);
  await read(2, 90_000);
  assert.equal(asked.length, 4);
  end();
});

test("a clock that was set back makes nothing fresh, and what is read then is kept", async () => {
  const { tabs, asked, end } = await sharing();
  const read = () => tabs[0].link.fetchShared("rooms", null, { maxAgeMs: 10_000 });
  await read();
  timers.setTime(500_000);
  await read();
  assert.equal(asked.length, 2);
  await read();
  assert.equal(asked.length, 2);
  end();
});

test("a tab that is not started asks by itself at once", async () => {
  const { tabs, asked, end } = await sharing();
  tabs[2].link.stop();
  assert.equal((await tabs[2].link.fetchShared("rooms", null)).data.rooms, 1);
  assert.equal(asked[0][0], tabs[2]);
  end();
});

test("every tab is told of an answer, whoever asked", async () => {
  const { tabs, end } = await sharing();
  const told = tabs.map(() => 0);
  tabs.forEach(({ link }, n) => link.addEventListener("fetched", ({ detail }) => detail.kind === "rooms" && (told[n] += 1)));
  await tabs[1].link.fetchShared("rooms", null);
  await settle();
  assert.deepEqual(told, [1, 1, 1]);
  end();
});

test("a refusal reaches whoever asked as a Problem, and is not kept", async () => {
  const { tabs, asked, end } = await sharing();
  tabs[0].answer = async () => {
    const { Problem } = await import("../../../client/problem.js");
    throw new Problem({ status: 429, code: "throttled", detail: "slowly", retryAfterMs: 3000 });
  };
  const refused = { name: "Problem", status: 429, code: "throttled", retryAfterMs: 3000 };
  await Promise.all(tabs.map(({ link }) => assert.rejects(link.fetchShared("rooms", null, { maxAgeMs: 10_000 }), refused)));
  assert.equal(asked.length, 1);
  tabs[0].answer = undefined;
  await tabs[1].link.fetchShared("rooms", null, { maxAgeMs: 10_000 });
  assert.equal(asked.length, 2);
  end();
});

test("a tab that is stopped while it waits for the leader asks nothing by itself", async () => {
  const { tabs, asked, end } = await sharing();
  tabs[0].answer = () => new Promise(() => {});
  const read = ({ link }, n) => link.fetchShared("rooms", { n });
  // one has the leader's word that it asks, the other one has not
  const waiting = [read(tabs[1], 1)];
  await settle();
  waiting.push(read(tabs[1], 2));
  tabs[1].link.stop();
  for (const one of waiting) await assert.rejects(one, { name: "AbortError" });
  await pass(timers, 3_000, 100);
  assert.deepEqual(asked.filter(([tab]) => tab === tabs[1]), []);
  tabs[1].link.start();
  await settle();
  tabs[0].answer = () => "rooms";
  assert.equal((await read(tabs[1], 3)).data, "rooms");
  end();
});

test("a leader that is mute: the tab asks by itself after 1.5 s", async () => {
  const { tabs, asked, end } = await sharing();
  tabs[0].freeze(true);
  tabs[2].freeze(true);
  const fetched = tabs[1].link.fetchShared("rooms", null);
  await pass(timers, 3_000, 100);
  assert.equal((await fetched).data.rooms, asked.length);
  assert.equal(asked.at(-1)[0], tabs[1]);
  end();
});

test("a leader that goes while it asks: the next one is asked, or the tab does it", async () => {
  const { tabs, asked, end } = await sharing();
  tabs[0].answer = () => new Promise(() => {});
  const fetched = tabs[2].link.fetchShared("rooms", null);
  await settle();
  tabs[0].crash();
  await pass(timers, 500, 100);
  assert.equal((await fetched).data.rooms, 2);
  assert.equal(asked.length, 2);
  end();
});

test("the first tab may ask in the moment of its start, before it leads", async () => {
  const { open, end } = browser();
  const a = open();
  a.link.provide("rooms", async () => "rooms");
  const fetched = a.link.fetchShared("rooms", null);
  await settle();
  assert.equal((await fetched).data, "rooms");
  end();
});
