import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { asSignIn, Misuse, ownTag, parseContext, read, subject } from "../../../../../examples/pages/support/widget/options.js";

const SCRIPT = "https://chat.example/demo/support/widget.js";
const PAGE = "https://shop.example/chairs/moss";

/** A token that names its user; nobody checks its signature here. */
function jwt(sub) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "HS256" })}.${part({ sub })}.x`;
}

const realFetch = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = realFetch;
  delete globalThis.shopToken;
});

test("the tag is found by the address it was loaded from", () => {
  const tags = [{ src: "https://shop.example/shop.js" }, { src: SCRIPT }];
  assert.equal(ownTag(SCRIPT, { querySelectorAll: () => tags }), tags[1]);
  assert.equal(ownTag(`${SCRIPT}?v=2`, { querySelectorAll: () => tags }), null);
});

test("what a tag says, and what holds when it says nothing", () => {
  const least = read({ desk: "help", tokenUrl: "/my/chat-token" }, SCRIPT, PAGE);
  assert.deepEqual({ ...least, signIn: null }, {
    gateway: "https://chat.example", desk: "help", title: "Support", greeting: "Hello! How can we help?", colour: "#4f46e5",
    context: null, side: "right", theme: "auto", eager: false, signIn: null,
  });
  const all = { desk: "help", tokenUrl: "t", title: "Halden", greeting: "Hi", color: "#123", context: "order:7:b", side: "left", theme: "dark", connect: "always", gateway: "https://other.example/x" };
  const most = read(all, SCRIPT, PAGE);
  assert.equal(most.gateway, "https://other.example");
  assert.deepEqual(most.context, { kind: "order", id: "7:b" });
  assert.deepEqual([most.side, most.theme, most.eager, most.title], ["left", "dark", true, "Halden"]);
});

test("a tag that makes no sense is told why", () => {
  const wrong = [
    [{ tokenUrl: "t" }, /data-desk/],
    [{ desk: "help" }, /data-token-url/],
    [{ desk: "help", tokenUrl: "t", context: "order" }, /data-context/],
    [{ desk: "help", tokenUrl: "t", color: "red" }, /data-color/],
  ];
  for (const [data, words] of wrong) assert.throws(() => read(data, SCRIPT, PAGE), (error) => error instanceof Misuse && words.test(error.message));
});

test("a context is a kind and an id", () => {
  assert.deepEqual(parseContext("order:1042"), { kind: "order", id: "1042" });
  for (const text of [undefined, "", "order", ":7", "order:"]) assert.equal(parseContext(text), null);
});

test("a JWT names its user, in any script", () => {
  assert.equal(subject(jwt("vera")), "vera");
  assert.equal(subject(jwt("Zoë ☂")), "Zoë ☂");
  for (const token of ["opaque", "a.b.c", jwt(7), jwt("")]) assert.equal(subject(token), null);
});

test("a shop answers a text or an object", () => {
  assert.deepEqual(asSignIn(`${jwt("vera")}\n`), { token: jwt("vera"), user: "vera", names: {} });
  assert.deepEqual(asSignIn({ token: "opaque", user: "vera", names: { dora: "Dora" } }), { token: "opaque", user: "vera", names: { dora: "Dora" } });
  for (const given of ["", null, {}, { token: "opaque" }, 7]) assert.throws(() => asSignIn(given), Misuse);
});

test("the token is fetched from the shop, with the shop's cookies and no other's", async () => {
  const asked = [];
  globalThis.fetch = async (url, init) => {
    asked.push([url, init.credentials]);
    return new Response(JSON.stringify({ token: "opaque", user: "vera" }));
  };
  const { signIn } = read({ desk: "help", tokenUrl: "/my/chat-token" }, SCRIPT, PAGE);
  assert.equal((await signIn({ expired: false })).user, "vera");
  assert.deepEqual(asked, [["https://shop.example/my/chat-token", "same-origin"]]);
  globalThis.fetch = async () => new Response("no", { status: 403 });
  await assert.rejects(signIn({ expired: false }), /403/);
});

test("a page that has its token hands it over by a function, which hears why", async () => {
  const { signIn } = read({ desk: "help", tokenCall: "shopToken" }, SCRIPT, PAGE);
  await assert.rejects(signIn({ expired: false }), Misuse);
  const heard = [];
  globalThis.shopToken = (why) => heard.push(why) && jwt("vera");
  assert.equal((await signIn({ expired: true })).user, "vera");
  assert.deepEqual(heard, [{ expired: true }]);
});
