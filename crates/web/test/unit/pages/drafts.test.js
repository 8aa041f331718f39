import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Drafts } from "../../../../../examples/pages/common/talk/drafts.js";

beforeEach(() => {
  const kept = new Map();
  globalThis.localStorage = /** @type {any} */ ({ getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) });
});

test("a draft is kept per user and room, and goes when it is empty", () => {
  new Drafts("ann").set("r1", "begun");
  assert.equal(new Drafts("ann").get("r1"), "begun");
  assert.equal(new Drafts("ann").get("r2"), "");
  assert.equal(new Drafts("bob").get("r1"), "");
  new Drafts("ann").set("r1", "");
  assert.equal(new Drafts("ann").get("r1"), "");
});

test("only the newest hundred are kept", () => {
  const drafts = new Drafts("ann");
  for (let n = 0; n < 120; n += 1) drafts.set(`r${n}`, "text");
  assert.equal(drafts.get("r0"), "");
  assert.equal(drafts.get("r20"), "text");
  assert.equal(drafts.get("r119"), "text");
});

test("what is no draft in the storage is none, and a full storage costs the draft alone", () => {
  localStorage.setItem("pollgate-demo-drafts:ann", '{"r1":7');
  assert.equal(new Drafts("ann").get("r1"), "");
  localStorage.setItem = () => { throw new Error("full"); };
  new Drafts("ann").set("r1", "text");
  assert.equal(new Drafts("ann").get("r1"), "");
});
