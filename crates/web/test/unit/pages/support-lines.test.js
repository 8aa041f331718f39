import assert from "node:assert/strict";
import { test } from "node:test";

import { inWords, Lines, woven } from "../../../../../examples/pages/support/lines.js";

const WHO = { me: "vera", name: (user) => user.toUpperCase() };

function shelf() {
  const kept = new Map();
  return { getItem: (key) => kept.get(key) ?? null, setItem: (key, text) => void kept.set(key, text) };
}

function at(second) {
  return new Date(Date.UTC(2026, 10, 21, 9, 0, second)).toISOString();
}

let count = 0;
function event(type, data, second = 0) {
  return { id: `event-${(count += 1)}`, type, at: at(second), room: "r1", data };
}

test("who comes and goes is told once, however often it is heard", () => {
  const lines = new Lines(null, "k");
  const came = event("member.added", { user: "dora" });
  assert.equal(lines.hear(came), true);
  assert.equal(lines.hear(came), false);
  lines.hear(event("member.removed", { user: "dora" }));
  assert.deepEqual(lines.of("r1").map((line) => inWords(line, WHO)), ["DORA has joined", "DORA has left"]);
});

test("a status is told when it changes, not when something else does", () => {
  const lines = new Lines(null, "k");
  lines.know([{ id: "r1", status: "open" }]);
  assert.equal(lines.hear(event("room.updated", { status: "open", assignee: "dora" })), false);
  assert.equal(lines.hear(event("room.updated", { status: "closed" })), true);
  assert.equal(lines.hear(event("room.updated", { status: "open" })), true);
  assert.deepEqual(lines.of("r1").map((line) => inWords(line, WHO)), ["The conversation was closed", "The conversation is open again"]);
});

test("a room that was unknown has no change to tell", () => {
  const lines = new Lines(null, "k");
  assert.equal(lines.hear(event("room.updated", { status: "closed" })), false);
  assert.equal(lines.hear(event("message.created", { body: "hi" })), false);
});

test("a reload and another tab see the same lines, each once", () => {
  const storage = shelf();
  const [one, other] = [new Lines(storage, "k"), new Lines(storage, "k")];
  const came = event("member.added", { user: "dora" });
  one.hear(came);
  assert.equal(other.hear(came), false, "the other tab finds it written down");
  assert.equal(new Lines(storage, "k").of("r1").length, 1);
});

test("storage that holds something else, or is forbidden, does no harm", () => {
  const odd = { getItem: () => "{nonsense", setItem: () => { throw new Error("full"); } };
  const lines = new Lines(odd, "k");
  assert.equal(lines.hear(event("member.added", { user: "dora" })), true);
  assert.equal(lines.of("r1").length, 1);
});

test("only so many lines of so many rooms are kept", () => {
  const storage = shelf();
  const lines = new Lines(storage, "k");
  for (let nth = 0; nth < 100; nth += 1) lines.hear(event("member.added", { user: `u${nth}` }));
  assert.equal(lines.of("r1").length, 40);
  assert.equal(lines.of("r1").at(-1).user, "u99");
  for (let nth = 0; nth < 60; nth += 1) lines.hear({ ...event("member.added", { user: "x" }), room: `room-${nth}` });
  assert.equal(JSON.parse(storage.getItem("k")).length, 30);
  assert.equal(new Lines(storage, "k").of("room-59").length, 1);
});

test("an agent reads what pending means to an agent", () => {
  const line = { id: "1", at: at(0), what: "status", status: "pending" };
  assert.notEqual(inWords(line, WHO), inWords(line, { ...WHO, agent: true }));
  assert.equal(inWords({ ...line, status: "elsewhere" }, WHO), "Status: elsewhere");
  assert.equal(inWords({ id: "1", at: at(0), what: "joined", user: "vera" }, WHO), "You have joined");
});

test("lines stand where they happened, and unsent messages last", () => {
  const entry = (key, state, second) => ({ key, state, at: at(second) });
  const line = (id, second) => ({ id, at: at(second), what: "joined", user: "dora" });
  const all = woven([entry("a", "sent", 1), entry("b", "sent", 5), entry("c", "sending", 0)], [line("x", 3), line("y", 9)]);
  assert.deepEqual(all.map((one) => one.entry?.key ?? one.line.id), ["a", "x", "b", "y", "c"]);
});

test("lines from before the first loaded message wait for it", () => {
  const lines = [{ id: "x", at: at(1), what: "joined", user: "dora" }];
  const entries = [{ key: "a", state: "sent", at: at(5) }];
  assert.equal(woven(entries, lines, false).length, 1);
  assert.equal(woven(entries, lines, true).length, 2);
  assert.equal(woven([], lines, true).length, 1);
});
