import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { Refusal, gateOf, heard, pass, tab, thawTime } from "./fakes.js";
import { begin, fill, gateway, room, seqs, shown } from "./talks.js";

beforeEach(begin);
afterEach(thawTime);

const span = (talk) => [talk.entries[0]?.seq, talk.entries.at(-1)?.seq, talk.entries.length];
const after = () => gateway.requests.filter((request) => request.includes('"after"'));

test("a hole is filled by itself, with one request for all of it", async () => {
  fill(3);
  const { talk } = await shown();
  fill(2);
  gateway.say(room, "bob", "6");
  fill(1);
  gateway.say(room, "bob", "8");
  assert.deepEqual(seqs(talk), [1, 2, 3, 6, 8]);
  await pass(400);
  assert.deepEqual(seqs(talk), [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.equal(after().length, 1);
  assert.match(after()[0], /"after":3/);
});

test("a hole that closes by itself costs nothing", async () => {
  fill(3);
  const { talk } = await shown();
  const [four, five] = [gateway.message(room, "bob", "4"), gateway.message(room, "bob", "5")];
  gateway.tell("message.created", room.id, five);
  await pass(100);
  gateway.tell("message.created", room.id, four);
  await pass(1_000);
  assert.deepEqual([seqs(talk), after().length], [[1, 2, 3, 4, 5], 0]);
});

test("one's own message that overtakes the first answer hides nothing that was said between", async () => {
  fill(5);
  const { gate } = tab(gateway);
  await gate.loadRooms();
  const slow = gateOf();
  gateway.late = ({ path, method, query }) => (method === "GET" && path.endsWith("/messages") && !query.after ? slow.promise : undefined);
  const talk = gate.conversation(room.id);
  talk.addEventListener("change", () => {});
  const loading = talk.load();
  await pass(50);
  gateway.say(room, "bob", "6");
  talk.send({ body: "mine" });
  await pass(50);
  assert.deepEqual(seqs(talk), [7]);
  slow.open();
  await loading;
  await pass(400);
  assert.deepEqual(seqs(talk), [1, 2, 3, 4, 5, 6, 7]);
  assert.equal(talk.hasOlder, false);
});

test("a hole that cannot be filled is tried again, and said", async () => {
  fill(3);
  const { talk } = await shown();
  const errors = heard(talk, "error");
  fill(1);
  gateway.trouble = async ({ query }) => {
    if (query.after) throw new Refusal(503, "overloaded", 2_000);
  };
  gateway.say(room, "bob", "5");
  await pass(1_000);
  assert.deepEqual([errors.length, talk.error.code, seqs(talk)], [1, "overloaded", [1, 2, 3, 5]]);
  gateway.trouble = async () => {};
  await pass(2_000);
  assert.deepEqual([talk.error, seqs(talk)], [null, [1, 2, 3, 4, 5]]);
});

test("messages that were removed for ever are no hole", async () => {
  fill(3);
  const { talk } = await shown();
  fill(5);
  gateway.messages.get(room.id).splice(3, 4);
  gateway.say(room, "bob", "9");
  await pass(1_000);
  await pass(20_000, 500);
  assert.deepEqual([seqs(talk), after().length], [[1, 2, 3, 8, 9], 1]);
});

test("a room far behind is read anew from its end", async () => {
  fill(10);
  const { talk } = await shown();
  fill(500);
  gateway.say(room, "bob", "new");
  await pass(1_000);
  assert.deepEqual(span(talk), [412, 511, 100]);
  assert.deepEqual([after().length, talk.hasOlder], [0, true]);
});

test("resync reads again what is shown, and holds the cursor back until that worked", async () => {
  fill(3);
  const { talk, gate, link } = await shown();
  const hidden = gate.conversation({ to: "nobody" });
  await gate.loadRooms();
  const told = heard(gate, "resynced");
  fill(2);
  Object.assign(gateway.messages.get(room.id)[0], { body: "changed", edited_at: "2026-01-31T12:00:01.000Z" });
  gateway.trouble = async () => {
    throw new Refusal(503, "overloaded");
  };
  await assert.rejects(link.resync());
  assert.deepEqual([seqs(talk), told.length], [[1, 2, 3], 0], "the last good messages stay");
  gateway.trouble = async () => {};
  const before = gateway.requests.length;
  await link.resync();
  assert.deepEqual(seqs(talk), [1, 2, 3, 4, 5]);
  assert.deepEqual([talk.entries[0].body, told.length], ["changed", 1], "changes that were missed are seen, too");
  assert.equal(gateway.requests.length - before, 2, "the list and the room that is shown");
  assert.equal(hidden.entries.length, 0);
});

test("resync is repeated when only the list cannot be read", async () => {
  const { gate, link } = tab(gateway);
  await gate.loadRooms();
  gateway.trouble = async () => {
    throw new Refusal(503, "overloaded");
  };
  await assert.rejects(link.resync());
  await assert.rejects(link.resync(), "until it works");
});

test("a room that one only looks into is fresh for a short time; who comes in later sees all of it", async () => {
  gateway.desks = ["billing"];
  const desk = gateway.room(["visitor"], { kind: "group", category: "billing" });
  gateway.message(desk, "visitor", "help");
  const { gate } = tab(gateway, { user: "emil" });
  const queue = { category: "billing", assignee: "" };
  const read = () => gateway.count(`/v1/rooms/${desk.id}/messages {`);
  await gate.desks();
  await pass(50);
  await gate.loadRooms(queue);
  const talk = gate.conversation(desk.id);
  const page = new AbortController();
  talk.addEventListener("change", () => {}, { signal: page.signal });
  await talk.load();
  gateway.message(desk, "visitor", "hello?");
  await pass(5_200);
  await talk.load();
  assert.deepEqual(seqs(talk), [1, 2], "nobody told of it");
  await pass(5_000);
  await gate.loadRooms(queue);
  assert.equal(gate.rooms(queue)[0].last_message.text, "hello?");
  page.abort();
  // another agent had it for a while, and hands it over
  gateway.tell("room.updated", desk.id, { ...gateway.seen(desk, "emil"), assignee: "dora", members: ["dora", "visitor"] });
  for (let n = 0; n < 3; n += 1) gateway.message(desk, "dora", `d${n}`);
  Object.assign(gateway.messages.get(desk.id)[0], { body: "changed", edited_at: "2026-01-31T12:00:01.000Z" });
  Object.assign(desk, { members: ["emil", "visitor"], assignee: "emil" });
  gateway.tell("room.created", desk.id, gateway.seen(desk, "emil"));
  await pass(100);
  const before = read();
  await talk.load();
  assert.deepEqual([seqs(talk), talk.entries[0].body, read() - before], [[1, 2, 3, 4, 5], "changed", 1]);
  await pass(20_000, 250);
  await talk.load();
  assert.equal(read() - before, 1, "from now on one is told");
});

test("who comes back into a room reads what changed meanwhile, also when nothing new was said", async () => {
  fill(3);
  const { talk } = await shown();
  gateway.tell("member.removed", room.id, { user: "ann" });
  Object.assign(gateway.messages.get(room.id)[1], { body: "changed", edited_at: "2026-01-31T12:00:01.000Z" });
  gateway.tell("member.added", room.id, { user: "ann" });
  await talk.load();
  assert.equal(talk.entries[1].body, "changed");
});

test("what is known to be old is not taken from another tab's answer", async () => {
  fill(3);
  const { gate } = tab(gateway);
  const talk = gate.conversation(room.id);
  await Promise.all([talk.load(), gate.loadRooms()]);
  fill(2);
  await pass(100);
  gateway.tell("room.updated", room.id, gateway.seen(room, "ann"));
  await talk.load();
  assert.deepEqual(seqs(talk), [1, 2, 3, 4, 5]);
});

test("a room that is known to have more than what is shown is read", async () => {
  fill(3);
  const { talk } = await shown();
  fill(2);
  gateway.tell("room.updated", room.id, gateway.seen(room, "ann"));
  await pass(500);
  assert.deepEqual(seqs(talk), [1, 2, 3, 4, 5]);
});
