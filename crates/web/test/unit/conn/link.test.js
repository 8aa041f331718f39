import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { browser } from "./browser.js";
import { FakeShelf, event, pass, problem, settle } from "./fakes.js";

const { timers } = mock;
beforeEach(() => timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: 1_000_000 }));
afterEach(() => timers.reset());

test("three tabs make the polls of one, and each gets every event once", async () => {
  const { gateway, open, end } = browser();
  const tabs = [open(), open(), open()];
  await settle();
  await gateway.push([event(1), event(2)], { cursor: "a" });
  await gateway.push([event(2), event(3)], { cursor: "b" });
  assert.deepEqual(tabs.map(({ told }) => told.events), Array(3).fill(["1", "2", "3"]));
  assert.equal(gateway.mostHeld, 1);
  assert.deepEqual(tabs.map(({ link }) => [link.leading, link.info.leader, link.info.state]), [[true, true, "live"], [false, false, "live"], [false, false, "live"]]);
  assert.equal(tabs[2].link.info.lastEventAt, Date.now());
  end();
});

test("when the leader is closed, the next one goes on with its cursor; nobody misses or repeats anything", async () => {
  const { gateway, open, end } = browser();
  const [a, b, c] = [open(), open(), open()];
  await settle();
  await gateway.push([event(1)], { cursor: "a" });
  a.link.stop();
  await settle();
  assert.equal(gateway.polls.at(-1).cursor, "a");
  assert.equal(b.link.leading, true);
  await gateway.push([event(1), event(2)], { cursor: "b" });
  assert.deepEqual([b.told.events, c.told.events], [["1", "2"], ["1", "2"]]);
  assert.deepEqual([b.told.resyncs, c.told.resyncs], [[], []]);
  end();
});

test("a leader that crashes before its cursor was kept: the event comes again, and is told once", async () => {
  const { gateway, open, end } = browser();
  const [a, b, c] = [open(), open(), open()];
  await settle();
  await gateway.push([event(1)], { cursor: "a" });
  a.crash();
  await settle();
  assert.equal(gateway.polls.at(-2).cursor, "", "it was not kept");
  await gateway.push([event(1), event(2)], { cursor: "b" });
  assert.deepEqual([b.told.events, c.told.events], [["1", "2"], ["1", "2"]]);
  end();
});

test("a leader that is frozen is followed within 2 s; thawed, it neither leads nor misses anything for long", async () => {
  const { gateway, open, end } = browser();
  const [a, b] = [open(), open()];
  await settle();
  await gateway.push([event(1)], { cursor: "a" });
  await pass(timers, 500, 100);
  a.freeze(true);
  await pass(timers, 2_000, 100);
  assert.equal(b.link.leading, true);
  await gateway.push([event(2)], { cursor: "b" });
  a.freeze(false);
  await pass(timers, 1_000, 100);
  assert.equal(a.link.leading, false);
  await gateway.push([event(3)], { cursor: "c" });
  assert.deepEqual(b.told.events, ["1", "2", "3"]);
  assert.deepEqual(b.told.resyncs, []);
  assert.deepEqual(a.told.events, ["1", "3"]);
  assert.ok(a.told.resyncs.includes("away"), "what it missed it reads again");
  end();
});

test("a page that comes back from the cache reads again what the others were told", async () => {
  const { gateway, open, end } = browser();
  const [a, b] = [open(), open()];
  await settle();
  b.world.hides();
  await gateway.push([event(1)], { cursor: "a" });
  b.world.shows();
  await settle();
  assert.deepEqual(b.told.resyncs, ["away"]);
  assert.deepEqual(a.told.resyncs, []);
  end();
});

test("a hole in the numbers of the leader: resync, in this tab alone", async () => {
  const { gateway, open, end, channels } = browser();
  const [a, b, c] = [open(), open(), open()];
  await settle();
  let losing = false;
  const lost = [];
  channels.lose = (copy, channel) => {
    const hit = losing && copy.data?.kind === "event" && channel === lost.channel;
    if (copy.data?.kind === "event" && !lost.channel) lost.channel = channel;
    return hit;
  };
  await gateway.push([event(1)], { cursor: "a" });
  losing = true;
  await gateway.push([event(2)], { cursor: "b" });
  losing = false;
  await gateway.push([event(3)], { cursor: "c" });
  const [hit, spared] = b.told.events.includes("2") ? [c, b] : [b, c];
  assert.deepEqual(hit.told.events, ["1", "3"]);
  assert.deepEqual(hit.told.resyncs, ["away"]);
  assert.deepEqual(spared.told.events, ["1", "2", "3"]);
  assert.deepEqual([spared.told.resyncs, a.told.resyncs], [[], []]);
  end();
});

test("a follower that missed the last words of a leader is told so by the next one", async () => {
  const { gateway, open, end, channels } = browser();
  const [a, b, c] = [open(), open(), open()];
  await settle();
  await gateway.push([event(1)], { cursor: "a" });
  channels.lose = (copy, channel) => copy.data?.kind === "event" && channel.state === c.state;
  await gateway.push([event(2)], { cursor: "b" });
  channels.lose = () => false;
  await pass(timers, 200, 100);
  a.crash();
  await settle();
  assert.equal(b.link.leading, true);
  assert.deepEqual([b.told.resyncs, c.told.resyncs], [[], ["away"]]);
  end();
});

test("a tab that comes to lead goes on where the leader before was, and reads again what it missed of it", async () => {
  const { gateway, open, end, channels } = browser();
  const [a, b] = [open(), open()];
  await settle();
  await gateway.push([event(1)], { cursor: "a" });
  channels.lose = (_, channel) => channel.state === b.state;
  await gateway.push([event(2)], { cursor: "b" });
  await pass(timers, 200, 100);
  a.crash();
  await settle();
  assert.equal(gateway.polls.at(-1).cursor, "b");
  await pass(timers, 300, 100);
  assert.deepEqual(b.told.resyncs, ["away"]);
  end();
});

test("the gateway's resync is told in all tabs; a follower's failure is repeated there, and not confirmed later for it", async () => {
  const { gateway, open, end } = browser();
  const a = open();
  await settle();
  let failures = 1;
  const b = open({ resync: async () => { if (failures-- > 0) throw new Error("history"); } });
  await settle();
  await gateway.push([], { resync: true, cursor: "a" });
  assert.equal(gateway.polls.at(-1).cursor, "a");
  assert.deepEqual(a.told.resyncs, ["gateway"]);
  await pass(timers, 1_000, 50);
  assert.deepEqual(b.told.resyncs, ["gateway", "gateway"]);
  end();
});

test("each cursor is kept, for the next leader and for the next page", async () => {
  const { gateway, open, end } = browser();
  const [a, b] = [open(), open()];
  await settle();
  for (const [n, cursor] of [[1, "a"], [2, "b"], [3, "c"]]) {
    await gateway.push([event(n)], { cursor });
    await pass(timers, 200, 100);
  }
  a.crash();
  await settle();
  assert.equal(b.link.leading, true);
  assert.equal(gateway.polls.at(-1).cursor, "c");
  end();
});

test("where nothing can be stored, the next leader knows the cursor all the same", async () => {
  const { gateway, open, end } = browser();
  const [a, b] = [open({ shelf: null }), open({ shelf: null })];
  await settle();
  await gateway.push([event(1)], { cursor: "a" });
  await pass(timers, 200, 100);
  a.crash();
  await settle();
  assert.equal(b.link.leading, true);
  const [first, next] = [gateway.polls[0], gateway.polls.at(-1)];
  assert.deepEqual([next.session, next.cursor], [first.session, "a"]);
  end();
});

test("a reload goes on with the session and the cursor of before", async () => {
  const { gateway, open, end } = browser();
  const a = open();
  await settle();
  const { session } = gateway.polls[0];
  await gateway.push([event(1)], { cursor: "a" });
  a.world.hides();
  a.crash();
  open();
  await settle();
  const again = gateway.polls.at(-1);
  assert.equal(again.session, session);
  assert.equal(again.cursor, "a");
  end();
});

test("tabs that cannot share have sessions of their own, which a reload keeps and a copy of the tab does not get", async () => {
  const { gateway, open, end } = browser();
  const [one, two] = [new FakeShelf(), new FakeShelf()];
  const a = open({ locks: null, shelf: one, session: "given" });
  const b = open({ channel: null, shelf: two, session: "given" });
  await settle();
  const sessions = new Set(gateway.polls.map(({ session }) => session));
  assert.equal(sessions.size, 2);
  assert.ok(a.link.leading && b.link.leading);
  assert.equal(one.values.size, 0, "what a copy of the tab would find");
  await gateway.push([event(1)], { cursor: "b" });
  a.world.hides();
  b.world.hides();
  const [tab, shelf] = b.told.events.length > 0 ? [b, two] : [a, one];
  const again = open({ channel: null, shelf, session: "given" });
  await settle();
  assert.equal(again.link.session, tab.link.session);
  assert.equal(gateway.polls.at(-1).cursor, "b");
  end();
});

test("superseded by the last word of the leader before is silent", async () => {
  const { gateway, open, end } = browser();
  const [a, b] = [open(), open()];
  await settle();
  a.link.stop();
  gateway.answers.push(problem(409, "superseded"));
  await pass(timers, 2_000, 100);
  assert.equal(b.link.info.state, "live");
  assert.ok(!b.told.states.includes("superseded"));
  await pass(timers, 10_000, 100);
  gateway.answers.push(problem(409, "superseded"));
  await gateway.push([]);
  await pass(timers, 1_000, 100);
  assert.equal(b.link.info.state, "superseded", "later it is somebody else");
  end();
});

test("superseded again and again after taking over is somebody else", async () => {
  const { gateway, open, end } = browser();
  const [a, b] = [open(), open()];
  await settle();
  a.link.stop();
  gateway.answers.push(...Array.from({ length: 20 }, () => problem(409, "superseded")));
  await pass(timers, 4_000, 100);
  assert.equal(b.link.info.state, "superseded");
  const tries = 20 - gateway.answers.length;
  assert.equal(tries, 4);
  end();
});

test("a leader that learns by its poll that another one leads neither polls again nor says so", async () => {
  const { gateway, open, end } = browser();
  const [a, b] = [open(), open()];
  await settle();
  a.freeze(true);
  await pass(timers, 2_000, 100);
  assert.equal(b.link.leading, true);
  const polls = gateway.polls.length;
  await gateway.supersede();
  a.freeze(false);
  await pass(timers, 2_000, 100);
  assert.equal(gateway.polls.length, polls);
  assert.deepEqual([a, b].map(({ link }) => link.info.state), ["live", "live"]);
  assert.ok(![...a.told.states, ...b.told.states].includes("superseded"));
  end();
});

test("superseded is not said any more of a loop that was woken meanwhile", async () => {
  const { gateway, open, end } = browser();
  const [a] = [open(), open()];
  await settle();
  await pass(timers, 11_000, 200);
  await gateway.supersede();
  a.link.wake();
  await pass(timers, 1_000, 100);
  assert.equal(a.link.info.state, "live");
  assert.ok(!a.told.states.includes("superseded"));
  end();
});

test("a tab for itself has no leader before it: superseded is said at once", async () => {
  const { gateway, open, end } = browser();
  const a = open({ locks: null });
  await settle();
  const polls = gateway.polls.length;
  await gateway.supersede();
  assert.equal(a.link.info.state, "superseded");
  await pass(timers, 2_000, 100);
  assert.equal(gateway.polls.length, polls);
  end();
});

test("wake of a follower reaches the leader", async () => {
  const { gateway, open, end } = browser();
  gateway.answers.push(problem(403, "forbidden"));
  const [, b] = [open(), open()];
  await settle();
  assert.equal(b.link.info.state, "refused");
  b.link.wake();
  await settle();
  assert.equal(b.link.info.state, "live");
  end();
});

test("after stop nothing is told, and start goes on", async () => {
  const { gateway, open, end } = browser();
  const [a, b] = [open(), open()];
  await settle();
  b.link.stop();
  const before = b.told.states.length;
  b.link.broadcast("x", 1);
  await gateway.push([event(1)], { cursor: "a" });
  b.world.freeze();
  b.world.resume();
  await settle();
  assert.equal(b.told.states.length, before);
  assert.deepEqual(b.told.events, []);
  assert.equal(b.link.info.state, "idle");
  b.link.start();
  await settle();
  await gateway.push([event(2)], { cursor: "b" });
  assert.deepEqual(b.told.events, ["2"]);
  assert.deepEqual(a.told.events, ["1", "2"]);
  end();
});

test("a broadcast reaches the other tabs; a question the leader", async () => {
  const { open, end } = browser();
  const [a, b] = [open(), open()];
  const heard = [];
  a.link.addEventListener("message", ({ detail }) => heard.push([detail.kind, detail.data]));
  a.link.answer("x", (n) => n + 1);
  await settle();
  b.link.broadcast("draft", { text: "hi" });
  assert.equal(await b.link.ask("x", 1), 2);
  assert.deepEqual(heard, [["draft", { text: "hi" }]]);
  end();
});
