/** Figures in words, small lines, orders. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { tokenIn } from "../../../operator/credential.js";
import { NONE, clockOffset, count, millis, rate, seconds } from "../../../operator/format.js";
import { sorted } from "../../../operator/order.js";
import { PLOTS } from "../../../operator/plots.js";
import { brokerWord } from "../../../operator/state.js";

test("figures are short", () => {
  assert.deepEqual([0, 12, 3400, 99_999, 1_250_000].map(count), ["0", "12", "3,400", "99,999", "1.3M"]);
  assert.deepEqual([0, 0.44, 9.96, 12.6].map(rate), ["0", "0.4", "10", "13"]);
  assert.deepEqual([0.84, 12.3, 999, 1400, 90_000].map(millis), ["0.8 ms", "12 ms", "999 ms", "1.4 s", "90 s"]);
  assert.deepEqual([0, 3.25, 60, 125, 3600, 7500, 90_000].map(seconds), ["0 s", "3.3 s", "60 s", "2 min", "1 h", "2 h 5 min", "1 d 1 h"]);
  for (const word of [count, rate, millis, seconds]) assert.deepEqual([word(null), word(undefined)], [NONE, NONE]);
});

test("a clock is in step, ahead or behind", () => {
  assert.deepEqual([0, -999, 1500, -120_000].map(clockOffset), ["in step", "in step", "1.5 s ahead", "2 min behind"]);
});

test("several clusters are one word", () => {
  const cluster = (up, blocked = false) => ({ name: "c", up, blocked });
  const words = [[], [cluster(false)], [cluster(true), cluster(false)], [cluster(true, true)], [cluster(true)]].map(brokerWord);
  assert.deepEqual(words, ["away", "away", "partly", "blocked", "up"]);
});

test("a token stands behind the #, under its name", () => {
  assert.equal(tokenIn("#token=a.b-c_d"), "a.b-c_d");
  for (const none of ["", "#", "#token=", "#ann=a.b.c"]) assert.equal(tokenIn(none), "");
});

test("mailboxes go by what is chosen, then by user and session", () => {
  const mailbox = (user, session, ready, unacked = 0) => ({ user, session, ready, unacked, consumers: 0, alarm: false });
  const rows = [mailbox("b", null, 5), mailbox("a", "s2", 5, null), mailbox("a", "s1", 5, 3), mailbox("c", null, 9)];
  const names = (order) => sorted(rows, order).map(({ user, session }) => user + (session ?? ""));
  assert.deepEqual(names({ by: "ready", down: true }), ["c", "as1", "as2", "b"]);
  assert.deepEqual(names({ by: "ready", down: false }), ["as1", "as2", "b", "c"]);
  assert.deepEqual(names({ by: "user", down: true }), ["c", "b", "as1", "as2"]);
  assert.deepEqual(names({ by: "unacked", down: true }), ["as1", "b", "c", "as2"], "what is not known comes last");
  assert.deepEqual(rows.map(({ user }) => user), ["b", "a", "a", "c"], "the rows themselves stay");
});

test("each plot has a key of its own and a line at least", () => {
  assert.equal(new Set(PLOTS.map(({ key }) => key)).size, PLOTS.length);
  for (const { lines, least } of PLOTS) assert.ok(lines.length > 0 && least > 0);
});
