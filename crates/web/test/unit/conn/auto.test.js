import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { Choice } from "../../../client/transport/choice.js";
import { FakeGateway, connect, event, pass, polled, problem, settle } from "./fakes.js";

const { timers } = mock;
beforeEach(() => timers.enable({ apis: ["setTimeout", "setInterval", "Date"] }));
afterEach(() => timers.reset());

const noStreams = (gateway) => Object.assign(gateway, { refuseStream: () => problem(404, "not-found") });

/** On polls, because WebSockets did not open and there are no streams. */
async function onPolls() {
  const gateway = noStreams(new FakeGateway());
  gateway.holdMs = 5_500;
  const parts = connect(gateway, { transport: "auto" });
  parts.connection.start();
  await settle();
  gateway.sockets[0].drop();
  await settle();
  assert.equal(parts.connection.info.transport, "poll");
  assert.equal(parts.connection.info.state, "live");
  return { gateway, ...parts };
}

test("WebSocket, then Server-Sent Events, then polls; the next one at once", async () => {
  const gateway = new FakeGateway();
  const { connection } = connect(gateway, { transport: "auto", cursor: "old" });
  connection.start();
  await settle();
  gateway.sockets[0].drop();
  await settle();
  assert.equal(gateway.streams[0].last, "old");
  gateway.streams[0].write(": hi\n\n");
  await settle();
  assert.equal(connection.info.transport, "sse");
  connection.stop();
});

test("a WebSocket that does not open in 5 s makes room", async () => {
  const gateway = noStreams(new FakeGateway());
  const { connection } = connect(gateway, { transport: "auto" });
  connection.start();
  await pass(timers, 5_100, 100);
  assert.equal(connection.info.transport, "poll");
  assert.equal(connection.info.state, "live");
  connection.stop();
});

test("a WebSocket that only says that it failed, and not that it is closed, makes room at once", async () => {
  const gateway = noStreams(new FakeGateway());
  const { connection } = connect(gateway, { transport: "auto" });
  connection.start();
  await settle();
  gateway.sockets[0].onerror({});
  await settle();
  assert.equal(connection.info.transport, "poll");
  assert.equal(connection.info.state, "live");
  connection.stop();
});

test("where there are no WebSockets at all the others are used", async () => {
  const gateway = new FakeGateway();
  const { connection } = connect(gateway, { transport: "auto", WebSocket: null });
  connection.start();
  await settle();
  assert.equal(gateway.streams.length, 1);
  connection.stop();
});

test("one that breaks twice within 30 s makes room; once is bad luck", async () => {
  const gateway = noStreams(new FakeGateway());
  const { connection } = connect(gateway, { transport: "auto" });
  connection.start();
  await settle();
  gateway.sockets[0].open();
  await settle();
  gateway.sockets[0].drop();
  await pass(timers, 1_000);
  assert.equal(gateway.sockets.length, 2);
  gateway.sockets[1].open();
  await settle();
  gateway.sockets[1].drop();
  await pass(timers, 1_000);
  assert.equal(connection.info.transport, "poll");
  connection.stop();
});

test("the better one is tried after 1, 2, 4 ... 30 minutes, beside the working one", async () => {
  const { gateway, connection } = await onPolls();
  const tries = [];
  const began = Date.now();
  for (let n = 0; n < 150; n += 1) {
    const before = gateway.sockets.length;
    await pass(timers, 60_000, 30_000);
    if (gateway.sockets.length > before) {
      tries.push(Math.round((Date.now() - began) / 60_000));
      gateway.sockets.at(-1).drop();
      await settle();
    }
  }
  const waits = tries.map((at, n) => at - (tries[n - 1] ?? 0));
  assert.deepEqual(waits.slice(0, 5), [1, 2, 4, 8, 16]);
  assert.ok(waits.slice(5).every((wait) => wait >= 30 && wait <= 31), String(waits));
  assert.equal(connection.info.transport, "poll");
  connection.stop();
});

test("the working one is left only when the better one is open, and its end as superseded is silent", async () => {
  const { gateway, connection, told } = await onPolls();
  await pass(timers, 60_000, 1_000);
  const socket = gateway.sockets.at(-1);
  assert.equal(gateway.sockets.length, 2);
  assert.equal(gateway.pollsHeld, 1, "the poll goes on");
  socket.open();
  await settle();
  assert.equal(gateway.pollsHeld, 0);
  assert.equal(connection.info.transport, "ws");
  socket.event(event(1), "a");
  await pass(timers, 30_000, 1_000);
  assert.deepEqual(told.events, ["1"]);
  assert.ok(!told.states.includes("superseded"));
  assert.deepEqual(told.states, ["connecting", "live", "live"]);
  connection.stop();
});

test("the gateway may end the poll before the WebSocket's opening is heard of", async () => {
  const { gateway, connection, told } = await onPolls();
  await pass(timers, 58_000, 1_000);
  let supersede;
  gateway.answers.push(() => new Promise((resolve) => (supersede = resolve)));
  while (!supersede || gateway.sockets.length < 2) await pass(timers, 500, 500);
  supersede(problem(409, "superseded"));
  await settle();
  assert.ok(connection.running);
  gateway.sockets.at(-1).open();
  await settle();
  assert.equal(connection.info.transport, "ws");
  assert.ok(!told.states.includes("superseded"));
  connection.stop();
});

test("a poll that was on its way when the WebSocket opened may end it, once: it is opened again", async () => {
  const { gateway, connection, told } = await onPolls();
  await pass(timers, 60_000, 1_000);
  gateway.sockets.at(-1).open();
  await settle();
  gateway.sockets.at(-1).say({ end: "superseded" });
  await settle();
  assert.equal(gateway.sockets.length, 3);
  gateway.sockets.at(-1).open();
  await settle();
  assert.equal(connection.info.state, "live");
  gateway.sockets.at(-1).say({ end: "superseded" });
  await settle();
  assert.equal(connection.info.state, "superseded", "twice is somebody else");
  assert.equal(told.states.at(-1), "superseded");
});

test("a try that fails changes nothing, and what came meanwhile is not lost", async () => {
  const { gateway, connection, told } = await onPolls();
  await pass(timers, 60_000, 1_000);
  gateway.sockets.at(-1).drop();
  await settle();
  assert.equal(connection.info.transport, "poll");
  assert.equal(gateway.pollsHeld, 1);
  assert.equal(gateway.mostHeld, 1);
  assert.deepEqual(told.states, ["connecting", "live"]);
  connection.stop();
});

test("when the network comes back, the best one is tried at once", async () => {
  const { gateway, connection, world } = await onPolls();
  world.goes(false);
  await settle();
  world.goes(true);
  await settle();
  gateway.sockets.at(-1).open();
  await settle();
  assert.equal(gateway.sockets.length, 2);
  assert.equal(connection.info.transport, "ws");
  connection.stop();
});

test("none of them opens: the gateway is away, and when it is back the best one is used", async () => {
  const gateway = new FakeGateway();
  gateway.down = true;
  const { connection } = connect(gateway, { transport: "auto" });
  connection.start();
  await pass(timers, 60_000, 500);
  gateway.down = false;
  while (gateway.sockets.length === 0) await pass(timers, 500, 500);
  gateway.sockets[0].open();
  await settle();
  assert.equal(gateway.polls.length, 0);
  assert.equal(connection.info.transport, "ws");
  connection.stop();
});

test("a WebSocket that was refused for its cursor is tried again with a good one", async () => {
  const gateway = new FakeGateway();
  const { connection, told } = connect(gateway, { transport: "ws", cursor: "rubbish" });
  gateway.answers.push(problem(400, "invalid-request"));
  connection.start();
  await settle();
  gateway.sockets[0].drop();
  await settle();
  assert.equal(told.resyncs, 1);
  assert.equal(gateway.sockets[1].query.cursor, undefined);
  gateway.sockets[1].open();
  await settle();
  assert.equal(connection.info.transport, "ws");
  connection.stop();
});

test("when polls do not get through either, it was not the WebSocket's fault", async () => {
  const gateway = noStreams(new FakeGateway());
  const { connection } = connect(gateway, { transport: "auto" });
  gateway.answers.push(new TypeError("network"));
  connection.start();
  await settle();
  gateway.sockets[0].drop();
  await settle();
  assert.equal(connection.info.state, "waiting");
  await pass(timers, 500);
  assert.equal(gateway.sockets.length, 2, "the best one first");
  gateway.sockets[1].open();
  await settle();
  assert.equal(connection.info.transport, "ws");
  connection.stop();
});

test("it does not stick: asked for WebSocket alone, polls help out and are left again", async () => {
  const gateway = new FakeGateway();
  const { connection } = connect(gateway, { transport: "ws" });
  connection.start();
  await settle();
  gateway.sockets[0].drop();
  await settle();
  assert.equal(connection.info.transport, "poll");
  await pass(timers, 61_000, 1_000);
  gateway.sockets[1].open();
  await settle();
  assert.equal(connection.info.transport, "ws");
  connection.stop();
});

test("use() takes the cursor along, in every direction, and nothing is told twice", async () => {
  const gateway = new FakeGateway();
  const { connection, told } = connect(gateway, { transport: "poll" });
  gateway.answers.push(polled([event(1)], { cursor: "p" }));
  connection.start();
  await settle();
  connection.use("sse");
  await settle();
  const [stream] = gateway.streams;
  assert.equal(stream.last, "p");
  stream.event(event(1), "p");
  stream.event(event(2), "s");
  await settle();
  connection.use("ws");
  await settle();
  assert.equal(stream.closed, true);
  const [socket] = gateway.sockets;
  assert.equal(socket.query.cursor, "s");
  socket.open();
  socket.event(event(3), "w");
  await settle();
  connection.use("poll");
  await settle();
  assert.deepEqual(socket.ops("ack").map(({ cursor }) => cursor), ["w"]);
  assert.ok(socket.closedBy);
  assert.equal(gateway.polls.at(-1).cursor, "w");
  assert.deepEqual(told.events, ["1", "2", "3"]);
  assert.equal(gateway.mostHeld, 1);
  connection.stop();
});

test("a choice that there is not is an error", () => {
  assert.throws(() => new Choice("carrier-pigeon"), TypeError);
});
