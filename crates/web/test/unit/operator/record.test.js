/** What the page keeps of the gateway's lines. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Lines } from "../../../operator/record.js";

const FIELDS = ["at_ms", "held", "sends"];
const line = (s, held, sends = 0) => [s * 1000, held, sends];
const past = (fine = [], coarse = []) => ({ fields: FIELDS, fine, coarse });

test("a distance of several steps is a gap, a late line is none", () => {
  const lines = new Lines();
  lines.begin(past([line(100, 1), line(102, 2), line(106, 3), line(120, 4)]));
  const [at, held] = lines.columns("fine", ["held"]);
  assert.deepEqual(at, [100, 102, 106, 108, 120]);
  assert.deepEqual(held, [1, 2, 3, null, 4]);
});

test("what is older than the span is forgotten", () => {
  const lines = new Lines();
  lines.begin(past([line(0, 1), line(2, 2)], [line(0, 1)]));
  lines.add("fine", line(301, 3));
  lines.add("coarse", line(3000, 3));
  assert.deepEqual(lines.columns("fine", ["held"])[0].filter((at) => at !== 4), [2, 301]);
  assert.equal(lines.columns("coarse", ["held"])[0][0], 0);
});

test("a gateway that has started anew does not take away what was before", () => {
  const lines = new Lines();
  lines.begin(past([line(100, 1), line(102, 2)]));
  lines.begin(past([line(110, 5)]));
  assert.deepEqual(lines.columns("fine", ["held"]), [[100, 102, 104, 110], [1, 2, null, 5]]);
  // the same gateway tells its own past again: nothing stands there twice
  lines.begin(past([line(110, 5), line(112, 6)]));
  assert.deepEqual(lines.columns("fine", ["held"])[0], [100, 102, 104, 110, 112]);
});

test("another version's fields are not mixed with these", () => {
  const lines = new Lines();
  lines.begin(past([line(100, 1)]));
  lines.begin({ fields: ["at_ms", "sends", "held"], fine: [[102_000, 7, 8]], coarse: [] });
  assert.deepEqual(lines.columns("fine", ["held"]), [[102], [8]]);
  assert.deepEqual([lines.now("held"), lines.now("sends"), lines.now("nothing")], [8, 7, null]);
});

test("the newest value, and the last few", () => {
  const lines = new Lines();
  assert.deepEqual([lines.now("held"), lines.newestMs, lines.recent("held", 3)], [null, null, []]);
  lines.begin(past([line(1, 1), line(3, null), line(5, 3)]));
  lines.add("fine", null);
  assert.deepEqual([lines.now("held"), lines.newestMs, lines.recent("held", 2)], [3, 5000, [null, 3]]);
});
