import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { FakeGateway, answer, connect, event, held, pass, polled, problem, settle } from "./fakes.js";

const { timers } = mock;
beforeEach(() => timers.enable({ apis: ["setTimeout", "setInterval", "Date"] }));
afterEach(() => timers.reset());

/** The first poll is not held: what follows begins with the second. */
const first = () => polled([], { cursor: "0" });

test("each poll sends the cursor of the answer before it, without a delay", async () => {
  const gateway = new FakeGateway();
  gateway.answers.push(polled([event(1)], { cursor: "a" }), polled([event(2)], { cursor: "b" }));
  const { connection, told } = connect(gateway, { presence: true });
  connection.start();
  await settle();
  assert.deepEqual(gateway.polls.map(({ cursor, wait }) => [cursor, wait]), [["", "0"], ["a", undefined], ["b", undefined]]);
  assert.equal(gateway.polls[0].presence, "true");
  assert.equal(gateway.polls[0].session, "s");
  assert.deepEqual(told.events, ["1", "2"]);
  assert.deepEqual(told.states, ["connecting", "live"]);
  connection.stop();
});

test("there are never two polls at once, however often it is started and stopped", async () => {
  const gateway = new FakeGateway();
  const { connection } = connect(gateway);
  for (let round = 0; round < 20; round += 1) {
    connection.start();
    connection.start();
    if (round % 3 === 0) await settle(1);
    connection.stop();
  }
  connection.start();
  await settle();
  assert.equal(gateway.mostHeld, 1);
  assert.equal(gateway.pollsHeld, 1);
  connection.stop();
  await settle();
  assert.equal(gateway.pollsHeld, 0);
});

test("a poll that takes its time to end is waited for before the next loop begins", async () => {
  const gateway = new FakeGateway();
  let leave;
  gateway.answers.push(() => new Promise((_, refuse) => (leave = () => refuse(new DOMException("gone", "AbortError")))));
  const { connection } = connect(gateway);
  connection.start();
  await settle();
  connection.stop();
  connection.start();
  await settle();
  assert.equal(gateway.polls.length, 1);
  leave();
  await settle();
  assert.equal(gateway.polls.length, 3);
  assert.equal(gateway.mostHeld, 1);
  connection.stop();
});

test("an event that comes again is handed over once", async () => {
  const gateway = new FakeGateway();
  gateway.answers.push(polled([event(1), event(2)]), polled([event(2), event(3)]));
  const { connection, told } = connect(gateway);
  connection.start();
  await settle();
  assert.deepEqual(told.events, ["1", "2", "3"]);
  connection.stop();
});

test("failures are followed by pauses that grow, and an answer ends them", async () => {
  const gateway = new FakeGateway();
  gateway.answers.push(new TypeError("network"), problem(502), new TypeError("network"), first());
  const { connection, told } = connect(gateway);
  connection.start();
  await pass(timers, 2_000);
  const waits = told.infos.filter(({ state }) => state === "waiting");
  assert.deepEqual(waits.map(({ retryInMs, attempt }) => [retryInMs, attempt]), [[250, 1], [500, 2], [1000, 3]]);
  assert.equal(connection.info.state, "live");
  assert.equal(connection.info.attempt, 0);
  connection.stop();
});

test("Retry-After is kept to, and spread over a quarter more", async () => {
  const gateway = new FakeGateway();
  gateway.answers.push(problem(503, "overloaded", { "retry-after": "4" }), first());
  const { connection, told } = connect(gateway);
  connection.start();
  await pass(timers, 4_450);
  assert.equal(gateway.polls.length, 1);
  assert.equal(told.infos.at(-1).retryInMs, 4500);
  assert.equal(told.infos.at(-1).reason, "overloaded");
  await pass(timers, 100);
  assert.equal(connection.info.state, "live");
  connection.stop();
});

test("pause_ms of an answer is kept to, and the events before it are not lost", async () => {
  const gateway = new FakeGateway();
  gateway.answers.push(polled([event(1)], { cursor: "a", pause_ms: 1234 }));
  const { connection, told } = connect(gateway);
  connection.start();
  await pass(timers, 1_200);
  assert.equal(gateway.polls.length, 1);
  assert.equal(connection.info.state, "waiting");
  assert.equal(connection.info.retryInMs, 1234);
  await pass(timers, 50);
  assert.equal(gateway.polls[1].cursor, "a");
  assert.deepEqual(told.events, ["1"]);
  connection.stop();
});

test("after stop nothing is told any more, even when an answer was on its way", async () => {
  const gateway = new FakeGateway();
  let release;
  gateway.answers.push(() => new Promise((resolve) => (release = () => resolve(polled([event(1)])))));
  const { connection, told } = connect(gateway);
  connection.start();
  await settle();
  connection.stop();
  const before = [...told.states];
  release();
  await settle();
  assert.deepEqual(told.states, before);
  assert.deepEqual(told.events, []);
  assert.equal(connection.info.state, "idle");
});

test("a listener that stops it in the middle of an answer hears no more of it, and hears the rest when it goes on", async () => {
  const gateway = new FakeGateway();
  gateway.answers.push(polled([event(1), event(2)], { cursor: "a" }));
  const { connection, told } = connect(gateway);
  connection.addEventListener("event", () => connection.stop(), { once: true });
  connection.start();
  await settle();
  assert.deepEqual(told.events, ["1"]);
  assert.equal(connection.cursor, "");
  gateway.answers.push(polled([event(1), event(2)], { cursor: "a" }));
  connection.start();
  await settle();
  assert.deepEqual(told.events, ["1", "2"]);
  assert.equal(connection.cursor, "a");
  connection.stop();
});

test("stop during a back-off ends it, and start goes on with the cursor", async () => {
  const gateway = new FakeGateway();
  gateway.answers.push(polled([], { cursor: "a" }), new TypeError("network"));
  const { connection } = connect(gateway);
  connection.start();
  await settle();
  connection.stop();
  await pass(timers, 30_000, 1_000);
  assert.equal(gateway.polls.length, 2);
  connection.start();
  await settle();
  assert.equal(gateway.polls[2].cursor, "a");
  connection.stop();
});

test("wake cuts a pause short, also one that the gateway asked for, and begins anew what has ended", async () => {
  const gateway = new FakeGateway();
  gateway.answers.push(problem(503, "overloaded", { "retry-after": "60" }), problem(409, "superseded"));
  const { connection } = connect(gateway);
  connection.start();
  await settle();
  connection.wake();
  await settle();
  assert.equal(connection.info.state, "superseded");
  connection.wake();
  await settle();
  assert.equal(connection.info.state, "live");
  connection.stop();
  connection.wake();
  await settle();
  assert.equal(connection.running, false, "what was stopped stays stopped");
});

test("resync: the cursor is sent back only after all that was waited for", async () => {
  const gateway = new FakeGateway();
  gateway.answers.push(polled([], { resync: true, cursor: "after" }));
  let done;
  const { connection, told } = connect(gateway, { resync: () => new Promise((resolve) => (done = resolve)) });
  connection.start();
  await settle();
  assert.equal(told.resyncs, 1);
  assert.equal(gateway.polls.length, 1);
  done();
  await settle();
  assert.equal(gateway.polls[1].cursor, "after");
  connection.stop();
});

test("a resync that fails is repeated, with pauses that grow", async () => {
  const gateway = new FakeGateway();
  for (let n = 0; n < 3; n += 1) gateway.answers.push(() => polled([], { resync: true, cursor: "after" }));
  let failures = 2;
  const { connection, told } = connect(gateway, { resync: async () => { if (failures-- > 0) throw new Error("history"); } });
  connection.start();
  await pass(timers, 1_000);
  assert.equal(told.resyncs, 3);
  assert.deepEqual(told.infos.filter(({ state }) => state === "waiting").map(({ retryInMs }) => retryInMs), [250, 500]);
  assert.deepEqual(gateway.polls.slice(0, 4).map(({ cursor }) => cursor), ["", "", "", "after"]);
  connection.stop();
});

test("a resync that takes for ever does not keep stop and start from their work", async () => {
  const gateway = new FakeGateway();
  gateway.answers.push(polled([], { resync: true, cursor: "after" }));
  const { connection } = connect(gateway, { resync: () => new Promise(() => {}) });
  connection.start();
  await settle();
  connection.stop();
  connection.start();
  await settle();
  assert.deepEqual(gateway.polls.slice(0, 2).map(({ cursor }) => cursor), ["", ""], "what was not done is not confirmed");
  assert.equal(gateway.polls.length, 3);
  connection.stop();
});

test("a cursor that the gateway cannot read: resync, and begin anew", async () => {
  const gateway = new FakeGateway();
  gateway.answers.push(problem(400, "invalid-request"));
  const { connection, told } = connect(gateway, { cursor: "old" });
  connection.start();
  await settle();
  assert.deepEqual(gateway.polls.slice(0, 2).map(({ cursor }) => cursor), ["old", ""]);
  assert.equal(told.resyncs, 1);
  connection.stop();
});

test("400 without a cursor is no reason to spin", async () => {
  const gateway = new FakeGateway();
  for (let n = 0; n < 50; n += 1) gateway.answers.push(() => problem(400, "invalid-request"));
  const { connection } = connect(gateway);
  connection.start();
  await pass(timers, 5_000);
  assert.ok(gateway.polls.length < 8, `${gateway.polls.length} polls in 5 s`);
  connection.stop();
});

for (const [status, code, name] of [
  [401, "unauthenticated", "signed-out"],
  [403, "forbidden", "refused"],
  [409, "superseded", "superseded"],
]) {
  test(`${status} ends the loop as ${name}`, async () => {
    const gateway = new FakeGateway();
    gateway.answers.push(first(), problem(status, code));
    const { connection, told } = connect(gateway);
    connection.start();
    await pass(timers, 30_000, 1_000);
    assert.equal(told.states.at(-1), name);
    assert.equal(connection.running, false);
    assert.equal(gateway.polls.length, 2);
    assert.equal(connection.info.reason, code);
  });
}

test("the token is renewed in the middle of the loop, which hears nothing of it", async () => {
  const gateway = new FakeGateway();
  gateway.answers.push(first(), problem(401, "token-expired"), polled([event(1)], { cursor: "a" }));
  const asked = [];
  const token = async (why) => (asked.push(why.expired), `t${asked.length}`);
  const { connection, told } = connect(gateway, { token });
  connection.start();
  await settle();
  assert.deepEqual(asked, [false, true]);
  assert.deepEqual(told.events, ["1"]);
  assert.deepEqual(told.states, ["connecting", "live"]);
  assert.deepEqual(gateway.tokens, ["Bearer t1", "Bearer t1", "Bearer t2", "Bearer t2"]);
  connection.stop();
});

test("a hook that fails is asked again later", async () => {
  const gateway = new FakeGateway();
  let down = true;
  const token = async () => {
    if (down) throw new Error("the shop is closed");
    return "t";
  };
  const { connection, told } = connect(gateway, { token });
  connection.start();
  await pass(timers, 200);
  assert.equal(told.states.at(-1), "waiting");
  down = false;
  await pass(timers, 1_000);
  assert.equal(connection.info.state, "live");
  connection.stop();
});

test("empty answers that are not held are slowed to ten a second and less", async () => {
  const gateway = new FakeGateway();
  for (let n = 0; n < 500; n += 1) gateway.answers.push(() => polled());
  const { connection } = connect(gateway);
  connection.start();
  await pass(timers, 1_000);
  assert.ok(gateway.polls.length <= 12, `${gateway.polls.length} polls in the first second`);
  await pass(timers, 60_000, 100);
  assert.ok(gateway.polls.length < 120, `${gateway.polls.length} polls in a minute`);
  connection.stop();
});

test("answers with what is known already count as empty", async () => {
  const gateway = new FakeGateway();
  for (let n = 0; n < 100; n += 1) gateway.answers.push(() => polled([event(1)], { cursor: `c${n}` }));
  const { connection, told } = connect(gateway);
  connection.start();
  await pass(timers, 1_000);
  assert.ok(gateway.polls.length <= 13, `${gateway.polls.length} polls in a second`);
  assert.deepEqual(told.events, ["1"]);
  connection.stop();
});

test("answers with news are never slowed", async () => {
  const gateway = new FakeGateway();
  for (let n = 0; n < 100; n += 1) gateway.answers.push(() => polled([event(n)], { cursor: `c${n}` }));
  const { connection, told } = connect(gateway);
  connection.start();
  await settle(300);
  assert.equal(told.events.length, 100);
  connection.stop();
});

test("a poll that is not answered is given up; sooner, once it is known how long the gateway holds one", async () => {
  const gateway = new FakeGateway();
  gateway.answers.push(first(), (signal) => Promise.race([held(signal), new Promise((resolve) => setTimeout(() => resolve(polled()), 5_500))]));
  const { connection, told } = connect(gateway);
  connection.start();
  await pass(timers, 5_500);
  assert.equal(gateway.polls.length, 3);
  await pass(timers, 14_900, 100);
  assert.equal(connection.info.state, "live");
  await pass(timers, 200, 100);
  assert.equal(told.infos.find(({ state }) => state === "waiting").reason, "The gateway does not answer");
  assert.equal(gateway.mostHeld, 1);
  connection.stop();
});

test("a page of another kind with status 200 is no answer", async () => {
  const gateway = new FakeGateway();
  gateway.answers.push(new Response("<h1>Welcome to the hotel</h1>"), answer({ hello: 1 }), first());
  const { connection, told } = connect(gateway);
  connection.start();
  await pass(timers, 2_000);
  assert.equal(told.infos.filter(({ state }) => state === "waiting").length, 2);
  assert.equal(connection.info.state, "live");
  connection.stop();
});
