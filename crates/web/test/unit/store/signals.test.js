/** Typing, read marks, unread counts, presence, notifications. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { ServerTime } from "../../../client/server-time.js";
import { Browser, FakeGateway, Refusal, START, freezeTime, heard, pass, settle, tab, thawTime } from "./fakes.js";

let gateway;
let room;
beforeEach(() => {
  freezeTime();
  gateway = new FakeGateway();
  room = gateway.room(["ann", "bob"]);
});
afterEach(thawTime);

async function shown(options) {
  const one = tab(gateway, options);
  const talk = one.gate.conversation(room.id);
  const changes = heard(talk, "change");
  await Promise.all([talk.load(), one.gate.loadRooms()]);
  await pass(50);
  return { ...one, talk, changes };
}

/** Which words of typing went out, and when. */
function listenForTyping() {
  const said = [];
  gateway.trouble = async ({ path, body }) => {
    if (path.endsWith("/typing")) said.push([Date.now() - START, body.typing]);
  };
  return said;
}

test("typing is told once in two seconds, and false when nothing is written any more", async () => {
  const { talk } = await shown();
  const said = listenForTyping();
  const began = Date.now() - START;
  for (let key = 0; key < 50; key += 1) {
    talk.typing();
    await pass(100);
  }
  assert.deepEqual(said.map(([at, typing]) => [at - began, typing]), [[0, true], [2_000, true], [4_000, true]]);
  await pass(2_800);
  assert.equal(said.length, 3);
  await pass(400);
  assert.deepEqual(said.map(([, typing]) => typing), [true, true, true, false]);
  await pass(10_000);
  assert.equal(said.length, 4, "once");
});

test("false is told when the message is sent, and when nobody shows the room any more; and only after true", async () => {
  const { talk } = await shown();
  const said = listenForTyping();
  talk.send({ body: "without a key" });
  await settle();
  assert.deepEqual(said, []);
  talk.typing();
  talk.send({ body: "hi" });
  await settle();
  assert.deepEqual(said.map(([, typing]) => typing), [true, false]);
  // short messages, one after the other
  talk.typing();
  talk.send({ body: "ho" });
  await settle();
  assert.equal(said.length, 2, "no more than one in two seconds");
  const { gate } = tab(gateway, { user: "bob" });
  const other = gate.conversation(room.id);
  await pass(2_000);
  other.typing();
  other.release();
  await settle();
  assert.deepEqual(said.slice(2).map(([, typing]) => typing), [true, false]);
});

test("typists are forgotten after five seconds, or when they stop, send or leave", async () => {
  const { talk, changes } = await shown();
  const tells = (user, typing, at) => gateway.tell("typing", room.id, { user, typing }, at);
  tells("bob", true);
  tells("ann", true);
  assert.deepEqual(talk.typists, ["bob"], "not oneself");
  await pass(4_000);
  tells("bob", true);
  await pass(4_000);
  assert.deepEqual(talk.typists, ["bob"]);
  const before = changes.length;
  await pass(1_100);
  assert.deepEqual(talk.typists, []);
  assert.ok(changes.length > before, "the page hears of it");
  tells("bob", true);
  tells("bob", false);
  assert.deepEqual(talk.typists, []);
  tells("bob", true);
  gateway.say(room, "bob", "hi");
  assert.deepEqual(talk.typists, []);
  tells("bob", true);
  gateway.tell("member.removed", room.id, { user: "bob" });
  assert.deepEqual(talk.typists, []);
  tells("bob", true, new Date(Date.now() - 6_000).toISOString());
  assert.deepEqual(talk.typists, [], "what came late is over");
  for (let n = 0; n < 150; n += 1) tells(`user${n}`, true);
  assert.equal(talk.typists.length, 100);
});

test("the age of an event is right also where the clock is wrong", () => {
  const at = (ms) => new Date(Date.now() + ms).toISOString();
  for (const wrong of [0, 3_600_000, -3_600_000]) {
    const time = new ServerTime();
    time.age(at(wrong - 30), true);
    assert.equal(time.age(at(wrong), true), 0);
    assert.equal(time.age(at(wrong - 6_000), true), 6_000, `off by ${wrong}`);
  }
  const fresh = new ServerTime();
  assert.equal(fresh.age(at(-600_000), false), 600_000, "an old event after a long time away is old");
  assert.equal(fresh.age("nonsense", true), 0);
});

const reads = () => gateway.requests.filter((request) => request.includes("/read "));

test("read marks: at once, then at most twice a second, never backwards, and shown at once", async () => {
  for (let n = 0; n < 9; n += 1) gateway.message(room, "bob", `${n}`);
  const { talk, gate } = await shown();
  const bodies = [];
  gateway.trouble = async ({ path, body }) => void (path.endsWith("/read") && bodies.push(body.seq));
  talk.read(3);
  assert.deepEqual(gate.unread(), { total: 6, rooms: 1 }, "shown before it is told");
  for (const seq of [4, 2, 5, 6]) talk.read(seq);
  assert.equal(gate.unread().total, 3);
  await settle();
  assert.deepEqual(bodies, [3]);
  await pass(450);
  assert.deepEqual(bodies, [3]);
  await pass(100);
  assert.deepEqual(bodies, [3, 6]);
  talk.read(5);
  talk.read(6);
  await pass(2_000);
  assert.deepEqual(bodies, [3, 6], "never back, never twice");
  talk.read();
  await pass(1_000);
  assert.deepEqual([bodies, gate.unread().total], [[3, 6, 9], 0]);
  gateway.say(room, "ann", "mine");
  talk.read();
  await pass(1_000);
  assert.equal(bodies.length, 3, "one's own is read");
});

test("nothing is read while the page is not seen; what was shown is told when it is", async () => {
  gateway.message(room, "bob", "1");
  const { talk, gate, page } = await shown();
  page.show(false);
  talk.read();
  await pass(5_000, 500);
  assert.deepEqual([reads().length, gate.unread().total], [0, 1]);
  page.show(true);
  await settle();
  assert.deepEqual([reads().length, gate.unread().total], [1, 0]);
  gateway.say(room, "bob", "2");
  talk.read();
  gateway.say(room, "bob", "3");
  talk.read();
  page.show(false);
  await settle();
  assert.equal(reads().length, 2, "what waited for its half second goes out when the page is left");
});

test("a mark that could not be told is told later; one that is refused is not", async () => {
  gateway.message(room, "bob", "1");
  const { talk } = await shown();
  let refusal = new Refusal(429, "throttled", 3_000);
  gateway.trouble = async ({ path }) => {
    if (path.endsWith("/read")) throw refusal;
  };
  talk.read();
  await pass(2_500);
  assert.equal(reads().length, 1);
  refusal = new Refusal(404, "not-found");
  await pass(1_000);
  assert.equal(reads().length, 2);
  await pass(20_000, 500);
  assert.equal(reads().length, 2);
});

test("what one tab has read, the other shows as read", async () => {
  gateway.message(room, "bob", "1");
  const browser = new Browser();
  const one = await shown({ browser });
  const two = await shown({ browser, leading: false });
  const told = heard(two.gate, "unread");
  one.talk.read();
  await pass(100);
  assert.deepEqual([two.gate.unread(), told], [{ total: 0, rooms: 0 }, [{ total: 0, rooms: 0 }]]);
  assert.equal(reads().length, 1);
});

test("what another device of the user has read is read here, and no news; one's own echo changes nothing", async () => {
  gateway.message(room, "bob", "1");
  const { talk, gate, page } = await shown();
  page.hasFocus = false;
  const [told, news] = [heard(gate, "unread"), heard(gate, "notification")];
  gateway.tell("message.read", room.id, { user: "bob", seq: 1 });
  await pass(100);
  assert.deepEqual([told, talk.receipts.get("bob")], [[], 1]);
  gateway.tell("message.read", room.id, { user: "ann", seq: 1 });
  await pass(100);
  assert.deepEqual([gate.unread(), told, talk.receipts.get("ann")], [{ total: 0, rooms: 0 }, [{ total: 0, rooms: 0 }], 1]);
  talk.read(1);
  await pass(1_000);
  assert.equal(reads().length, 0, "it is told already");
  const later = [gateway.message(room, "bob", "2"), gateway.message(room, "bob", "3")];
  gateway.tell("message.read", room.id, { user: "ann", seq: 3 });
  for (const message of later) {
    gateway.tell("message.created", room.id, message);
    assert.equal(gate.room(room.id).unread, 0, "the mark overtook them");
  }
  await pass(500);
  assert.deepEqual([news, told.length], [[], 1]);
  gateway.say(room, "bob", "4");
  talk.read(4);
  await pass(100);
  const [before, counted] = [gateway.requests.length, told.length];
  gateway.tell("message.read", room.id, { user: "ann", seq: 4 });
  gateway.tell("message.read", room.id, { user: "ann", seq: 2 });
  await pass(2_000);
  assert.deepEqual([gate.unread().total, gateway.requests.length - before, told.length - counted], [0, 0, 0]);
});

test("a thousand rooms that were read leave no timers and few marks", async () => {
  const rooms = Array.from({ length: 1_000 }, (_, n) => gateway.room(["ann", "bob", `user${n}`]));
  const { gate } = tab(gateway);
  for (const one of rooms) {
    gateway.message(one, "bob", "hi");
    gate.conversation(one.id).read(1);
  }
  await pass(1_000);
  assert.equal(reads().length, 1_000);
});

test("presence is asked for in batches, kept by events, and the newer one counts", async () => {
  const { gate } = tab(gateway);
  const told = heard(gate, "presence");
  const users = Array.from({ length: 150 }, (_, n) => `user${n}`);
  const asking = Promise.all([gate.loadPresence(users), gate.loadPresence(["user3", "bob"]), gate.loadPresence(["bob"])]);
  await pass(100);
  await asking;
  assert.equal(gateway.count("/v1/presence"), 2, "151 users, two requests");
  assert.equal(gate.presence("bob").online, true);
  assert.equal(told.length, 151);
  const again = gate.loadPresence(["bob"]);
  await pass(100);
  await again;
  assert.equal(gateway.count("/v1/presence"), 2, "fresh");
  const since = (ms) => new Date(Date.now() + ms).toISOString();
  gateway.tell("presence", null, { user: "bob", online: false, since: since(2_000) });
  gateway.tell("presence", null, { user: "bob", online: true, since: since(1_000) });
  assert.equal(gate.presence("bob").online, false, "they may come in either order");
  assert.equal(told.length, 152, "told when it is news");
  assert.equal(gate.presence("stranger"), undefined);
  for (let n = 0; n < 3_000; n += 1) gateway.tell("presence", null, { user: `crowd${n}`, online: true, since: since(0) });
  assert.equal(gate.presence("user0"), undefined, "the oldest go");
});

test("after resync, and when it fails, presence says so", async () => {
  const { gate, link } = tab(gateway);
  heard(gate, "presence");
  const asking = gate.loadPresence(["bob"]);
  await pass(100);
  await asking;
  const resync = link.resync();
  await pass(100);
  await resync;
  assert.equal(gateway.count("/v1/presence"), 2);
  gateway.trouble = async () => {
    throw new Refusal(503, "overloaded");
  };
  const failing = assert.rejects(gate.loadPresence(["cyd"]), { code: "overloaded" });
  await pass(100);
  await failing;
});

/** The browser's Notification, as far as we need it. */
function fakeNotification(permission = "granted") {
  return class {
    static permission = permission;
    static shown = [];
    static asked = 0;
    static async requestPermission() {
      this.asked += 1;
      this.permission = "granted";
    }

    constructor(title, options) {
      Object.assign(this, { title, ...options, close() {} });
      this.constructor.shown.push(this);
    }
  };
}

test("a message that nobody looks at is told to the page, and shown when no tab has the focus", async () => {
  const Notification = fakeNotification();
  const { gate, page } = await shown({ Notification });
  const told = heard(gate, "notification");
  const clicks = heard(gate, "notification-click");
  gateway.say(room, "bob", "looked at");
  assert.equal(told.length, 0, "the room is shown and the page has the focus");
  page.hasFocus = false;
  gateway.say(room, "bob", "hello");
  gateway.say(room, "ann", "mine");
  await pass(400);
  assert.deepEqual(told.map(({ title, body, room: of }) => [title, body, of.id]), [["bob", "hello", room.id]]);
  const [shownOne] = Notification.shown;
  assert.deepEqual([Notification.shown.length, shownOne.title, shownOne.body, shownOne.tag], [1, "bob", "hello", `pollgate ${room.id}`]);
  shownOne.onclick();
  assert.deepEqual(clicks, [{ room: room.id }]);
  const blank = tab(gateway, { Notification: fakeNotification() });
  const news = heard(blank.gate, "notification");
  gateway.say(room, "ann", "mine, in a room that this tab does not know");
  assert.equal(news.length, 0);
  blank.gate.stop();
  const other = gateway.room(["ann", "bob", "cyd"], { name: "Trip" });
  gateway.tell("room.created", other.id, gateway.seen(other, "ann"));
  page.hasFocus = true;
  gateway.say(other, "cyd", "elsewhere");
  await pass(400);
  assert.equal(told.at(-1).title, "cyd, Trip");
  assert.equal(Notification.shown.length, 1, "in the page only, while it has the focus");
});

test("one tab shows it, and none while another one has the focus", async () => {
  const browser = new Browser();
  const [N1, N2] = [fakeNotification(), fakeNotification()];
  const one = tab(gateway, { browser, Notification: N1 });
  const two = tab(gateway, { browser, Notification: N2, leading: false });
  await pass(50);
  for (const { page } of [one, two]) page.show(false);
  gateway.say(room, "bob", "1");
  await pass(400);
  assert.deepEqual([N1.shown.length, N2.shown.length], [1, 0], "the leading one");
  two.page.show(true);
  gateway.say(room, "bob", "2");
  await pass(400);
  assert.deepEqual([N1.shown.length, N2.shown.length], [1, 0], "the other tab has the focus");
});

test("old news, what was read elsewhere, and what the user switched off are not shown", async () => {
  const Notification = fakeNotification();
  const { gate, page } = tab(gateway, { Notification });
  const told = heard(gate, "notification");
  await gate.loadRooms();
  page.show(false);
  const old = gateway.message(room, "bob", "old");
  gateway.tell("message.created", room.id, old, new Date(Date.now() - 120_000).toISOString());
  await pass(400);
  assert.equal(told.length, 0);
  room.reads.set("ann", 1);
  await gate.loadRooms({}, { force: true });
  gateway.tell("message.created", room.id, old);
  await pass(400);
  assert.equal(told.length, 0, "read elsewhere");
  gateway.say(room, "bob", "new");
  await pass(400);
  assert.equal(Notification.shown.length, 1);
  const store = new Map();
  globalThis.localStorage = { getItem: (key) => store.get(key) ?? null, setItem: (key, value) => store.set(key, value), removeItem: (key) => store.delete(key) };
  try {
    gate.notifications.enabled = false;
    gateway.say(room, "bob", "newer");
    await pass(400);
    assert.deepEqual([Notification.shown.length, gate.notifications.enabled, told.length], [1, false, 2]);
    gate.notifications.enabled = true;
  } finally {
    delete globalThis.localStorage;
  }
  gateway.say(room, "bob", "newest");
  gate.stop();
  await pass(400);
  assert.equal(Notification.shown.length, 1, "not after stop");
});

test("the permission is asked for only from a gesture", async () => {
  const Notification = fakeNotification("default");
  const { gate } = tab(gateway, { Notification });
  const activation = { isActive: false };
  const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  Object.defineProperty(globalThis, "navigator", { value: { userActivation: activation }, configurable: true });
  try {
    assert.equal(await gate.notifications.ask(), "default");
    assert.equal(Notification.asked, 0);
    activation.isActive = true;
    assert.equal(await gate.notifications.ask(), "granted");
    assert.equal(await gate.notifications.ask(), "granted");
    assert.equal(Notification.asked, 1, "once");
  } finally {
    if (before) Object.defineProperty(globalThis, "navigator", before);
    else delete globalThis.navigator;
  }
  assert.equal(tab(gateway).gate.notifications.state, "unsupported");
});
