import assert from "node:assert/strict";
import { test } from "node:test";

import { belongs, filtersOf, lasting, listed, madeAt, pressing, visitorOf, waitingSince } from "../../../../../examples/pages/support/queue.js";

const DESKS = ["billing"];
const BEGUN = Date.UTC(2026, 10, 20, 9, 0, 0);

/** A version 7 id of a given time. */
function idAt(ms, nth = 0) {
  const digits = ms.toString(16).padStart(12, "0");
  return `${digits.slice(0, 8)}-${digits.slice(8)}-7000-8000-${nth.toString(16).padStart(12, "0")}`;
}

let count = 0;
function room(more = {}) {
  const { at = BEGUN, ...fields } = more;
  return {
    id: idAt(at, (count += 1)), kind: "group", name: null, context: null, category: "billing", status: "open", assignee: null,
    members: ["vera"], last_message: null, last_seq: 0, last_read_seq: 0, unread: 0, updated_at: new Date(at).toISOString(), ...fields,
  };
}

function said(sender, ms) {
  return { id: idAt(ms), seq: 1, sender, text: "hi", created_at: new Date(ms).toISOString() };
}

const WAITING = { who: "waiting", status: "open", desk: "" };
const MINE = { who: "mine", status: "open", desk: "" };

test("a waiting room is nobody's, open, and at a desk of the agent", () => {
  assert.equal(belongs(room(), WAITING, "dora", DESKS), true);
  assert.equal(belongs(room({ status: null }), WAITING, "dora", DESKS), true, "without a status it has just begun");
  assert.equal(belongs(room({ status: "closed" }), WAITING, "dora", DESKS), false);
  assert.equal(belongs(room({ assignee: "emil" }), WAITING, "dora", DESKS), false);
  assert.equal(belongs(room({ category: "garden" }), WAITING, "dora", DESKS), false);
  assert.equal(belongs(room({ category: null }), WAITING, "dora", DESKS), false);
  assert.equal(belongs(room({ kind: "direct" }), WAITING, "dora", DESKS), false);
});

test("an own room stays on the list when its agent serves the desk no more", () => {
  assert.equal(belongs(room({ assignee: "dora", category: "garden" }), MINE, "dora", DESKS), true);
  assert.equal(belongs(room({ assignee: "emil" }), MINE, "dora", DESKS), false);
  assert.equal(belongs(room({ assignee: "dora", status: "pending" }), MINE, "dora", DESKS), false);
  assert.equal(belongs(room({ assignee: "dora", status: "pending" }), { ...MINE, status: "" }, "dora", DESKS), true);
  assert.equal(belongs(room({ assignee: "dora" }), { ...MINE, desk: "sales" }, "dora", DESKS), false);
});

test("open rooms are asked for by status, and once without, for those that have none", () => {
  assert.deepEqual(filtersOf(WAITING, "dora"), [{ assignee: "", status: "open" }, { assignee: "" }]);
  assert.deepEqual(filtersOf({ ...MINE, status: "closed", desk: "billing" }, "dora"), [{ assignee: "dora", category: "billing", status: "closed" }]);
  assert.deepEqual(filtersOf({ ...MINE, status: "" }, "dora"), [{ assignee: "dora" }]);
});

test("the time of a room is in its id, and in no other id", () => {
  assert.equal(madeAt(idAt(BEGUN)), BEGUN);
  assert.equal(madeAt("4f2d7a52-3b1c-4c0a-9d0e-0a1b2c3d4e5f"), null, "version 4");
  assert.equal(madeAt("room-7"), null);
});

test("at the desk one waits since the beginning, and on a later day since the last word", () => {
  const minute = 60_000;
  assert.equal(waitingSince(room(), "dora"), BEGUN);
  assert.equal(waitingSince(room({ last_message: said("vera", BEGUN + 5 * minute) }), "dora"), BEGUN);
  const later = BEGUN + 30 * 3_600_000;
  assert.equal(waitingSince(room({ last_message: said("vera", later) }), "dora"), later);
  assert.equal(waitingSince(room({ status: "closed" }), "dora"), null);
});

test("with an agent, the visitor waits when the last word is the visitor's", () => {
  const at = BEGUN + 60_000;
  assert.equal(waitingSince(room({ assignee: "dora", last_message: said("vera", at) }), "dora"), at);
  assert.equal(waitingSince(room({ assignee: "dora", last_message: said("dora", at) }), "dora"), null);
  assert.equal(waitingSince(room({ assignee: "dora" }), "dora"), null);
});

test("who waits longest stands first; elsewhere the newest activity does", () => {
  const [late, early] = [room({ at: BEGUN + 1000 }), room({ at: BEGUN })];
  assert.deepEqual(listed([late, early], WAITING, "dora", DESKS), [early, late]);
  const mine = [early, late].map((one) => ({ ...one, assignee: "dora", members: ["dora", "vera"] }));
  assert.deepEqual(listed(mine, MINE, "dora", DESKS).map(({ id }) => id), [late.id, early.id]);
});

test("what presses is all that waits, and own rooms with something unread", () => {
  const rooms = [room(), room({ assignee: "dora", unread: 2 }), room({ assignee: "dora" }), room({ assignee: "emil", unread: 1 }), room({ status: "closed" })];
  assert.deepEqual(pressing(rooms, "dora", DESKS), { waiting: 1, unread: 1, total: 2 });
});

test("the visitor is who is no agent", () => {
  assert.equal(visitorOf(room()), "vera");
  assert.equal(visitorOf(room({ assignee: "dora", members: ["dora", "emil", "vera"] }), new Set(["dora", "emil"])), "vera");
  assert.equal(visitorOf(room({ assignee: "dora", members: ["dora", "emil"] }), new Set(["dora", "emil"])), "emil", "an agent may be a visitor");
});

test("times are as short as can be read", () => {
  const times = [[0, "just now"], [59_999, "just now"], [60_000, "1 min"], [3_599_000, "59 min"], [3_600_000, "1 h"], [7_800_000, "2 h 10 min"], [86_400_000, "1 day"], [3 * 86_400_000, "3 days"], [-5, "just now"]];
  for (const [ms, words] of times) assert.equal(lasting(ms), words);
});
