/** The face: events on their way through, operations over the WebSocket, who listens. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { madeOldBy } from "../../../client/concerns.js";
import { Emitter } from "../../../client/emitter.js";
import { Pollgate } from "../../../client/pollgate.js";
import { Browser, FakeGateway, Refusal, freezeTime, heard, pass, settle, tab, thawTime } from "./fakes.js";

let gateway;
let room;
beforeEach(() => {
  freezeTime();
  gateway = new FakeGateway();
  room = gateway.room(["ann", "bob"]);
});
afterEach(thawTime);

test("each event comes under its type and as event, after the store has it", async () => {
  const { gate } = tab(gateway);
  await gate.loadRooms();
  const seen = [];
  gate.addEventListener("message.created", ({ detail }) => seen.push([detail.data.body, gate.room(room.id).last_message.text]));
  const all = heard(gate, "event");
  const own = heard(gate, "rooms");
  gateway.say(room, "bob", "hi");
  assert.deepEqual(seen, [["hi", "hi"]]);
  await pass(50);
  const before = own.length;
  gateway.tell("order.updated", null, { order: 7 });
  gateway.tell("rooms", null, { from: "an application" });
  await pass(50);
  assert.deepEqual(all.map(({ type }) => type), ["message.created", "order.updated", "rooms"]);
  assert.equal(own.length, before, "an application's word is not taken for ours");
});

test("the connection's states, and the end of a sign-in", async () => {
  const { gate, link } = tab(gateway, { start: false });
  const states = heard(gate, "connection");
  const out = heard(gate, "signed-out");
  link.state("live");
  assert.equal(states.length, 0, "not before start");
  gate.start();
  gate.start();
  link.state("waiting");
  link.state("signed-out");
  link.state("signed-out");
  assert.deepEqual(states.map(({ state }) => state).slice(-3), ["waiting", "signed-out", "signed-out"]);
  assert.equal(out.length, 1);
  assert.equal(gate.connectionInfo().state, "signed-out");
  assert.throws(() => new Pollgate({ user: "", token: "t" }), TypeError);
  const late = tab(gateway, { start: false });
  const told = heard(late.gate, "connection");
  late.link.start = () => (late.link.info = { ...late.link.info, state: "live" });
  late.gate.start();
  assert.deepEqual(told.map(({ state }) => state), ["live"], "another tab was live before this one came");
});

test("over an open WebSocket operations go by it; when it breaks they go over HTTP; a refusal is a refusal", async () => {
  const { gate, link } = tab(gateway);
  await gate.loadRooms();
  const ops = [];
  let answer = async (op, fields) => {
    ops.push([op, fields]);
    return op === "history" ? gateway.request("ann", "GET", `/v1/rooms/${fields.room}/messages`, {}) : gateway.request("ann", "POST", "/v1/messages", { body: fields });
  };
  link.call = (op, fields) => answer(op, fields);
  link.info = { ...link.info, transport: "ws" };
  const talk = gate.conversation(room.id);
  talk.addEventListener("change", () => {});
  await talk.load();
  talk.send({ body: "hi" });
  await settle();
  assert.deepEqual(ops.map(([op]) => op), ["history", "send"]);
  assert.deepEqual([ops[0][1].room, ops[1][1].body], [room.id, "hi"]);
  answer = async () => {
    throw Object.assign(new Error("closed"), { code: "network", status: 0 });
  };
  talk.send({ body: "ho" });
  await settle(20);
  assert.deepEqual(talk.entries.map(({ state }) => state), ["sent", "sent"]);
  answer = async () => {
    throw new Refusal(403, "forbidden");
  };
  talk.send({ body: "no" });
  await settle(20);
  assert.equal(talk.entries.at(-1).state, "failed");
});

test("a tab that opens later is not given what events have made old", async () => {
  gateway.message(room, "bob", "1");
  const browser = new Browser();
  const one = tab(gateway, { browser });
  const talk = one.gate.conversation(room.id);
  talk.addEventListener("change", () => {});
  const read = async ({ gate }) => {
    const showing = gate.conversation(room.id);
    await Promise.all([gate.loadRooms(), showing.load(), showing.loadReceipts()]);
    return [gate.unread().total, showing.entries.length, showing.receipts.get("bob")];
  };
  assert.deepEqual(await read(one), [1, 1, 1]);
  talk.read();
  await settle();
  assert.deepEqual(await read(tab(gateway, { browser, leading: false })), [0, 1, 1], "it was read in the only tab");
  gateway.say(room, "bob", "2");
  assert.deepEqual(await read(tab(gateway, { browser, leading: false })), [1, 2, 2], "a message came");
  talk.read();
  await pass(600);
  assert.deepEqual(await read(tab(gateway, { browser, leading: false })), [0, 2, 2], "it was read here");
  const before = gateway.requests.length;
  assert.deepEqual(await read(tab(gateway, { browser, leading: false })), [0, 2, 2]);
  assert.equal(gateway.requests.length, before, "nothing happened: nothing is asked");
});

test("members come and go", async () => {
  const group = await (async () => {
    const { gate } = tab(gateway);
    await gate.loadRooms();
    const made = await gate.createRoom({ name: "Trip", members: ["bob"] });
    assert.equal(gate.rooms()[0].id, made.id);
    await gate.addMember(made.id, "cyd");
    assert.deepEqual(gate.room(made.id).members, ["ann", "bob", "cyd"]);
    await gate.removeMember(made.id, "bob");
    return gate.room(made.id);
  })();
  assert.deepEqual(group.members, ["ann", "cyd"]);
});

test("an emitter knows who listens: once, by signal, twice the same, objects", () => {
  const emitter = new Emitter();
  const listener = () => {};
  emitter.addEventListener("x", listener);
  emitter.addEventListener("x", listener);
  assert.equal(emitter.listening("x"), 1);
  emitter.removeEventListener("x", listener);
  emitter.removeEventListener("x", listener);
  assert.equal(emitter.listening("x"), 0);
  let heardOnce = 0;
  emitter.addEventListener("x", () => (heardOnce += 1), { once: true });
  emitter.emit("x");
  emitter.emit("x");
  assert.deepEqual([heardOnce, emitter.listening("x")], [1, 0]);
  const stop = new AbortController();
  let count = 0;
  emitter.addEventListener("x", { handleEvent: () => (count += 1) }, { signal: stop.signal });
  emitter.addEventListener("y", listener, { signal: stop.signal });
  emitter.emit("x");
  assert.equal(emitter.listening("x", "y"), 2);
  stop.abort();
  emitter.emit("x");
  emitter.addEventListener("x", listener, { signal: stop.signal });
  emitter.addEventListener("x", null);
  assert.deepEqual([count, emitter.listening("x", "y")], [1, 0]);
});

test("which answers an event makes old", () => {
  const event = (type, data = {}) => ({ id: "e", type, at: "", data, ...(type !== "presence" && { room: "r" }) });
  const old = (of) => ["rooms", "room", "history", "receipts", "presence", "desks"].filter((kind) => madeOldBy(kind, "ann")(of, { id: "r", user: ["bob"] }));
  assert.deepEqual(old(event("message.created", { sender: "bob" })), ["rooms", "room", "history", "receipts"]);
  assert.deepEqual(old(event("message.deleted")), ["rooms", "room", "history"]);
  assert.deepEqual(old(event("message.read", { user: "bob" })), ["receipts"]);
  assert.deepEqual(old(event("message.read", { user: "ann" })), ["rooms", "room", "receipts"]);
  assert.deepEqual(old(event("room.updated")), ["rooms", "room"]);
  assert.deepEqual(old(event("member.added")), ["rooms", "room"]);
  assert.deepEqual(old(event("typing")), []);
  assert.deepEqual(old(event("presence", { user: "bob" })), ["presence"]);
  assert.deepEqual(old(event("presence", { user: "cyd" })), []);
  assert.equal(madeOldBy("history", "ann")(event("message.created"), { id: "other" }), false);
});
