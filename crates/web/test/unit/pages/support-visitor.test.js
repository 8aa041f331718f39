import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { Visitor } from "../../../../../examples/pages/support/widget/visitor.js";

const NOW = new Date().toISOString();
/** The gate that the visitor made last. */
let gate;
let rooms;
let away;
/** Rooms that no list has. @type {Map<string, any>} */
let elsewhere;

class Gate extends EventTarget {
  constructor(options) {
    super();
    Object.assign(this, { options, state: "live", asked: [], changes: [], present: new Set() });
    gate = this;
  }
  start() {}
  stop() {
    this.stopped = true;
  }
  connectionInfo = () => ({ state: this.state });
  rooms = ({ category }) => rooms.filter((room) => room.category === category);
  room = (id) => rooms.find((room) => room.id === id);
  loadRooms = async (filter) => {
    this.asked.push(filter);
    if (away) throw new Error("away");
    return rooms;
  };
  loadRoom = async (id) => {
    const room = elsewhere.get(id);
    if (!room) throw Object.assign(new Error("no such room"), { status: 404 });
    rooms = [...rooms, room];
    return room;
  };
  loadPresence = async (users) => users.forEach((user) => this.present.add(user));
  presence = (user) => (this.present.has(user) ? { user, online: true, since: NOW } : undefined);
  createRoom = async (room) => {
    const made = { ...roomOf("new"), ...room };
    rooms = [...rooms, made];
    return made;
  };
  changeRoom = async (id, change) => void this.changes.push([id, change]);
  conversation = (id) => Object.assign(new EventTarget(), { id, reads: 0, sent: [], load: async () => {}, release: () => {}, read() { this.reads += 1; }, send(draft) { this.sent.push(draft); } });
  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

function roomOf(id, more = {}) {
  return { id, kind: "group", name: null, context: null, category: "help", status: "open", assignee: null, members: ["vera"], last_seq: 0, unread: 0, updated_at: NOW, ...more };
}

function visitor(more = {}) {
  const asked = [];
  const signIn = async (why) => asked.push(why) && { token: `t${asked.length}`, user: "vera", names: { dora: "Dora Lind" } };
  const options = { gateway: "https://chat.example", desk: "help", context: null, signIn, ...more };
  return Object.assign(new Visitor(options, Gate), { asked });
}

beforeEach((t) => {
  t.mock.method(console, "warn", () => {});
  const kept = new Map();
  rooms = [];
  elsewhere = new Map();
  away = false;
  globalThis.document = { hidden: false };
  globalThis.localStorage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, text) => void kept.set(key, text) };
});
afterEach(() => {
  delete globalThis.document;
  delete globalThis.localStorage;
});

test("nobody is asked for anything before the chat is opened", async () => {
  const vera = visitor();
  assert.deepEqual([vera.phase, vera.asked, vera.unread, vera.returns], ["asleep", [], 0, false]);
});

test("who opens it is signed in once, with the first token, and with others when they run out", async () => {
  const vera = visitor();
  vera.looks(true);
  vera.looks(true);
  await turn();
  assert.deepEqual([vera.phase, vera.user, vera.asked], ["ready", "vera", [{ expired: false }]]);
  assert.equal(await gate.options.token({ expired: false }), "t1");
  assert.equal(await gate.options.token({ expired: true }), "t2");
  assert.equal(vera.current, null, "nothing was said yet");
});

test("the first message begins the conversation, about what the page is about", async () => {
  const vera = visitor({ context: { kind: "order", id: "7" } });
  await vera.wake();
  vera.conversation.send({ body: "Hello" });
  await turn();
  assert.equal(vera.current, "new");
  assert.deepEqual([vera.room.status, vera.room.name, vera.room.context], ["open", "Hello", { kind: "order", id: "7" }]);
  assert.equal(vera.returns, true, "the next page connects by itself");
});

test("the conversation that is there goes on, and what was said in the meantime counts", async () => {
  rooms = [roomOf("a", { unread: 2 }), roomOf("b", { status: "closed", unread: 1 }), roomOf("c", { members: ["zoe"], unread: 5 })];
  const vera = visitor();
  await vera.wake();
  assert.deepEqual([vera.current, vera.unread, vera.conversation.reads], ["a", 3, 0], "others' rooms at the desk are not the visitor's");
  vera.looks(true);
  assert.equal(vera.conversation.reads, 1);
});

test("nothing is read while nobody looks", async () => {
  rooms = [roomOf("a", { unread: 2 })];
  const vera = visitor();
  vera.looks(true);
  globalThis.document.hidden = true;
  await turn();
  gate.tell("rooms");
  assert.equal(vera.conversation.reads, 0);
  globalThis.document.hidden = false;
  vera.look();
  assert.equal(vera.conversation.reads, 1);
});

test("what another tab has begun is gone on with here, unless a new one was asked for", async () => {
  const [vera, other] = [visitor(), visitor()];
  await vera.wake();
  const hers = gate;
  await other.wake();
  await other.show(null);
  rooms = [roomOf("a")];
  hers.tell("rooms");
  gate.tell("rooms");
  await turn();
  assert.deepEqual([vera.current, other.current], ["a", null]);
});

test("whether the agent is there is asked when there is an agent", async () => {
  rooms = [roomOf("a")];
  const vera = visitor();
  await vera.wake();
  assert.deepEqual([vera.agent, vera.agentOnline, [...gate.present]], [null, false, []]);
  rooms = [roomOf("a", { assignee: "dora", members: ["dora", "vera"] })];
  gate.tell("room");
  await turn();
  assert.deepEqual([vera.agent, vera.agentOnline], ["dora", true]);
});

test("a word of the visitor opens what was pending, and nothing else", async () => {
  rooms = [roomOf("a", { status: "pending" })];
  const vera = visitor();
  await vera.wake();
  await vera.wrote();
  assert.deepEqual(gate.changes, [["a", { status: "open" }]]);
  rooms = [roomOf("a")];
  await vera.wrote();
  assert.equal(gate.changes.length, 1);
});

test("who joined is a line of its room", async () => {
  rooms = [roomOf("a")];
  const vera = visitor();
  await vera.wake();
  gate.tell("member.added", { id: "e1", type: "member.added", at: NOW, room: "a", data: { user: "dora" } });
  gate.tell("member.added", { id: "e2", type: "member.added", at: NOW, room: "elsewhere", data: { user: "emil" } });
  assert.deepEqual(vera.lines().map(({ what, user }) => [what, user]), [["joined", "dora"]]);
});

test("a gateway that is away is told, and tried again by hand or when it is back", async () => {
  away = true;
  const vera = visitor();
  await vera.wake();
  assert.deepEqual([vera.phase, vera.reason], ["failed", "away"]);
  gate.state = "waiting";
  gate.tell("connection", {});
  await turn();
  assert.equal(vera.phase, "failed");
  away = false;
  gate.state = "live";
  gate.tell("connection", {});
  await turn();
  assert.deepEqual([vera.phase, vera.asked.length], ["ready", 1]);
});

test("a shop that gives no token is told", async () => {
  const vera = visitor({ signIn: async () => { throw new Error("no token for you"); } });
  await vera.wake();
  assert.deepEqual([vera.phase, vera.reason], ["failed", "no token for you"]);
});

test("a conversation that went to another desk goes on, and one that is gone is forgotten", async () => {
  rooms = [roomOf("a"), roomOf("b")];
  await visitor().wake();
  rooms = [];
  elsewhere.set("a", roomOf("a", { category: "billing", unread: 1 }));
  const vera = visitor();
  assert.equal(vera.returns, true);
  await vera.wake();
  assert.deepEqual([vera.current, vera.unread, vera.rooms().map(({ id }) => id)], ["a", 1, ["a"]]);
  assert.deepEqual(Object.values(JSON.parse(globalThis.localStorage.getItem("pollgate-support:https://chat.example:help"))), [["a"]]);
});

test("another visitor at the same browser sees none of it", async () => {
  rooms = [roomOf("a")];
  await visitor().wake();
  rooms = [];
  elsewhere.set("a", roomOf("a", { members: ["vera"] }));
  const zoe = visitor({ signIn: async () => ({ token: "t", user: "zoe", names: {} }) });
  await zoe.wake();
  assert.deepEqual([zoe.current, zoe.rooms()], [null, []]);
});

test("the token of another customer is never used in the first one's name: the chat begins anew as the other", async () => {
  let user = "vera";
  let asked = 0;
  rooms = [roomOf("a", { unread: 1 }), roomOf("b", { members: ["zoe"], unread: 4 })];
  const widget = visitor({ signIn: async () => ({ token: `${user}-${(asked += 1)}`, user, names: {} }) });
  await widget.wake();
  const veras = gate;
  assert.equal(await veras.options.token({ expired: true }), "vera-2");
  assert.deepEqual([gate, widget.current], [veras, "a"], "the same customer goes on");

  user = "zoe";
  await assert.rejects(veras.options.token({ expired: true }), /zoe/);
  await turn();
  assert.deepEqual([veras.stopped, gate.options.user, widget.gate === gate], [true, "zoe", true]);
  assert.deepEqual([widget.phase, widget.user, widget.current, widget.unread], ["ready", "zoe", "b", 4]);
  assert.equal(await gate.options.token({ expired: false }), "zoe-3");
  await assert.rejects(veras.options.token({ expired: false }), /somebody else/, "nor the other way round");
});

test("what the first customer's connection still says changes nothing for the other", async () => {
  let user = "vera";
  rooms = [roomOf("a")];
  const widget = visitor({ signIn: async () => ({ token: user, user, names: {} }) });
  await widget.wake();
  const veras = gate;
  user = "zoe";
  await assert.rejects(veras.options.token({ expired: true }));
  await turn();
  veras.tell("signed-out");
  veras.tell("rooms");
  await turn();
  assert.deepEqual([widget.phase, widget.current, widget.rooms()], ["ready", null, []]);
});

test("a customer who changes while the chat still connects", async () => {
  let user = "vera";
  rooms = [roomOf("a"), roomOf("b", { members: ["zoe"] })];
  const widget = visitor({ signIn: async () => ({ token: user, user, names: {} }) });
  const waking = widget.wake();
  await Promise.resolve();
  await Promise.resolve();
  const veras = gate;
  user = "zoe";
  await assert.rejects(veras.options.token({ expired: true }));
  await waking;
  await turn();
  assert.deepEqual([widget.phase, widget.user, widget.current], ["ready", "zoe", "b"]);
});
