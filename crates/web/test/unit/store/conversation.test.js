import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { Browser, Refusal, gateOf, heard, pass, settle, tab, thawTime } from "./fakes.js";
import { begin, fill, gateway, room, seqs, shown } from "./talks.js";

beforeEach(begin);
afterEach(thawTime);

const span = (talk) => [talk.entries[0]?.seq, talk.entries.at(-1)?.seq, talk.entries.length];
const history = () => gateway.count("/messages {");

test("the end of a room is read once for all, and again when it is stale", async () => {
  fill(60);
  const { talk, gate, link } = await shown();
  assert.deepEqual(span(talk), [11, 60, 50]);
  assert.equal(gate.conversation(room.id), talk, "the same object for the same room");
  assert.equal(gate.conversation({ to: "bob" }), talk, "also by the other's name");
  link.state("waiting");
  await Promise.all([talk.load(), talk.load({ force: true }), talk.load()]);
  const before = history();
  await pass(4_000);
  await talk.load();
  assert.equal(history(), before, "fresh for 5 s");
  await pass(1_500);
  await Promise.all([talk.load(), talk.load()]);
  assert.equal(history(), before + 1);
});

test("events bring messages, changes and receipts without any request", async () => {
  fill(2);
  const { talk, changes } = await shown();
  const before = gateway.requests.length;
  const told = changes.length;
  const message = gateway.say(room, "bob", "hi");
  const entries = talk.entries;
  gateway.tell("message.created", room.id, message);
  assert.equal(talk.entries, entries, "nothing changed: the same array");
  gateway.tell("message.updated", room.id, { ...message, body: "ho", edited_at: "2026-01-31T12:00:01.000Z" });
  gateway.tell("message.read", room.id, { user: "bob", seq: 3 });
  assert.deepEqual(seqs(talk), [1, 2, 3], "what comes twice is shown once");
  assert.deepEqual([talk.entries[2].body, talk.entries[2].key, talk.receipts.get("bob")], ["ho", message.id, 3]);
  gateway.tell("message.deleted", room.id, { ...message, body: "", deleted_at: "2026-01-31T12:00:02.000Z" });
  gateway.tell("message.updated", room.id, { ...message, body: "late", edited_at: "2026-01-31T12:00:01.000Z" });
  assert.deepEqual([talk.entries[2].deleted, talk.entries[2].body], [true, ""], "what is deleted stays so");
  await pass(100);
  assert.ok(changes.length > told && changes.length <= told + 3, "told, and not for each of them");
  assert.equal(gateway.requests.length, before);
});

test("change is told at most once in a frame's time", async () => {
  const { talk } = await shown();
  await pass(100);
  const changes = heard(talk, "change");
  for (let n = 0; n < 20; n += 1) {
    gateway.say(room, "bob", `m${n}`);
    await pass(2, 2);
  }
  await pass(50);
  assert.ok(changes.length >= 2 && changes.length <= 5, `${changes.length} changes in 40 ms`);
});

test("errors leave what was shown; without anything they are told", async () => {
  fill(3);
  const { gate } = tab(gateway);
  gateway.trouble = async () => {
    throw new Refusal(503, "overloaded");
  };
  const talk = gate.conversation(room.id);
  const errors = heard(talk, "error");
  await assert.rejects(talk.load(), { code: "overloaded" });
  gateway.trouble = async () => {};
  await talk.load();
  assert.equal(talk.error, null);
  gateway.trouble = async () => {
    throw new Refusal(503, "overloaded");
  };
  assert.equal((await talk.load({ force: true })).length, 3);
  assert.deepEqual([talk.error.code, errors.length, talk.loading], ["overloaded", 2, false]);
});

test("only the last messages stay in memory; older ones are paged in, and go again", async () => {
  fill(300);
  const { talk } = await shown();
  for (let n = 0; n < 120; n += 1) gateway.say(room, "bob", `n${n}`);
  assert.deepEqual([span(talk), talk.hasOlder], [[321, 420, 100], true]);
  await Promise.all([talk.loadOlder(), talk.loadOlder()]);
  assert.deepEqual(span(talk), [271, 420, 150], "two calls at once are one page");
  gateway.say(room, "bob", "while reading above");
  assert.equal(talk.entries[0].seq, 271, "the reader keeps the place");
  while (talk.hasOlder) await talk.loadOlder(100);
  assert.deepEqual(span(talk), [1, 421, 421]);
  talk.trim();
  assert.deepEqual([span(talk), talk.hasOlder], [[322, 421, 100], true]);
  await talk.loadOlder(10);
  assert.deepEqual(span(talk), [312, 421, 110]);
  talk.release();
  assert.equal(talk.entries.length, 110, "somebody listens to it still");
});

test("pages further up, and what was missed, are not kept for other tabs", async () => {
  fill(300);
  const browser = new Browser();
  const { talk } = await shown({ browser });
  while (talk.hasOlder) await talk.loadOlder(100);
  fill(1);
  gateway.say(room, "bob", "after a hole");
  await pass(1_000);
  assert.equal(talk.entries.length, 302);
  await talk.load({ force: true });
  const kept = [...browser.cache.keys()].filter((key) => key.startsWith("history"));
  assert.deepEqual(kept.map((key) => /"(before|after)"/.test(key)), [false], "the end of the room alone");
});

test("release and the last listener's leaving let older messages go", async () => {
  fill(300);
  const { gate } = tab(gateway, { keep: 60 });
  const talk = gate.conversation(room.id);
  const page = new AbortController();
  talk.addEventListener("change", () => {}, { signal: page.signal });
  await talk.load();
  await talk.loadOlder(100);
  assert.equal(talk.entries.length, 150);
  talk.release();
  page.abort();
  assert.equal(talk.entries.length, 60);
});

test("a conversation with somebody new: no room until the first message, then the same object", async () => {
  const { gate } = tab(gateway);
  const talk = gate.conversation({ to: "cyd" });
  const changes = heard(talk, "change");
  await talk.load();
  assert.deepEqual([talk.id, talk.entries, talk.hasOlder, talk.to], [null, [], false, "cyd"]);
  assert.equal(gateway.count('"kind":"direct"'), 0, "the list that is there says it");
  const sent = talk.send({ body: "hi" });
  await pass(100);
  assert.ok(talk.id);
  assert.deepEqual(talk.entries.map(({ key, state, seq }) => [key, state, seq]), [[sent.key, "sent", 1]]);
  assert.equal(gate.conversation(talk.id), talk);
  assert.equal(gate.conversation({ to: "cyd" }), talk);
  assert.ok(changes.length > 0);
  const other = gate.conversation({ to: "dan" });
  await other.load();
  const made = gateway.room(["ann", "dan"]);
  gateway.tell("room.created", made.id, gateway.seen(made, "ann"));
  gateway.say(made, "dan", "hello");
  assert.deepEqual([other.id, seqs(other)], [made.id, [1]], "the other one wrote first");
});

test("a direct room far down the list is found", async () => {
  fill(2);
  for (let n = 0; n < 130; n += 1) {
    await pass(1, 1);
    gateway.room(["ann", `user${n}`]);
  }
  const { gate } = tab(gateway);
  const talk = gate.conversation({ to: "bob" });
  await talk.load();
  assert.deepEqual([talk.id, seqs(talk)], [room.id, [1, 2]]);
});

test("editing and taking back", async () => {
  fill(1);
  const { talk } = await shown();
  const mine = gateway.say(room, "ann", "helo");
  assert.equal((await talk.edit(mine.id, "hello")).body, "hello");
  await talk.remove(mine.id);
  assert.deepEqual([talk.entries[1].deleted, talk.entries[1].body], [true, ""]);
  gateway.trouble = async () => {
    throw new Refusal(403, "forbidden");
  };
  await assert.rejects(talk.edit(mine.id, "x"), { code: "forbidden" });
});

test("receipts are read once and kept by events", async () => {
  fill(2);
  const { talk } = await shown();
  await talk.loadReceipts();
  await talk.loadReceipts();
  assert.equal(gateway.count("/receipts"), 1);
  assert.deepEqual([...talk.receipts], [["ann", 0], ["bob", 2]]);
  gateway.tell("message.read", room.id, { user: "ann", seq: 2 });
  gateway.tell("message.read", room.id, { user: "ann", seq: 1 });
  assert.equal(talk.receipts.get("ann"), 2, "never back");
});

test("three parts of a page in two tabs make the requests of one in 30 s", async () => {
  fill(30);
  const run = async (tabs, parts) => {
    gateway.requests = [];
    const browser = new Browser();
    const open = [];
    for (let n = 0; n < tabs; n += 1) {
      const one = tab(gateway, { browser, leading: n === 0 });
      open.push(one);
      for (let part = 0; part < parts; part += 1) {
        one.gate.addEventListener("rooms", () => one.gate.rooms());
        one.gate.addEventListener("unread", () => {});
        const talk = one.gate.conversation(room.id);
        talk.addEventListener("change", () => talk.entries);
        void one.gate.loadRooms();
        void talk.load();
        void talk.loadReceipts();
        void one.gate.loadPresence(["bob", "cyd"]);
      }
    }
    for (let second = 0; second < 30; second += 1) {
      gateway.say(room, "bob", `at ${second}`);
      await pass(1_000, 100);
      for (const { gate } of open) await gate.loadRooms();
    }
    const counted = gateway.requests.length;
    for (const { gate } of open) gate.stop();
    gateway.links.clear();
    return counted;
  };
  const one = await run(1, 1);
  const many = await run(2, 3);
  assert.equal(many, one, `${one} requests of one, ${many} of six`);
  assert.ok(one <= 5, `${one} requests`);
});

test("nothing is left of a thousand conversations that were opened and released", async () => {
  const rooms = Array.from({ length: 1_000 }, (_, n) => gateway.room(["ann", "bob", `user${n}`]));
  for (const one of rooms) gateway.message(one, "bob", "hi");
  const { gate } = tab(gateway);
  const kept = gate.conversation(rooms[0].id);
  const changes = heard(kept, "change");
  await kept.load();
  const weak = [];
  for (const one of rooms) {
    const talk = gate.conversation(one.id);
    const page = new AbortController();
    talk.addEventListener("change", () => {}, { signal: page.signal });
    await talk.load();
    talk.typing();
    talk.release();
    page.abort();
    weak.push(talk);
  }
  const filled = weak.filter((talk) => talk.entries.length > 0).length;
  assert.ok(filled <= 51, `${filled} conversations hold messages`);
  assert.equal(gate.conversation(rooms[0].id), kept, "what somebody listens to is kept");
  await pass(100);
  const before = changes.length;
  gateway.say(rooms[0], "bob", "still there");
  await pass(50);
  assert.ok(changes.length > before);
  // who comes back to a forgotten one finds it working
  const [, old] = weak;
  old.addEventListener("change", () => {});
  await old.load();
  gateway.say(rooms[1], "bob", "again");
  assert.deepEqual(old.entries.map(({ seq }) => seq), [1, 2]);
  const [, , third] = weak;
  heard(third, "change");
  gateway.tell("typing", rooms[2].id, { user: "bob", typing: true });
  assert.deepEqual(third.typists, ["bob"]);
});

test("after stop a conversation tells nothing, and after start it goes on", async () => {
  fill(3);
  const { talk, gate, changes } = await shown();
  const held = gateOf();
  gateway.late = () => held.promise;
  void talk.load({ force: true });
  await settle();
  gateway.tell("typing", room.id, { user: "bob", typing: true });
  await pass(50);
  gate.stop();
  const before = changes.length;
  held.open();
  await pass(10_000, 500);
  assert.equal(changes.length, before);
  gateway.late = async () => {};
  gate.start();
  gateway.say(room, "bob", "4");
  await pass(50);
  assert.deepEqual(seqs(talk), [1, 2, 3, 4]);
  assert.ok(changes.length > before);
});
