import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { Tabs } from "../../../client/tabs/tabs.js";
import { FakeChannels, FakeLocks, FakeWorld, pass, settle } from "./fakes.js";

const { timers } = mock;
beforeEach(() => timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: 1_000_000 }));
afterEach(() => timers.reset());

/** A browser, and tabs of it. */
function browser() {
  const locks = new FakeLocks();
  const channels = new FakeChannels();
  const all = [];
  const open = (options = {}) => {
    const lock = locks.tab();
    const { make, state } = channels.tab();
    const world = FakeWorld.make();
    const tabs = new Tabs({ name: "x", locks: lock, channel: make, world, ...options });
    const told = { leading: [], messages: [], leaders: [] };
    tabs.addEventListener("leading", ({ detail }) => told.leading.push(detail));
    tabs.addEventListener("message", ({ detail }) => told.messages.push(detail.data));
    tabs.addEventListener("leader", ({ detail }) => told.leaders.push(detail));
    const freeze = (frozen) => {
      state.frozen = frozen;
      lock[frozen ? "freeze" : "thaw"]();
    };
    const tab = { tabs, told, world, state, lock, freeze, crash: () => ((state.open = false), lock.crash()) };
    all.push(tab);
    tabs.join();
    return tab;
  };
  const leaders = () => all.filter(({ tabs, state }) => tabs.leading && state.open && !state.frozen);
  const end = () => all.forEach(({ tabs }) => tabs.leave());
  return { open, leaders, end, all, channels, locks };
}

test("of several tabs one leads, and the others know", async () => {
  const { open, leaders, end } = browser();
  const [a, b, c] = [open(), open(), open()];
  await settle();
  assert.deepEqual(leaders(), [a]);
  assert.equal(b.told.leaders.at(-1).tab, a.tabs.id);
  assert.equal(c.told.leaders.at(-1).tab, a.tabs.id);
  await pass(timers, 60_000, 400);
  assert.deepEqual(leaders(), [a], "a leader that is there stays");
  end();
});

test("a tab that is closed, or crashes, is followed at once", async () => {
  const { open, leaders, end } = browser();
  const [a, b, c] = [open(), open(), open()];
  await settle();
  a.tabs.leave();
  await settle();
  assert.deepEqual(leaders(), [b]);
  b.crash();
  await settle();
  assert.deepEqual(leaders(), [c]);
  end();
});

test("a leader that stands still is found within 2 s, and one tab takes over", async () => {
  const { open, leaders, end } = browser();
  const [a, b, c] = [open(), open(), open()];
  await pass(timers, 3_000, 100);
  a.freeze(true);
  await pass(timers, 2_000, 100);
  assert.equal(leaders().length, 1);
  assert.ok(leaders()[0] === b || leaders()[0] === c);
  const later = leaders()[0];
  assert.equal(b.told.leading.length + c.told.leading.length, 1, "they do not take it from each other");
  await pass(timers, 10_000, 200);
  assert.deepEqual(leaders(), [later], "and stays");
  end();
});

test("what was frozen and thaws is no second leader", async () => {
  const { open, leaders, end, all } = browser();
  const [a, b] = [open(), open()];
  await pass(timers, 1_000, 100);
  a.freeze(true);
  await pass(timers, 2_000, 100);
  a.freeze(false);
  await pass(timers, 5_000, 100);
  assert.deepEqual(leaders(), [b]);
  assert.deepEqual(a.told.leading, [true, false]);
  b.tabs.leave();
  await settle();
  assert.deepEqual(leaders(), [a], "it stands in line again");
  assert.equal(all.length, 2);
  end();
});

test("a later leader's word is enough to step down, when the lock's loss is not heard of yet", async () => {
  const { open, leaders, end } = browser();
  const [a, b] = [open(), open()];
  await pass(timers, 1_000, 100);
  a.freeze(true);
  await pass(timers, 2_000, 100);
  a.state.frozen = false;
  b.tabs.broadcast("x");
  await settle();
  assert.deepEqual(a.told.leading, [true, false]);
  assert.deepEqual(leaders(), [b]);
  end();
});

test("freezing is told in advance: the next one leads at once", async () => {
  const { open, leaders, end } = browser();
  const [a, b] = [open(), open()];
  await settle();
  a.world.freeze();
  await settle();
  assert.deepEqual(leaders(), [b]);
  a.world.resume();
  await settle();
  assert.deepEqual(leaders(), [b]);
  assert.equal(a.told.leaders.at(-1).tab, b.tabs.id);
  end();
});

test("a page in the back-forward cache holds neither lock nor channel", async () => {
  const { open, end, channels, locks } = browser();
  const a = open();
  await settle();
  a.world.hides();
  await settle();
  const probe = locks.tab();
  assert.equal(await probe.request("x", { ifAvailable: true }, (lock) => lock !== null), true);
  let heard = 0;
  channels.lose = () => ((heard += 1), false);
  const other = channels.tab().make("x");
  other.postMessage({});
  await settle();
  assert.equal(heard, 0);
  a.world.shows();
  await settle();
  assert.equal(a.tabs.leading, true);
  end();
});

test("a hidden leader whose timers stand still is no frozen one: it answers", async () => {
  const { open, leaders, end } = browser();
  const a = open();
  const b = open();
  await settle();
  // Its own beat does not matter: followers ask.
  a.world.turns("hidden");
  await pass(timers, 30_000, 200);
  assert.deepEqual(leaders(), [a]);
  assert.equal(b.tabs.leading, false);
  end();
});

test("one question that gets lost is no reason to take over", async () => {
  const { open, leaders, end, channels } = browser();
  const a = open();
  open();
  await settle();
  let lost = 0;
  channels.lose = ({ word }) => word === "there" && (lost += 1) === 1;
  await pass(timers, 5_000, 100);
  assert.ok(lost > 1);
  assert.deepEqual(leaders(), [a]);
  assert.deepEqual(a.told.leading, [true]);
  end();
});

test("a follower that slept itself asks before it takes over", async () => {
  const { open, leaders, end } = browser();
  const a = open();
  open();
  await settle();
  const awake = Date.now;
  Date.now = () => awake() + 3_600_000;
  await pass(timers, 400, 400);
  assert.deepEqual(leaders(), [a]);
  Date.now = awake;
  end();
});

test("the leader answers questions, its own, too; a refusal comes as a Problem", async () => {
  const { open, end } = browser();
  const [a, b] = [open(), open()];
  await settle();
  for (const { tabs } of [a, b]) {
    tabs.answer("double", async (n) => {
      if (n > 10) throw new TypeError("too much");
      return [tabs.id, n * 2];
    });
  }
  assert.deepEqual(await b.tabs.ask("double", 4), [a.tabs.id, 8]);
  assert.deepEqual(await a.tabs.ask("double", 5), [a.tabs.id, 10]);
  await assert.rejects(b.tabs.ask("double", 11), { name: "Problem", code: "internal", detail: "too much" });
  await assert.rejects(b.tabs.ask("triple", 1), { code: "unknown-question" });
  end();
});

test("a question that a leader took along is asked of the next one", async () => {
  const { open, end } = browser();
  const [a, b, c] = [open(), open(), open()];
  await settle();
  a.tabs.answer("who", () => new Promise(() => {}));
  b.tabs.answer("who", () => "b");
  c.tabs.answer("who", () => "c");
  const asked = [b.tabs.ask("who"), c.tabs.ask("who")];
  await settle();
  a.crash();
  assert.deepEqual(await Promise.all(asked), ["b", "b"]);
  end();
});

test("a question that nobody answers is given up in time", async () => {
  const { open, end } = browser();
  open();
  const b = open();
  await settle();
  const asked = assert.rejects(b.tabs.ask("none"), { code: "unknown-question" });
  await asked;
  b.tabs.leave();
  await assert.rejects(Promise.all([b.tabs.ask("none", null, { timeoutMs: 100 }), pass(timers, 200)]), { code: "no-leader" });
  end();
});

test("a broadcast reaches all others, and not oneself", async () => {
  const { open, end } = browser();
  const [a, b, c] = [open(), open(), open()];
  await settle();
  b.tabs.broadcast("x", 1);
  await settle();
  assert.deepEqual([a, b, c].map(({ told }) => told.messages), [[1], [], [1]]);
  end();
});

test("without locks or channels each tab stands for itself", async () => {
  for (const missing of [{ locks: null }, { channel: null }]) {
    const { open, end } = browser();
    const [a, b] = [open(missing), open(missing)];
    await settle();
    assert.ok(a.tabs.alone && a.tabs.leading && b.tabs.leading);
    a.world.hides();
    assert.equal(a.tabs.leading, false);
    a.world.shows();
    assert.equal(a.tabs.leading, true);
    end();
  }
});

test("where locks are forbidden it leads by itself, and asks no more", async () => {
  let asked = 0;
  const locks = { request: async () => ((asked += 1), Promise.reject(new DOMException("sandboxed", "SecurityError"))) };
  const { open, end } = browser();
  const a = open({ locks });
  await pass(timers, 5_000, 500);
  const b = open({ locks });
  await pass(timers, 5_000, 500);
  assert.ok(a.tabs.leading && b.tabs.leading && a.tabs.alone);
  assert.equal(asked, 2);
  end();
});

test("the old leader can be asked whether it still is one", async () => {
  const { open, end } = browser();
  const [a, b] = [open(), open()];
  await settle();
  const [yes] = await Promise.all([a.tabs.confirm(), pass(timers, 1_000, 100)]);
  assert.equal(yes, true);
  assert.equal(await b.tabs.confirm(), false);
  end();
});
