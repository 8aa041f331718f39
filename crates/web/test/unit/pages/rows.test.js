import assert from "node:assert/strict";
import { test } from "node:test";

import { daysOf, firstNew, readCount, readersByEntry } from "../../../../../examples/pages/common/talk/rows.js";

const NOW = new Date(2026, 2, 10, 12).getTime();
const at = (day, hour, minute = 0) => new Date(2026, 2, day, hour, minute).toISOString();
const entry = (seq, sender, time, more = {}) => ({ key: `k${seq}`, id: `m${seq}`, seq, state: "sent", sender, mine: sender === "ann", body: `text ${seq}`, at: time, ...more });
const shape = (days) => days.map(({ label, rows }) => [label, ...rows.map((row) => (row.kind === "entry" ? `${row.entry.seq ?? row.key}${row.first ? "(" : ""}${row.last ? ")" : ""}` : row.kind === "note" ? row.note.text : "new"))]);

test("messages of one sender stand together until five minutes or somebody else lie between", () => {
  const entries = [entry(1, "bob", at(10, 9)), entry(2, "bob", at(10, 9, 4)), entry(3, "bob", at(10, 9, 10)), entry(4, "ann", at(10, 9, 11)), entry(5, "ann", at(10, 9, 11))];
  assert.deepEqual(shape(daysOf(entries, { now: NOW })), [["Today", "1(", "2)", "3()", "4(", "5)"]]);
});

test("a day begins with its name and ends a run", () => {
  const entries = [entry(1, "bob", at(9, 23, 59)), entry(2, "bob", at(10, 0, 0))];
  assert.deepEqual(shape(daysOf(entries, { now: NOW })), [["Yesterday", "1()"], ["Today", "2()"]]);
});

test("a clock that was put back shows no day twice", () => {
  const entries = [entry(1, "bob", at(9, 12)), entry(2, "cleo", at(10, 1)), entry(3, "bob", at(9, 23)), entry(4, "cleo", at(10, 2))];
  const days = daysOf(entries, { now: NOW });
  assert.deepEqual(days.map(({ key }) => key), ["2026-3-9", "2026-3-10"]);
  assert.equal(days[1].rows.length, 3);
});

test("the line stands above the first message of somebody else that was not read, and parts a run", () => {
  const entries = [entry(1, "bob", at(10, 9)), entry(2, "ann", at(10, 9, 1)), entry(3, "bob", at(10, 9, 2)), entry(4, "bob", at(10, 9, 3))];
  assert.deepEqual(shape(daysOf(entries, { now: NOW, newAfter: 3 })), [["Today", "1()", "2()", "3()", "new", "4()"]]);
  assert.equal(firstNew(entries, 1)?.seq, 3, "one's own message is not new");
  assert.equal(firstNew(entries, 4), undefined);
  assert.equal(firstNew(entries, null), undefined);
});

test("what is not sent yet is never new and has no readers", () => {
  const unsent = entry(undefined, "ann", at(10, 10), { key: "tmp", state: "sending", seq: null });
  assert.equal(firstNew([unsent], 0), undefined);
  assert.deepEqual(readCount(unsent, new Map([["bob", 9]]), ["bob"]), { read: 0, of: 1 });
});

test("notes stand where they happened; what is not sent yet stays last", () => {
  const unsent = entry(undefined, "ann", at(10, 9, 1), { key: "tmp", state: "sending", seq: null });
  const entries = [entry(1, "bob", at(10, 9)), entry(2, "bob", at(10, 9, 3)), unsent];
  const notes = [{ key: "b", at: at(10, 9, 30), text: "closed" }, { key: "a", at: at(10, 9, 2), text: "joined" }, { key: "0", at: at(10, 8), text: "opened" }];
  assert.deepEqual(shape(daysOf(entries, { now: NOW, notes })), [["Today", "opened", "1()", "joined", "2()", "closed", "tmp()"]]);
  assert.deepEqual(shape(daysOf(entries, { now: NOW, notes, whole: false })), [["Today", "1()", "joined", "2()", "closed", "tmp()"]], "older messages are missing: nobody knows where it belongs");
});

test("notes alone have their day", () => {
  assert.deepEqual(shape(daysOf([], { now: NOW, notes: [{ key: "a", at: at(10, 9), text: "joined" }] })), [["Today", "joined"]]);
});

test("readers stand at the message they have come to; nobody reads their own", () => {
  const entries = [entry(1, "ann", at(10, 9)), entry(2, "bob", at(10, 9)), entry(3, "ann", at(10, 9))];
  const receipts = new Map([["ann", 3], ["bob", 2], ["cleo", 7], ["dan", 1]]);
  assert.deepEqual([...readersByEntry(entries, receipts, "ann")], [["k3", ["cleo"]], ["k1", ["dan"]]]);
  assert.deepEqual(readCount(entries[2], receipts, ["bob", "cleo"]), { read: 1, of: 2 });
  assert.deepEqual(readCount(entries[0], receipts, ["bob", "cleo"]), { read: 2, of: 2 });
});
