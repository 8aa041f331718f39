import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { FakeGateway, connect, pass, polled, problem, settle } from "./fakes.js";

const { timers } = mock;
beforeEach(() => timers.enable({ apis: ["setTimeout", "setInterval", "Date"] }));
afterEach(() => timers.reset());

async function live(options) {
  const gateway = new FakeGateway();
  const parts = connect(gateway, options);
  parts.connection.start();
  await settle();
  assert.equal(parts.connection.info.state, "live");
  return { gateway, ...parts };
}

test("a machine that slept polls at once, and never twice at the same time", async () => {
  const { gateway, connection } = await live();
  const before = gateway.polls.length;
  // The clock goes on, and no timer runs.
  const awake = Date.now;
  Date.now = () => awake() + 3_600_000;
  await pass(timers, 10_000, 1_000);
  Date.now = awake;
  assert.equal(gateway.polls.length, before + 2, "one that asks at once, and the one after it");
  assert.equal(gateway.polls[before].wait, "0");
  assert.equal(gateway.mostHeld, 1);
  connection.stop();
});

test("the slow timers of a hidden tab are no sleep", async () => {
  const { gateway, connection, world } = await live();
  world.turns("hidden");
  const before = gateway.polls.length;
  const awake = Date.now;
  Date.now = () => awake() + 50_000;
  await pass(timers, 10_000, 1_000);
  Date.now = awake;
  assert.equal(gateway.polls.length, before);
  connection.stop();
});

test("offline ends what is under way, online begins it at once", async () => {
  const { gateway, connection, told, world } = await live();
  world.goes(false);
  await settle();
  assert.equal(connection.info.state, "offline");
  assert.equal(gateway.pollsHeld, 0);
  const before = gateway.polls.length;
  await pass(timers, 15_000, 500);
  assert.equal(gateway.polls.length, before);
  world.goes(true);
  await settle();
  assert.equal(connection.info.state, "live");
  assert.deepEqual(told.states, ["connecting", "live", "offline", "connecting", "live"]);
  connection.stop();
});

test("a device that thinks it is offline, and is not, is live again in 20 s", async () => {
  const { connection, world, gateway } = await live();
  gateway.down = true;
  world.goes(false);
  await pass(timers, 30_000, 500);
  assert.equal(connection.info.state, "offline");
  gateway.down = false;
  await pass(timers, 20_000, 500);
  assert.equal(connection.info.state, "live");
  connection.stop();
});

test("online cuts a back-off short, but not what the gateway asked for", async () => {
  const gateway = new FakeGateway();
  gateway.answers.push(new TypeError("network"), problem(503, "overloaded", { "retry-after": "8" }));
  const { connection, world } = connect(gateway);
  connection.start();
  await settle();
  world.goes(true);
  await settle();
  assert.equal(gateway.polls.length, 2);
  world.goes(true);
  await pass(timers, 7_000, 500);
  assert.equal(gateway.polls.length, 2);
  await pass(timers, 3_000, 500);
  assert.equal(connection.info.state, "live");
  connection.stop();
});

test("a page that is looked at again does not wait for its back-off", async () => {
  const gateway = new FakeGateway();
  gateway.answers.push(new TypeError("network"));
  const { connection, world } = connect(gateway);
  connection.start();
  await settle();
  world.turns("visible");
  await settle();
  assert.equal(connection.info.state, "live");
  connection.stop();
});

for (const [name, leave, come] of [
  ["frozen", "freeze", "resume"],
  ["put into the back-forward cache", "hides", "shows"],
]) {
  test(`a page that is ${name} has nothing under way, and goes on at once when it is back`, async () => {
    const { gateway, connection, world } = await live();
    gateway.answers.push(() => polled([], { cursor: "7" }));
    world[leave]();
    await pass(timers, 60_000, 5_000);
    assert.equal(gateway.pollsHeld, 0);
    const before = gateway.polls.length;
    world[come]();
    await settle();
    assert.equal(gateway.polls.length, before + 2);
    assert.equal(gateway.pollsHeld, 1);
    assert.equal(gateway.mostHeld, 1);
    connection.stop();
  });
}

test("a page that is frozen in the middle of a resync has not done it", async () => {
  const gateway = new FakeGateway();
  gateway.answers.push(polled([], { resync: true, cursor: "after" }));
  const { connection, told, world } = connect(gateway, { cursor: "before", resync: () => new Promise(() => {}) });
  connection.start();
  await settle();
  assert.equal(told.resyncs, 1);
  world.freeze();
  await settle();
  world.resume();
  await settle();
  assert.deepEqual(gateway.polls.map(({ cursor }) => cursor), ["before", "before", "before"]);
  connection.stop();
});

test("a connection that is stopped hears nothing of the world", async () => {
  const { gateway, connection, world } = await live();
  connection.stop();
  await settle();
  const before = gateway.polls.length;
  for (const word of ["hides", "shows", "freeze", "resume"]) world[word]();
  world.goes(false);
  world.goes(true);
  await pass(timers, 20_000, 5_000);
  assert.equal(gateway.polls.length, before);
});
