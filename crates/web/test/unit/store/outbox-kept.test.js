import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { IDBFactory, IDBObjectStore } from "fake-indexeddb";
import { Refusal, START, gateOf, pass, thawTime, until } from "./fakes.js";
import { begin, crash, gateway, offline, open, room, sends, states, stored } from "./outboxes.js";

beforeEach(begin);
afterEach(thawTime);

test("what waits survives a reload, in its order and under its keys", async () => {
  gateway.trouble = offline;
  const first = await open();
  const keys = ["1", "2"].map((body) => first.talk.send({ body }).key);
  const to = first.gate.conversation({ to: "dan" }).send({ body: "new" }).key;
  await pass(500);
  crash(first);
  const second = await open();
  await until(() => second.talk.entries.length === 2);
  assert.deepEqual(second.talk.entries.map(({ key, state }) => [key, state]), keys.map((key) => [key, "sending"]));
  gateway.trouble = async () => {};
  await pass(30_000, 250);
  assert.deepEqual(stored(), ["1", "2"]);
  assert.deepEqual(second.talk.entries.map(({ key, state }) => [key, state]), keys.map((key) => [key, "sent"]));
  const dan = second.gate.conversation({ to: "dan" });
  await dan.load();
  assert.deepEqual(dan.entries.map(({ key, state }) => [key, state]), [[to, "sent"]]);
  crash(second);
  const third = await open();
  await pass(1_000);
  assert.equal(gateway.messages.get(room.id).length, 2, "nothing is left behind");
  assert.ok(third.talk.entries.every(({ state }) => state === "sent"));
});

test("a tab that dies between answer and note sends it again, and it is stored once", async () => {
  const held = gateOf();
  gateway.late = ({ path }) => (path === "/v1/messages" ? held.promise : undefined);
  const first = await open();
  const { key } = first.talk.send({ body: "hi" });
  await until(() => stored().length === 1);
  crash(first);
  held.open();
  gateway.late = async () => {};
  const second = await open();
  await pass(2_000);
  assert.deepEqual(second.talk.entries.map((entry) => [entry.key, entry.state]), [[key, "sent"]]);
  assert.deepEqual(stored(), ["hi"]);
});

test("what an echo has told is not sent again after a crash", async () => {
  const held = gateOf();
  gateway.late = ({ path }) => (path === "/v1/messages" ? held.promise : undefined);
  const first = await open();
  first.talk.send({ body: "hi" });
  await until(() => stored().length === 1);
  gateway.tell("message.created", room.id, gateway.messages.get(room.id)[0]);
  await pass(100);
  crash(first);
  held.open();
  gateway.late = async () => {};
  const second = await open();
  await pass(5_000, 250);
  assert.deepEqual([sends(), states(second.talk)], [1, ["hi sent"]]);
});

test("another tab's word that comes late shows nothing twice", async () => {
  const { talk, link } = await open();
  const { key } = talk.send({ body: "hi" });
  await until(() => talk.entries[0].state === "sent");
  const item = { clientId: key, user: "ann", lane: "to:bob", n: 1, room: room.id, to: null, body: "hi", files: [], attachments: [], replyTo: null, at: Date.now(), state: "queued", reason: "late", attempts: 1, notBefore: 0 };
  link.dispatchEvent(new CustomEvent("message", { detail: { kind: "outbox-item", data: { user: "ann", item } } }));
  assert.deepEqual(states(talk), ["hi sent"]);
  await pass(10_000, 500);
  assert.equal(sends(), 1);
});

test("another tab shows it as well, once, and only one of the two sends it", async () => {
  gateway.trouble = offline;
  const one = await open();
  const two = await open({ leading: false });
  const { key } = one.talk.send({ body: "hi" });
  await pass(100);
  assert.deepEqual(two.talk.entries.map((entry) => [entry.key, entry.state]), [[key, "sending"]]);
  gateway.trouble = async () => {};
  const before = sends();
  for (const { page } of [one, two]) page.dispatchEvent(new Event("online"));
  await until(() => stored().length === 1);
  await pass(200);
  for (const { talk } of [one, two]) assert.deepEqual(talk.entries.map((entry) => [entry.key, entry.state]), [[key, "sent"]]);
  gateway.tell("message.created", room.id, gateway.messages.get(room.id)[0]);
  await pass(60_000, 1_000);
  for (const { talk } of [one, two]) assert.equal(talk.entries.length, 1);
  assert.deepEqual([stored().length, sends() - before], [1, 1]);
});

test("a tab takes over what another one left when it was closed", async () => {
  gateway.trouble = offline;
  const one = await open();
  const two = await open({ leading: false });
  await pass(300);
  one.talk.send({ body: "hi" });
  await pass(300);
  crash(one);
  gateway.trouble = async () => {};
  await pass(30_000, 250);
  assert.deepEqual([stored(), states(two.talk)], [["hi"], ["hi sent"]]);
});

test("discarded in one tab is gone in the other", async () => {
  gateway.trouble = async ({ path }) => {
    if (path === "/v1/messages") throw new Refusal(400, "invalid-request");
  };
  const one = await open();
  const two = await open({ leading: false });
  const { key } = one.talk.send({ body: "hi" });
  await pass(100);
  assert.deepEqual(states(two.talk), ["hi failed"]);
  two.talk.discard(key);
  await pass(100);
  assert.deepEqual([one.talk.entries, two.talk.entries], [[], []]);
});

test("without a database, or when it breaks, messages go out all the same", async () => {
  const broken = { open: () => { throw new Error("denied"); } };
  const one = await open({ indexedDB: broken });
  one.talk.send({ body: "1" });
  await until(() => stored().length === 1);
  const closing = await open();
  gateway.trouble = offline;
  closing.talk.send({ body: "2" });
  await pass(300);
  const { prototype } = (await import("fake-indexeddb")).IDBDatabase;
  const { transaction } = prototype;
  prototype.transaction = () => { throw new Error("gone"); };
  try {
    gateway.trouble = async () => {};
    await pass(20_000, 250);
    assert.deepEqual(stored(), ["1", "2"]);
  } finally {
    prototype.transaction = transaction;
  }
});

test("a page that was hidden lets go of the database and opens it again", async () => {
  const { talk, page, ...one } = await open();
  gateway.trouble = offline;
  page.dispatchEvent(new Event("hide"));
  talk.send({ body: "hi" });
  await pass(500);
  page.dispatchEvent(new Event("hide"));
  await pass(500);
  crash(one);
  const again = await open();
  await until(() => again.talk.entries.length === 1);
});

test("a database that the browser has closed is opened again", async () => {
  const one = await open();
  gateway.trouble = offline;
  const { prototype } = (await import("fake-indexeddb")).IDBDatabase;
  const { transaction } = prototype;
  await pass(300);
  prototype.transaction = () => {
    prototype.transaction = transaction;
    throw new Error("closed");
  };
  one.talk.send({ body: "hi" });
  await pass(300);
  crash(one);
  const again = await open();
  await until(() => again.talk.entries.length === 1);
});

test("what waited for a day is not sent unasked, and is forgotten after a week", async () => {
  gateway.trouble = offline;
  const first = await open();
  first.talk.send({ body: "old" });
  await pass(1_000);
  crash(first);
  gateway.trouble = async () => {};
  await pass(25 * 3_600_000, 3_600_000);
  const second = await open();
  await until(() => second.talk.entries[0]?.state === "failed");
  assert.deepEqual([stored(), second.talk.entries[0].reason], [[], "It waited for too long"]);
  crash(second);
  await pass(8 * 24 * 3_600_000, 3_600_000);
  const third = await open();
  await pass(1_000);
  assert.deepEqual(third.talk.entries, []);
});

test("who signs out leaves nothing behind", async () => {
  gateway.trouble = offline;
  const one = await open();
  one.talk.send({ body: "secret" });
  await pass(300);
  await one.gate.forget();
  gateway.trouble = async () => {};
  const again = await open();
  await pass(10_000, 500);
  assert.deepEqual([again.talk.entries, stored()], [[], []]);
});

test("a clock that was set back keeps nothing waiting", async () => {
  gateway.trouble = async ({ path }) => {
    if (path === "/v1/messages") throw new Refusal(429, "throttled", 5_000);
  };
  const one = await open();
  one.talk.send({ body: "hi" });
  await pass(1_000);
  crash(one);
  gateway.trouble = async () => {};
  mock.timers.setTime(START - 24 * 3_600_000);
  await open();
  await until(() => stored().length === 1);
});

test("another user of the browser neither sees nor sends it", async () => {
  gateway.trouble = offline;
  const ann = await open();
  ann.talk.send({ body: "ann's" });
  await pass(300);
  crash(ann);
  gateway.trouble = async () => {};
  const bob = await open({ user: "bob" });
  await pass(30_000, 500);
  assert.deepEqual([bob.talk.entries, stored()], [[], []]);
});

test("what waits for one gateway is neither shown to nor sent to another one, which holds up nothing of it", async () => {
  gateway.trouble = offline;
  const here = await open({ url: "https://here" });
  here.talk.send({ body: "for here" });
  await pass(300);
  crash(here);
  gateway.trouble = async () => {};
  const held = gateOf();
  const there = await open({ url: "https://there" });
  await pass(30_000, 500);
  assert.deepEqual([there.talk.entries, stored()], [[], []]);
  gateway.late = ({ path }) => (path === "/v1/messages" ? held.promise : undefined);
  there.talk.send({ body: "for there" });
  await until(() => stored().length === 1);
  await there.gate.forget();
  const again = await open({ url: "https://here/" });
  await until(() => stored().length === 2);
  assert.deepEqual(stored(), ["for there", "for here"]);
  held.open();
  await until(() => again.talk.entries.at(-1)?.state === "sent");
});

test("what could not be written, as the place is full, is sent all the same, also by a page that was hidden", async () => {
  gateway.trouble = offline;
  const { prototype } = IDBObjectStore;
  const { put } = prototype;
  prototype.put = () => { throw new DOMException("full", "QuotaExceededError"); };
  try {
    const { talk, page } = await open();
    talk.send({ body: "hi" });
    await pass(300);
    page.dispatchEvent(new Event("hide"));
    await pass(300);
    gateway.trouble = async () => {};
    await pass(30_000, 500);
    assert.deepEqual([stored(), states(talk)], [["hi"], ["hi sent"]]);
  } finally {
    prototype.put = put;
  }
});

/** The site's data is cleared while the page is open. */
async function cleared(indexedDB) {
  const opening = indexedDB.open("pollgate-outbox");
  await new Promise((resolve) => (opening.onsuccess = resolve));
  const clearing = opening.result.transaction("items", "readwrite").objectStore("items").clear();
  await new Promise((resolve) => (clearing.onsuccess = resolve));
  opening.result.close();
}

test("what is kept no more, though nobody has sent it, fails in sight and can be sent again", async () => {
  gateway.trouble = offline;
  const indexedDB = new IDBFactory();
  const { talk } = await open({ indexedDB });
  const { key } = talk.send({ body: "hi" });
  await pass(300);
  await cleared(indexedDB);
  gateway.trouble = async () => {};
  await pass(30_000, 500);
  assert.deepEqual([stored(), states(talk)], [[], ["hi failed"]]);
  assert.match(talk.entries[0].reason, /not kept/);
  talk.retry(key);
  await pass(1_000);
  assert.deepEqual([stored(), states(talk)], [["hi"], ["hi sent"]]);
});

test("what another tab has seen to does not look failed until its word comes", async () => {
  gateway.trouble = offline;
  const indexedDB = new IDBFactory();
  const { talk, link, page } = await open({ indexedDB });
  const { key } = talk.send({ body: "hi" });
  await pass(300);
  await cleared(indexedDB);
  page.dispatchEvent(new Event("online"));
  await pass(1_500);
  assert.deepEqual(states(talk), ["hi sending"]);
  link.dispatchEvent(new CustomEvent("message", { detail: { kind: "outbox-gone", data: { user: "ann", clientId: key } } }));
  await pass(10_000, 500);
  assert.deepEqual([talk.entries, stored()], [[], []]);
});
