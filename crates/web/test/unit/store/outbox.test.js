import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { IDBFactory } from "fake-indexeddb";
import { clientId } from "../../../client/clientid.js";
import { MOST_ITEMS } from "../../../client/outbox.js";
import { Browser, Refusal, gateOf, pass, thawTime, until } from "./fakes.js";
import { begin, gateway, offline, open, room, sends, states, stored } from "./outboxes.js";

beforeEach(begin);
afterEach(thawTime);

test("a message is shown at once, under a key that stays", async () => {
  const { talk } = await open();
  const sent = talk.send({ body: "hi", attachments: [{ id: "f1", name: "a.png", media_type: "image/png", size: 1 }] });
  assert.deepEqual(talk.entries.at(-1), { ...sent, state: "sending" });
  assert.deepEqual([sent.mine, sent.seq, sent.id, sent.files[0].name], [true, null, null, "a.png"]);
  await until(() => talk.entries[0].state === "sent");
  assert.equal(talk.entries[0].key, sent.key);
  assert.equal(talk.entries[0].clientId, sent.key);
  assert.equal(gateway.messages.get(room.id)[0].client_id, sent.key, "the same id at the gateway");
  assert.throws(() => talk.send({ body: "" }), TypeError);
});

for (const order of ["the echo before the answer", "the answer before the echo", "the echo and no answer"]) {
  test(`${order}: one entry, one key`, async () => {
    const { talk } = await open();
    const held = gateOf();
    if (order !== "the answer before the echo") gateway.late = ({ path }) => (path === "/v1/messages" ? held.promise : undefined);
    const { key } = talk.send({ body: "hi" });
    await until(() => stored().length === 1);
    const [message] = gateway.messages.get(room.id);
    if (order === "the answer before the echo") await until(() => talk.entries[0].state === "sent");
    gateway.tell("message.created", room.id, message);
    assert.deepEqual(talk.entries.map((entry) => [entry.key, entry.state, entry.seq]), [[key, "sent", 1]]);
    if (order === "the echo before the answer") held.open();
    await pass(100);
    assert.deepEqual(talk.entries.map((entry) => [entry.key, entry.state]), [[key, "sent"]]);
    held.open();
    await pass(60_000, 1_000);
    assert.deepEqual([talk.entries.length, sends()], [1, 1]);
  });
}

for (const [how, options] of [["", {}], [", also where there are no locks", { lock: (name, work) => work() }]])
test(`messages of a room go out in their order, one at a time; rooms do not wait for each other${how}`, async () => {
  const other = gateway.room(["ann", "cyd"]);
  const { talk, gate } = await open(options);
  const held = gateOf();
  let under = 0;
  let most = 0;
  gateway.trouble = async ({ path, body }) => {
    if (path !== "/v1/messages" || body.room === other.id) return;
    most = Math.max(most, (under += 1));
    if (body.body === "1") await held.promise;
    under -= 1;
  };
  for (const body of ["1", "2", "3"]) talk.send({ body });
  gate.conversation(other.id).send({ body: "x" });
  await until(() => gateway.messages.get(other.id).length === 1);
  assert.deepEqual(stored(), []);
  held.open();
  await until(() => stored().length === 3);
  assert.deepEqual([stored(), most], [["1", "2", "3"], 1]);
});

test("network trouble and 5xx are tried again, later and later; the entry says what it waits for", async () => {
  const { talk } = await open();
  gateway.trouble = offline;
  talk.send({ body: "hi" });
  await pass(200);
  assert.deepEqual([states(talk), talk.entries[0].reason], [["hi sending"], "The gateway cannot be reached"]);
  assert.equal(sends(), 1);
  await pass(10_000, 100);
  const quick = sends();
  assert.ok(quick >= 4 && quick <= 7, `${quick} attempts in 10 s`);
  await pass(60_000, 250);
  assert.ok(sends() - quick <= 8, `${sends() - quick} attempts in a minute later on`);
  gateway.trouble = async () => {};
  await pass(12_000, 250);
  assert.deepEqual([states(talk), stored()], [["hi sent"], ["hi"]]);
});

test("online, and a connection that is back, try at once", async () => {
  const { talk, page, link } = await open();
  gateway.trouble = offline;
  talk.send({ body: "1" });
  await pass(20_000, 100);
  gateway.trouble = async () => {};
  page.dispatchEvent(new Event("online"));
  await until(() => stored().length === 1);
  gateway.trouble = offline;
  talk.send({ body: "2" });
  await pass(20_000, 100);
  link.state("waiting");
  gateway.trouble = async () => {};
  link.state("live");
  await until(() => stored().length === 2);
});

test("Retry-After is kept to, also when the connection is back", async () => {
  const { talk, link } = await open();
  gateway.trouble = async ({ path }) => {
    if (path === "/v1/messages") throw new Refusal(429, "throttled", 8_000);
  };
  talk.send({ body: "hi" });
  await pass(100);
  gateway.trouble = async () => {};
  link.state("waiting");
  link.state("live");
  await pass(7_500, 100);
  assert.equal(sends(), 1);
  await pass(3_000, 100);
  assert.deepEqual([sends(), stored()], [2, ["hi"]]);
});

test("a refusal is final; the next one goes out; retry and discard", async () => {
  const { talk } = await open();
  gateway.trouble = async ({ path, body }) => {
    if (path === "/v1/messages" && body.body.startsWith("bad")) throw new Refusal(403, "forbidden");
  };
  const bad = talk.send({ body: "bad" });
  const worse = talk.send({ body: "bad too" });
  talk.send({ body: "good" });
  await until(() => stored().length === 1);
  await pass(100);
  assert.deepEqual(states(talk), ["good sent", "bad failed", "bad too failed"]);
  assert.equal(talk.entries[1].reason, "forbidden");
  await pass(60_000, 1_000);
  assert.equal(sends(), 3, "not tried again by itself");
  assert.equal(talk.discard(worse.key), true);
  gateway.trouble = async () => {};
  talk.retry(bad.key);
  assert.deepEqual(states(talk), ["good sent", "bad sending"]);
  await until(() => stored().length === 2);
  await pass(50);
  assert.deepEqual([states(talk), talk.entries[1].key], [["good sent", "bad sent"], bad.key]);
  const held = gateOf();
  gateway.late = () => held.promise;
  const going = talk.send({ body: "under way" });
  await until(() => stored().length === 3);
  assert.equal(talk.discard(going.key), false, "it cannot be called back");
  held.open();
});

test("what is too much fails at once and is not kept", async () => {
  gateway.trouble = offline;
  const { talk } = await open();
  for (let n = 0; n < MOST_ITEMS; n += 1) talk.send({ body: `${n}` });
  const over = talk.send({ body: "one too many" });
  assert.deepEqual([over.state, over.reason], ["failed", "Too many messages wait to be sent"]);
  assert.equal(talk.entries.filter(({ state }) => state === "sending").length, MOST_ITEMS);
  assert.equal(talk.retry(over.key), false);
  assert.equal(talk.entries.at(-1).state, "failed", "there is still no room for it");
  talk.discard(talk.entries[5].key);
  assert.equal(talk.retry(over.key), true);
  assert.equal(talk.entries.at(-1).state, "sending");
  const big = await open({ indexedDB: new IDBFactory(), browser: new Browser() });
  for (let n = 0; n < 40; n += 1) big.talk.send({ body: "x".repeat(60_000) });
  assert.equal(big.talk.entries.filter(({ state }) => state === "sending").length, 34, "4 MiB of text");
});

test("after stop nothing goes out until the next start", async () => {
  gateway.trouble = offline;
  const { gate, talk } = await open();
  talk.send({ body: "hi" });
  await pass(300);
  gate.stop();
  const before = sends();
  gateway.trouble = async () => {};
  await pass(60_000, 1_000);
  assert.equal(sends(), before);
  gate.start();
  await until(() => stored().length === 1);
});

test("ids are UUIDs also where randomUUID is missing", () => {
  const { randomUUID } = crypto;
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  assert.match(clientId(), uuid);
  Object.defineProperty(crypto, "randomUUID", { value: undefined, configurable: true });
  try {
    assert.match(clientId(), uuid);
    assert.notEqual(clientId(), clientId());
  } finally {
    Object.defineProperty(crypto, "randomUUID", { value: randomUUID, configurable: true });
  }
});
