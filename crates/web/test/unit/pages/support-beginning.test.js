import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { Beginning, subject } from "../../../../../examples/pages/support/widget/beginning.js";
import { pick } from "../../../../../examples/pages/support/widget/pick.js";

const NEW = { category: "help", status: "open" };

/** A gate that makes rooms, or does not, and writes down what it was asked. */
function gate({ fails = 0, found = [] } = {}) {
  const told = { made: [], sent: [], failures: fails };
  return {
    told,
    createRoom: async (room) => {
      told.made.push(room);
      if (told.failures-- > 0) throw new Error("not now");
      return { ...room, id: "r1", members: ["vera"] };
    },
    loadRooms: async () => found,
    conversation: (id) => ({ send: (draft) => told.sent.push([id, draft.body]) }),
  };
}

function beginning(gate) {
  const begun = [];
  return { begun, start: new Beginning({ gate, user: "vera", room: NEW, begun: (room) => begun.push(room.id) }) };
}

test("the first message makes the room, is its name, and is sent there", async () => {
  const g = gate();
  const { start, begun } = beginning(g);
  assert.equal(start.idle, true);
  const entry = start.send({ body: "Where is my chair?\nIt is late." });
  assert.equal(entry.state, "sending");
  assert.equal(start.entries.length, 1);
  await turn();
  assert.deepEqual(g.told.made, [{ ...NEW, name: "Where is my chair?" }]);
  assert.deepEqual(g.told.sent, [["r1", "Where is my chair?\nIt is late."]]);
  assert.deepEqual(begun, ["r1"]);
});

test("two messages before the room is there make one room", async () => {
  const g = gate();
  const { start } = beginning(g);
  start.send({ body: "one" });
  start.send({ body: "two" });
  await turn();
  assert.equal(g.told.made.length, 1);
  assert.deepEqual(g.told.sent.map(([, body]) => body), ["one", "two"]);
});

test("what failed stays, and is tried again", async () => {
  const g = gate({ fails: 1 });
  const { start, begun } = beginning(g);
  const { key } = start.send({ body: "one" });
  await turn();
  assert.deepEqual([start.entries[0].state, start.entries[0].reason], ["failed", "not now"]);
  start.retry(key);
  assert.equal(start.entries[0].state, "sending");
  await turn();
  assert.deepEqual(begun, ["r1"]);
});

test("a room whose answer got lost is found again, not made twice", async () => {
  const lost = { id: "r0", name: "one", status: "open", category: "help", last_seq: 0, members: ["vera"] };
  const g = gate({ fails: 1, found: [{ ...lost, id: "other", last_seq: 4 }, lost] });
  const { start, begun } = beginning(g);
  const { key } = start.send({ body: "one" });
  await turn();
  start.retry(key);
  await turn();
  assert.equal(g.told.made.length, 1);
  assert.deepEqual(begun, ["r0"]);
});

test("what is discarded is not sent", async () => {
  const g = gate({ fails: 1 });
  const { start } = beginning(g);
  const { key } = start.send({ body: "one" });
  await turn();
  start.discard(key);
  start.retry(key);
  await turn();
  assert.deepEqual([start.entries, start.idle, g.told.made.length], [[], true, 1]);
});

test("a subject is one line that a room's name can hold", () => {
  assert.equal(subject("  Hello \r\nthere"), "Hello");
  assert.equal(subject(""), undefined);
  assert.equal(subject(undefined), undefined);
  const long = subject(`${"word ".repeat(40)}end`);
  assert.ok(long.endsWith("word…") && Buffer.byteLength(long) <= 120, long);
  assert.ok(Buffer.byteLength(subject("☂".repeat(200))) <= 120);
});

const NOW = Date.UTC(2026, 10, 21);
const hoursAgo = (hours) => new Date(NOW - hours * 3_600_000).toISOString();
const about = (id) => ({ kind: "order", id });

test("a visitor goes on with the newest open conversation, or one closed within a day", () => {
  const open = { id: "open", status: "open", context: null, updated_at: hoursAgo(50) };
  const closed = { id: "closed", status: "closed", context: null, updated_at: hoursAgo(1) };
  assert.equal(pick([closed, open], null, NOW), open);
  assert.equal(pick([closed], null, NOW), closed);
  assert.equal(pick([{ ...closed, updated_at: hoursAgo(25) }], null, NOW), undefined);
  assert.equal(pick([], null, NOW), undefined);
});

test("a page about an order goes on with that order's conversation alone", () => {
  const seven = { id: "7", status: "open", context: about("7"), updated_at: hoursAgo(9) };
  const other = { id: "o", status: "open", context: null, updated_at: hoursAgo(1) };
  assert.equal(pick([other, seven], about("7"), NOW), seven);
  assert.equal(pick([other, seven], about("8"), NOW), undefined);
});
