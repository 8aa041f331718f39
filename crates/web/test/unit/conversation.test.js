import assert from "node:assert/strict";
import { test } from "node:test";

import { Conversation } from "../../demo/conversation.js";

const message = (seq, sender, more = {}) => ({
  id: `m${seq}`, room: "r", seq, sender, body: `text ${seq}`, client_id: null, created_at: "2026-01-01T00:00:00.000Z", ...more,
});
const states = (conversation) => conversation.entries().map(({ state, body }) => `${state}: ${body}`);

for (const order of [["answer", "echo"], ["echo", "answer"]]) {
  test(`a message stands once when ${order.join(" comes before ")}`, () => {
    const ann = new Conversation("ann", "bob");
    ann.sending("c1", "hi");
    assert.deepEqual(states(ann), ["sending: hi"]);
    order.forEach(() => ann.accepted(message(1, "ann", { client_id: "c1", body: "hi" })));
    assert.deepEqual(states(ann), ["sent: hi"]);
    assert.equal(ann.room, "r");
  });
}

test("a failed send that got through after all is sent", () => {
  const ann = new Conversation("ann", "bob");
  ann.sending("c1", "hi");
  ann.failed("c1", "no network");
  ann.accepted(message(1, "ann", { client_id: "c1", body: "hi" }));
  ann.failed("c1", "late");
  assert.deepEqual(states(ann), ["sent: hi"]);
});

test("only what failed can be tried again, and it keeps its client id", () => {
  const ann = new Conversation("ann", "bob");
  ann.sending("c1", "hi");
  assert.equal(ann.retrying("c1"), undefined);
  ann.failed("c1", "no network");
  assert.equal(ann.retrying("c1").clientId, "c1");
  assert.deepEqual(states(ann), ["sending: hi"]);
});

test("messages stand in the order of the room, unsent ones last", () => {
  const ann = new Conversation("ann", "bob");
  ann.sending("c9", "mine");
  [2, 3, 1].forEach((seq) => ann.accepted(message(seq, "bob")));
  assert.deepEqual(ann.entries().map(({ body }) => body), ["text 1", "text 2", "text 3", "mine"]);
});

test("a hole is noticed and gone when it is filled", () => {
  const ann = new Conversation("ann", "bob");
  [5, 6, 8].forEach((seq) => ann.accepted(message(seq, "bob")));
  assert.equal(ann.hole(), 7);
  ann.accepted(message(7, "bob"));
  assert.equal(ann.hole(), null);
});

test("messages of other rooms stay out", () => {
  const ann = new Conversation("ann", "bob");
  assert.equal(ann.accepted(message(1, "eve")), false);
  ann.created({ id: "r", kind: "direct", members: ["ann", "bob"] });
  assert.equal(ann.accepted(message(1, "bob", { room: "other" })), false);
  assert.equal(ann.accepted(message(1, "bob")), true);
});

test("old messages are dropped when there are too many, unsent ones are not", () => {
  const ann = new Conversation("ann", "bob");
  ann.sending("c1", "mine");
  for (let seq = 1; seq <= 700; seq += 1) ann.accepted(message(seq, "bob"));
  const entries = ann.entries();
  assert.equal(entries.length, 500);
  assert.equal(entries.at(-1).body, "mine");
  assert.equal(entries.at(-2).seq, 700);
});
