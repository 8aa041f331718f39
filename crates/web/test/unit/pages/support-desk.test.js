import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { Desk, Lost } from "../../../../../examples/pages/support/desk/desk.js";

const DESK = "billing";

/** A gate with rooms in it, that does what it is told. */
class Gate extends EventTarget {
  /** @type {Map<string, any>} */ known = new Map();
  asked = [];
  refusal = null;

  start() {}
  stop() {}
  connectionInfo = () => ({ state: "live" });
  desks = async () => [DESK];
  presence = () => undefined;
  loadPresence = async () => {};
  hasMoreRooms = () => false;
  room = (id) => this.known.get(id);
  rooms = ({ assignee, status, category }) => [...this.known.values()].filter((room) => {
    return (room.assignee ?? "") === assignee && (status === undefined || room.status === status) && (category === undefined || room.category === category);
  });
  loadRooms = async (filter, { force } = {}) => {
    this.asked.push([filter, Boolean(force)]);
    return this.rooms(filter);
  };
  loadRoom = async (id) => {
    const room = this.known.get(id);
    if (!room) throw Object.assign(new Error("gone"), { status: 404 });
    return room;
  };
  changeRoom = async (id, change) => {
    if (this.refusal) throw this.refusal;
    this.known.set(id, { ...this.known.get(id), ...change });
    this.dispatchEvent(new Event("rooms"));
  };
  conversation = (id) => {
    const calls = { reads: 0, id };
    return Object.assign(new EventTarget(), { calls, entries: [], load: async () => {}, loadReceipts: async () => {}, release: () => {}, read: () => (calls.reads += 1) });
  };
  hear(type, data, room) {
    this.dispatchEvent(new CustomEvent(type, { detail: { id: `e${Math.random()}`, type, at: new Date().toISOString(), room, data } }));
  }
}

function room(id, more = {}) {
  return { id, kind: "group", name: null, context: null, category: DESK, status: "open", assignee: null, members: ["vera"], last_message: null, last_seq: 1, last_read_seq: 0, unread: 0, updated_at: "2026-11-21T09:00:00.000Z", ...more };
}

async function opened(rooms = []) {
  const gate = new Gate();
  for (const one of rooms) gate.known.set(one.id, one);
  const told = [];
  const desk = new Desk({ gate, me: "dora", storage: null, agentsOf: async () => ["dora", "emil"], every: () => undefined });
  for (const name of ["waiting", "given", "waited", "gone"]) desk.addEventListener(name, ({ detail }) => told.push([name, detail.room?.id, detail.to ?? null]));
  await desk.open();
  return { gate, desk, told };
}

beforeEach((t) => {
  globalThis.document = { hidden: false };
  t.mock.timers.enable({ apis: ["setTimeout"] });
});
afterEach(() => delete globalThis.document);

test("the queue and what presses", async () => {
  const { desk } = await opened([room("a"), room("b", { assignee: "dora", members: ["dora", "vera"], unread: 1 }), room("c", { assignee: "emil" })]);
  assert.equal(desk.phase, "ready");
  assert.deepEqual(desk.list().map(({ id }) => id), ["a"]);
  assert.deepEqual(desk.pressing(), { waiting: 1, unread: 1, total: 2 });
  assert.equal(desk.count({ who: "mine", status: "open", desk: "" }), "1");
});

test("who serves no desk is told so", async () => {
  const gate = new Gate();
  gate.desks = async () => [];
  const desk = new Desk({ gate, me: "gil", storage: null, agentsOf: async () => [], every: () => undefined });
  await desk.open();
  assert.equal(desk.phase, "no-desk");
});

test("a desk that cannot be read says why, and can be read again", async () => {
  const gate = new Gate();
  gate.desks = async () => { throw new Error("away"); };
  const desk = new Desk({ gate, me: "dora", storage: null, agentsOf: async () => [], every: () => undefined });
  await desk.open();
  assert.deepEqual([desk.phase, desk.reason], ["failed", "away"]);
  gate.desks = async () => [DESK];
  await desk.read();
  assert.equal(desk.phase, "ready");
});

test("taking opens it, names the agent, and shows the agent's own list", async () => {
  const { gate, desk } = await opened([room("a", { status: "closed" })]);
  await desk.take("a");
  assert.deepEqual([gate.known.get("a").assignee, gate.known.get("a").status], ["dora", "open"]);
  assert.deepEqual([desk.selected, desk.view.who, desk.mine], ["a", "mine", true]);
});

test("who comes second hears who was first", async () => {
  const { gate, desk } = await opened([room("a")]);
  gate.hear("room.updated", room("a", { assignee: "emil" }), "a");
  gate.refusal = Object.assign(new Error("no such room"), { status: 404 });
  await assert.rejects(desk.take("a"), (error) => error instanceof Lost && error.to === "emil");
  await assert.rejects(desk.take("b"), (error) => error instanceof Lost && error.to === null, "nothing was heard of it");
  assert.equal(desk.selected, null);
});

test("a refusal of another kind is what it is", async () => {
  const { gate, desk } = await opened([room("a")]);
  gate.refusal = Object.assign(new Error("slow down"), { status: 429 });
  await assert.rejects(desk.take("a"), /slow down/);
});

test("a new visitor is announced once, and not who is gone again", async (t) => {
  const { gate, told } = await opened([room("old")]);
  gate.hear("room.updated", room("old"), "old");
  gate.known.set("new", room("new"));
  gate.hear("room.created", room("new"), "new");
  gate.hear("room.updated", room("new"), "new");
  gate.hear("room.created", room("taken"), "taken");
  gate.known.set("taken", room("taken", { assignee: "emil" }));
  t.mock.timers.tick(1000);
  await turn();
  assert.deepEqual(told, [["waiting", "new", null]]);
});

test("the open conversation leaves when somebody else has it", async (t) => {
  const { gate, desk, told } = await opened([room("a", { assignee: "dora", members: ["dora", "vera"] })]);
  await desk.select("a");
  gate.hear("member.removed", { user: "dora" }, "a");
  gate.hear("room.updated", room("a", { assignee: "emil", members: ["emil", "vera"] }), "a");
  await turn();
  assert.equal(desk.selected, null);
  t.mock.timers.tick(1000);
  assert.deepEqual(told, [["gone", "a", "emil"]]);
});

test("what was handed over to the agent is announced", async () => {
  const { gate, told } = await opened();
  gate.hear("room.created", room("a", { assignee: "dora", members: ["dora", "vera"] }), "a");
  assert.deepEqual(told, [["given", "a", null]]);
});

test("what the agent took is no news, however early or late the event comes", async () => {
  for (const early of [true, false]) {
    const { gate, desk, told } = await opened([room("a")]);
    const mine = room("a", { assignee: "dora", members: ["dora", "vera"] });
    const came = () => gate.hear("room.created", mine, "a");
    const { changeRoom } = gate;
    gate.changeRoom = async (...change) => (early && came(), changeRoom(...change));
    await desk.take("a");
    await desk.select(null);
    if (!early) came();
    assert.deepEqual(told, [], `early: ${early}`);
    gate.hear("room.updated", room("a", { assignee: "emil" }), "a");
    came();
    assert.deepEqual(told, [["given", "a", null]], "handed over again");
  }
});

test("what was taken on another page of the same agent is the agent's, but was not handed over", async () => {
  const mine = room("a", { assignee: "dora", members: ["dora", "vera"] });
  for (const types of [["room.created", "room.updated"], ["room.updated", "room.created"]]) {
    const { gate, told } = await opened([room("a")]);
    for (const type of types) gate.hear(type, mine, "a");
    assert.deepEqual(told, [["waited", "a", null]]);
  }
});

test("what could not be taken and is handed over later is announced", async () => {
  const { gate, desk, told } = await opened([room("a")]);
  gate.refusal = Object.assign(new Error("slow down"), { status: 429 });
  await assert.rejects(desk.take("a"));
  gate.hear("room.updated", room("a", { assignee: "emil" }), "a");
  gate.hear("room.created", room("a", { assignee: "dora", members: ["dora", "vera"] }), "a");
  assert.deepEqual(told, [["given", "a", null]]);
});

test("only an own conversation is marked as read, and only when somebody looks", async () => {
  const own = room("a", { assignee: "dora", members: ["dora", "vera"], unread: 2 });
  const { gate, desk } = await opened([own, room("b", { unread: 1 })]);
  await desk.select("b");
  assert.equal(desk.conversation.calls.reads, 0, "it waits: the agent is no member");
  globalThis.document.hidden = true;
  await desk.select("a");
  assert.equal(desk.conversation.calls.reads, 0);
  globalThis.document.hidden = false;
  gate.dispatchEvent(new Event("room"));
  assert.equal(desk.conversation.calls.reads, 1);
});

test("what waits is read again past every cache, as long as something waits and somebody looks", async () => {
  const { gate, desk } = await opened([room("a")]);
  gate.asked.length = 0;
  await desk.refresh();
  assert.deepEqual(gate.asked.filter(([, force]) => force), [[{ assignee: "", status: "open" }, true]]);
  gate.known.clear();
  gate.asked.length = 0;
  await desk.refresh();
  assert.deepEqual(gate.asked.filter(([, force]) => force), []);
  globalThis.document.hidden = true;
  gate.asked.length = 0;
  await desk.refresh();
  assert.deepEqual(gate.asked, []);
});

test("giving back and moving on, of which the agent knows", async (t) => {
  const { gate, desk, told } = await opened([room("a", { assignee: "dora", members: ["dora", "vera"], status: "pending" })]);
  await desk.select("a");
  const given = desk.giveBack("a");
  gate.hear("member.removed", { user: "dora" }, "a");
  await given;
  assert.deepEqual([gate.known.get("a").assignee, gate.known.get("a").status], [null, "open"]);
  await desk.moveTo("a", "sales", null);
  assert.deepEqual([gate.known.get("a").category, desk.selected], ["sales", null]);
  t.mock.timers.tick(1000);
  assert.deepEqual(told, []);
});

test("who is helped is who is no colleague", async () => {
  const { desk } = await opened([room("a", { assignee: "dora", members: ["dora", "emil", "vera"] })]);
  await turn();
  await desk.select("a");
  assert.equal(desk.visitor, "vera");
});
