import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { Frames } from "../../../client/transport/frames.js";
import { FakeGateway, connect, event, held, pass, polled, problem, settle } from "./fakes.js";

const { timers } = mock;
beforeEach(() => timers.enable({ apis: ["setTimeout", "setInterval", "Date"] }));
afterEach(() => timers.reset());

async function open(options = {}) {
  const gateway = new FakeGateway();
  const parts = connect(gateway, { transport: "sse", ...options });
  parts.connection.start();
  await settle();
  const [stream] = gateway.streams;
  stream.write("retry: 800\n\n");
  await settle();
  assert.equal(parts.connection.info.state, "live");
  assert.equal(parts.connection.info.transport, "sse");
  return { gateway, stream, ...parts };
}

const text = `id: a\nevent: x\ndata: {"n":1}\n\n: heartbeat\n\nid: b\ndata: two\ndata: lines\nretry: 5\n\ndata\n\n`;
for (const end of ["\n", "\r\n", "\r"]) {
  test(`frames are the same however the text is cut, with ${JSON.stringify(end)} at the ends of lines`, () => {
    const all = `\uFEFF${text}`.replaceAll("\n", end);
    for (let size = 1; size <= all.length; size += 1) {
      const frames = new Frames();
      const found = [];
      for (let at = 0; at < all.length; at += size) found.push(...frames.push(all.slice(at, at + size)));
      // The last carriage return may be half of a line's end.
      if (end === "\r") found.push(...frames.push("\n"));
      assert.deepEqual(
        found.map(({ id, event: type, data, retry }) => [id, type, data, retry]),
        [["a", "x", '{"n":1}', undefined], ["b", "message", "two\nlines", 5], [undefined, "message", "", undefined]],
        `in pieces of ${size}`,
      );
    }
  });
}

test("a frame without an end is not gathered for ever", () => {
  const frames = new Frames();
  assert.throws(() => {
    for (let n = 0; n < 20; n += 1) frames.push(`data: ${"x".repeat(1024 * 1024)}`);
  }, RangeError);
});

test("the stream is asked for with the token in a header, and the cursor as Last-Event-ID", async () => {
  const { gateway, stream, connection } = await open({ cursor: "old", presence: true, token: "secret" });
  assert.deepEqual(stream.query, { session: "s", presence: "true" });
  assert.equal(stream.last, "old");
  assert.deepEqual(gateway.tokens, ["Bearer secret"]);
  connection.stop();
  await settle();
  assert.equal(stream.closed, true);
});

test("each event's id is its cursor, used when the stream is asked for again", async () => {
  const { gateway, stream, connection, told } = await open();
  stream.event(event(1), "a");
  stream.event(event(2), "b");
  stream.end("confirm");
  await settle();
  assert.deepEqual(told.events, ["1", "2"]);
  assert.equal(gateway.streams.length, 2, "at once");
  assert.equal(gateway.streams[1].last, "b");
  connection.stop();
});

test("an application's event may be called end", async () => {
  const { stream, connection, told, gateway } = await open();
  stream.event({ ...event(1, "end"), end: "confirm" }, "a");
  await settle();
  assert.deepEqual(told.events, ["1"]);
  assert.equal(gateway.streams.length, 1);
  connection.stop();
});

test("a stream that does nothing but end is not asked for again and again", async () => {
  const { stream, connection, gateway } = await open();
  stream.end("confirm");
  for (let n = 0; n < 40; n += 1) {
    await pass(timers, 100);
    const last = gateway.streams.at(-1);
    if (!last.over) {
      last.over = true;
      last.write(": x\n\n");
      last.end("confirm");
    }
  }
  assert.ok(gateway.streams.length < 9, `${gateway.streams.length} streams in 4 s`);
  connection.stop();
});

test("a resync is confirmed once it was done; while it is, what follows waits", async () => {
  let done;
  const { stream, connection, told } = await open({ resync: () => new Promise((resolve) => (done = resolve)) });
  stream.write('id: r\nevent: resync\ndata: {"resync":true}\n\n');
  stream.event(event(1), "a");
  await settle();
  assert.equal(told.resyncs, 1);
  assert.equal(connection.cursor, "");
  assert.deepEqual(told.events, []);
  done();
  await settle();
  assert.equal(connection.cursor, "a");
  assert.deepEqual(told.events, ["1"]);
  connection.stop();
});

test("drained: pause_ms is kept to", async () => {
  const { stream, connection, gateway } = await open();
  stream.end("drained", 640);
  await pass(timers, 600);
  assert.equal(gateway.streams.length, 1);
  assert.equal(connection.info.state, "waiting");
  await pass(timers, 50);
  assert.equal(gateway.streams.length, 2);
  connection.stop();
});

test("heartbeats keep a stream; silence for 36 s ends it, and another one is opened", async () => {
  const { stream, connection, gateway, told } = await open();
  for (let n = 0; n < 4; n += 1) {
    await pass(timers, 30_000, 5_000);
    stream.write(": heartbeat\n\n");
  }
  await pass(timers, 35_000, 5_000);
  assert.equal(gateway.streams.length, 1);
  await pass(timers, 2_000);
  assert.equal(gateway.streams.length, 2);
  assert.equal(stream.closed, true);
  assert.equal(told.infos.find(({ state }) => state === "waiting").reason, "Nothing was heard for too long");
  connection.stop();
});

for (const [name, refuse] of [
  ["headers do not come", (signal) => held(signal)],
  ["the first byte does not come", () => undefined],
]) {
  test(`a proxy that buffers is found out when ${name} in 3 s; polls take over`, async () => {
    const gateway = new FakeGateway();
    gateway.refuseStream = refuse;
    const { connection } = connect(gateway, { transport: "sse" });
    connection.start();
    await pass(timers, 2_900);
    assert.equal(gateway.polls.length, 0);
    await pass(timers, 200);
    assert.equal(connection.info.transport, "poll");
    assert.equal(connection.info.state, "live");
    connection.stop();
  });
}

for (const [name, refuse] of [
  ["404", () => problem(404, "not-found")],
  ["another kind of answer", () => polled()],
  ["a proxy's own error", () => problem(502)],
]) {
  test(`${name}: polls take over, with the same cursor`, async () => {
    const gateway = new FakeGateway();
    gateway.refuseStream = refuse;
    const { connection } = connect(gateway, { transport: "sse", cursor: "old" });
    connection.start();
    await settle();
    assert.equal(connection.info.transport, "poll");
    assert.equal(gateway.polls[0].cursor, "old");
    connection.stop();
  });
}

test("what the gateway says of itself holds for polls, too: its 503 does not make them take over", async () => {
  const gateway = new FakeGateway();
  gateway.refuseStream = () => problem(503, "overloaded", { "retry-after": "2" });
  const { connection } = connect(gateway, { transport: "sse" });
  connection.start();
  await pass(timers, 2_000);
  assert.equal(gateway.polls.length, 0);
  gateway.refuseStream = undefined;
  await pass(timers, 600);
  assert.equal(gateway.streams.length, 1);
  connection.stop();
});

test("409 ends the loop; 400 begins anew", async () => {
  const gateway = new FakeGateway();
  gateway.refuseStream = () => ((gateway.refuseStream = () => problem(409, "superseded")), problem(400, "invalid-request"));
  const { connection, told } = connect(gateway, { transport: "sse", cursor: "old" });
  connection.start();
  await settle();
  assert.equal(told.resyncs, 1);
  assert.equal(connection.cursor, "");
  assert.equal(connection.info.state, "superseded");
});

test("end: superseded ends the loop", async () => {
  const { stream, connection, gateway } = await open();
  await pass(timers, 6_000, 500);
  stream.end("superseded");
  await pass(timers, 30_000, 1_000);
  assert.equal(connection.info.state, "superseded");
  assert.equal(gateway.streams.length, 1);
});

test("end: token-expired: the next one comes with another token", async () => {
  const tokens = ["one", "two"];
  const { stream, connection, gateway } = await open({ token: () => tokens.shift() });
  stream.event(event(1), "a");
  gateway.refuseStream = () => ((gateway.refuseStream = undefined), problem(401, "token-expired"));
  stream.end("token-expired");
  await settle();
  assert.deepEqual(gateway.tokens, ["Bearer one", "Bearer one", "Bearer two"]);
  assert.equal(gateway.streams[1].last, "a");
  connection.stop();
});

test("a stream that breaks is asked for again with the last cursor", async () => {
  const { stream, connection, gateway, told } = await open();
  stream.event(event(1), "a");
  await settle();
  stream.cut();
  await pass(timers, 600);
  assert.equal(gateway.streams[1].last, "a");
  gateway.streams[1].event(event(1), "a");
  gateway.streams[1].event(event(2), "b");
  await settle();
  assert.deepEqual(told.events, ["1", "2"]);
  connection.stop();
});
