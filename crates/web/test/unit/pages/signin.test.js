import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { everybody, expiry, linkFor, signIn, signOut, takeTokens } from "../../../../../examples/pages/common/signin.js";

/** As much of a tab as signing in touches. @param {string} address */
function visit(address) {
  globalThis.location = /** @type {any} */ (new URL(address, "http://gate.example"));
}

beforeEach(() => {
  const kept = new Map();
  globalThis.sessionStorage = /** @type {any} */ ({ getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) });
  globalThis.history = /** @type {any} */ ({ state: null, replaceState: (_state, _title, path) => visit(path) });
});

test("tokens leave the address and stay in the tab", () => {
  visit("/demo/?x=1#ann=A&bob=B");
  takeTokens();
  assert.equal(location.href, "http://gate.example/demo/?x=1");
  assert.deepEqual(everybody(), [{ user: "ann", token: "A" }, { user: "bob", token: "B" }]);
  visit("/demo/#bob=B2");
  takeTokens();
  assert.deepEqual(everybody(), [{ user: "ann", token: "A" }, { user: "bob", token: "B2" }]);
});

test("the address says who, after a reload, too", () => {
  visit("/demo/chat/?as=bob#ann=A&bob=B");
  assert.deepEqual(signIn(), { user: "bob", token: "B" });
  assert.equal(location.href, "http://gate.example/demo/chat/?as=bob");
  assert.deepEqual(signIn(), { user: "bob", token: "B" });
});

test("a link with one token means that user, and closes what another had open", () => {
  visit("/demo/chat/#ann=A");
  assert.deepEqual(signIn(), { user: "ann", token: "A" });
  visit("/demo/chat/?as=ann&room=1#bob=B");
  assert.deepEqual(signIn(), { user: "bob", token: "B" });
  assert.equal(location.href, "http://gate.example/demo/chat/?as=bob");
  visit("/demo/chat/?as=bob&room=1#bob=B2");
  assert.deepEqual(signIn(), { user: "bob", token: "B2" });
  assert.equal(location.href, "http://gate.example/demo/chat/?as=bob&room=1", "what one had open oneself stays open");
});

test("nobody is nobody", () => {
  visit("/demo/chat/");
  assert.equal(signIn(), undefined);
  visit("/demo/chat/?as=zoe#ann=A&bob=B");
  assert.equal(signIn(), undefined, "there is no token for zoe");
  signOut();
  assert.deepEqual(everybody(), []);
  sessionStorage.setItem("pollgate-demo-people", "{");
  assert.deepEqual(everybody(), []);
});

test("links bring the token after the #", () => {
  const link = new URL(linkFor({ user: "a&b", token: "t=" }, "chat/"), "http://gate.example/demo/");
  assert.equal(link.search.includes("t%3D"), false);
  visit(link.href);
  assert.deepEqual(signIn(), { user: "a&b", token: "t=" });
});

test("a token's end is read where there is one", () => {
  const token = `x.${Buffer.from(JSON.stringify({ exp: 1_800_000_000 })).toString("base64url")}.y`;
  assert.equal(expiry(token)?.getTime(), 1_800_000_000_000);
  assert.equal(expiry("pollgate_opaque"), undefined);
});
