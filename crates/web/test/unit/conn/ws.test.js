import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { FakeGateway, connect, event, pass, problem, settle } from "./fakes.js";

const { timers } = mock;
beforeEach(() => timers.enable({ apis: ["setTimeout", "setInterval", "Date"] }));
afterEach(() => timers.reset());

async function open(options = {}) {
  const gateway = new FakeGateway();
  const parts = connect(gateway, { transport: "ws", ...options });
  parts.connection.start();
  await settle();
  const [socket] = gateway.sockets;
  socket.open();
  await settle();
  assert.equal(parts.connection.info.state, "live");
  assert.equal(parts.connection.info.transport, "ws");
  return { gateway, socket, ...parts };
}

test("the address bears a ticket and the cursor, and never the token", async () => {
  const { gateway, socket, connection } = await open({ cursor: "old", presence: true, token: "secret" });
  assert.deepEqual(gateway.asked, ["POST /v1/tickets"]);
  assert.deepEqual(gateway.tokens, ["Bearer secret"]);
  assert.equal(socket.address.protocol, "ws:");
  assert.equal(socket.address.pathname, "/v1/ws");
  assert.deepEqual(socket.query, { session: "s", cursor: "old", presence: "true", ticket: "t1" });
  connection.stop();
  await settle();
  assert.equal(socket.closedBy, 1000);
});

test("events are confirmed together, 50 ms after the first", async () => {
  const { socket, connection, told } = await open();
  for (let n = 0; n < 5; n += 1) socket.event(event(n), `c${n}`);
  await settle();
  assert.equal(told.events.length, 5);
  assert.equal(socket.ops("ack").length, 0);
  await pass(timers, 50, 10);
  assert.deepEqual(socket.ops("ack").map(({ cursor }) => cursor), ["c4"]);
  connection.stop();
});

test("the twentieth event is confirmed without a timer", async () => {
  const { socket, connection } = await open();
  for (let n = 0; n < 45; n += 1) socket.event(event(n), `c${n}`);
  await settle();
  assert.deepEqual(socket.ops("ack").map(({ cursor }) => cursor), ["c19", "c39"]);
  connection.stop();
  assert.deepEqual(socket.ops("ack").at(-1).cursor, "c44", "the rest on the way out");
});

test("a hidden tab, whose timers are late, confirms at once", async () => {
  const { socket, connection, world } = await open();
  world.turns("hidden");
  socket.event(event(1), "a");
  await settle();
  assert.deepEqual(socket.ops("ack").map(({ cursor }) => cursor), ["a"]);
  connection.stop();
});

test("what waits for a resync is not confirmed, nor is what follows it", async () => {
  let done;
  const { socket, connection, told } = await open({ resync: () => new Promise((resolve) => (done = resolve)) });
  socket.say({ resync: true, cursor: "r" });
  socket.event(event(1), "a");
  await pass(timers, 500);
  assert.equal(told.resyncs, 1);
  assert.deepEqual(told.events, []);
  assert.equal(socket.ops("ack").length, 0);
  done();
  await pass(timers, 100);
  assert.deepEqual(told.events, ["1"]);
  assert.deepEqual(socket.ops("ack").map(({ cursor }) => cursor), ["a"]);
  connection.stop();
});

test("a resync that fails is asked for again, over another socket", async () => {
  let failures = 1;
  const { gateway, socket, connection, told } = await open({ resync: async () => { if (failures-- > 0) throw new Error("history"); } });
  socket.say({ resync: true, cursor: "r" });
  await pass(timers, 600);
  assert.equal(gateway.sockets.length, 2);
  assert.equal(gateway.sockets[1].query.cursor, undefined);
  gateway.sockets[1].open();
  gateway.sockets[1].say({ resync: true, cursor: "r" });
  await settle();
  assert.equal(told.resyncs, 2);
  assert.equal(connection.cursor, "r");
  connection.stop();
});

test("operations are answered by their number", async () => {
  const { socket, connection } = await open();
  const rooms = connection.call("rooms", { limit: 10 });
  const room = connection.call("room", { room: "none" });
  const [one, two] = socket.sent;
  assert.deepEqual([one.op, one.limit, two.op], ["rooms", 10, "room"]);
  socket.say({ reply_to: two.n, error: { status: 429, code: "throttled", detail: "slowly", retry_after: 3 } });
  socket.say({ reply_to: one.n, ok: { rooms: [] } });
  assert.deepEqual(await rooms, { rooms: [] });
  await assert.rejects(room, { name: "Problem", status: 429, code: "throttled", retryAfterMs: 3000 });
  connection.stop();
});

test("an operation of a socket that ends, or is late, is rejected as network: nobody knows whether it was done", async () => {
  const { gateway, socket, connection } = await open();
  const late = connection.call("rooms");
  const refused = assert.rejects(late, { code: "network" });
  await pass(timers, 20_000, 1_000);
  await refused;
  const cut = assert.rejects(connection.call("rooms"), { code: "network" });
  socket.drop();
  await cut;
  await assert.rejects(connection.call("rooms"), { code: "network" }, "none is open");
  await pass(timers, 600);
  await assert.rejects(connection.call("rooms"), { code: "network" }, "one is opening");
  gateway.sockets.at(-1).open();
  await settle();
  connection.stop();
  await assert.rejects(connection.call("rooms"), { code: "network" }, "stopped");
});

test("after 25 s of silence it asks, and 10 s later it is dead", async () => {
  const { gateway, socket, connection, told } = await open();
  await pass(timers, 24_000, 1_000);
  assert.equal(socket.ops("ping").length, 0);
  await pass(timers, 1_500, 500);
  assert.equal(socket.ops("ping").length, 1);
  socket.say({ reply_to: socket.ops("ping")[0].n, ok: {} });
  await pass(timers, 26_000, 1_000);
  assert.equal(socket.ops("ping").length, 2);
  await pass(timers, 8_000, 1_000);
  assert.equal(gateway.sockets.length, 1);
  await pass(timers, 3_000);
  assert.equal(gateway.sockets.length, 2);
  assert.ok(socket.closedBy);
  assert.equal(told.infos.find(({ state }) => state === "waiting").reason, "Nothing was heard for too long");
  connection.stop();
});

test("a socket that breaks: the next one goes on with the cursor, and what comes twice is told once", async () => {
  const { gateway, socket, connection, told } = await open();
  socket.event(event(1), "a");
  await settle();
  socket.drop();
  await pass(timers, 600);
  const next = gateway.sockets[1];
  assert.equal(next.query.cursor, "a");
  assert.notEqual(next.query.ticket, socket.query.ticket);
  next.open();
  next.event(event(1), "a");
  next.event(event(2), "b");
  await settle();
  assert.deepEqual(told.events, ["1", "2"]);
  connection.stop();
});

test("events that came before the close frame are handed over before it counts", async () => {
  let done;
  const { socket, connection, told } = await open({ resync: () => new Promise((resolve) => (done = resolve)) });
  socket.say({ resync: true, cursor: "r" });
  socket.event(event(1), "a");
  socket.drop(1012);
  await settle();
  done();
  await settle();
  assert.deepEqual(told.events, ["1"]);
  assert.equal(connection.cursor, "a");
  connection.stop();
});

for (const [name, end] of [
  ["end: superseded", (socket) => socket.say({ end: "superseded" })],
  ["close code 4409", (socket) => socket.drop(4409)],
]) {
  test(`${name} ends the loop`, async () => {
    const { gateway, socket, connection } = await open();
    await pass(timers, 6_000, 500);
    end(socket);
    await pass(timers, 60_000, 5_000);
    assert.equal(connection.info.state, "superseded");
    assert.equal(gateway.sockets.length, 1);
    assert.equal(connection.running, false);
  });
}

test("end: drained: pause_ms is kept to", async () => {
  const { gateway, socket, connection } = await open();
  socket.say({ end: "drained", pause_ms: 640 });
  socket.drop(1012);
  await pass(timers, 600);
  assert.equal(gateway.sockets.length, 1);
  await pass(timers, 50);
  assert.equal(gateway.sockets.length, 2);
  connection.stop();
});

test("end: token-expired: a ticket is had with another token, at once", async () => {
  const tokens = ["one", "two"];
  const { gateway, socket, connection } = await open({ token: () => tokens.shift() });
  gateway.refuseTicket = () => ((gateway.refuseTicket = undefined), problem(401, "token-expired"));
  socket.say({ end: "token-expired", pause_ms: 0 });
  await settle();
  assert.deepEqual(gateway.tokens, ["Bearer one", "Bearer one", "Bearer two"]);
  assert.equal(gateway.sockets.length, 2);
  connection.stop();
});

test("a token that is not renewed: signed-out", async () => {
  const { gateway, socket, connection, api } = await open();
  let said = 0;
  api.addEventListener("signed-out", () => (said += 1));
  gateway.refuseTicket = () => problem(401, "token-expired");
  socket.say({ end: "token-expired" });
  await pass(timers, 60_000, 5_000);
  assert.equal(connection.info.state, "signed-out");
  assert.equal(said, 1);
});

test("the gateway being away is no reason to leave WebSockets", async () => {
  const { gateway, socket, connection } = await open();
  gateway.down = true;
  socket.drop();
  await pass(timers, 30_000, 500);
  assert.equal(gateway.polls.length, 0);
  gateway.down = false;
  await pass(timers, 20_000, 500);
  assert.equal(gateway.sockets.length, 2);
  connection.stop();
});

test("what was open for 30 s did not fail on the way: its back-off begins anew", async () => {
  const gateway = new FakeGateway();
  gateway.down = true;
  const { connection, told } = connect(gateway, { transport: "ws" });
  connection.start();
  while (told.infos.at(-1).attempt < 4) await pass(timers, 500, 500);
  gateway.down = false;
  while (gateway.sockets.length === 0) await pass(timers, 500, 500);
  gateway.sockets[0].open();
  await pass(timers, 24_000, 1_000);
  gateway.sockets[0].say({ reply_to: 0, ok: {} });
  await pass(timers, 10_000, 1_000);
  gateway.sockets[0].drop();
  await settle();
  assert.equal(connection.info.state, "waiting");
  assert.equal(connection.info.attempt, 1);
  connection.stop();
});

test("a frame that is not the gateway's ends the socket", async () => {
  const { gateway, socket, connection } = await open();
  socket.say("<h1>");
  await pass(timers, 600);
  assert.equal(gateway.sockets.length, 2);
  connection.stop();
});
