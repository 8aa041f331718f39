/**
 * The connection against the real gateway, on each pair: over each transport, through changes of it, and through the
 * gateway's own troubles, every message is told once.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { after, afterEach, before, describe, test } from "node:test";

import { Api } from "../../client/api.js";
import { Connection } from "../../client/connection.js";
import { PAIRS } from "../browser/backends.js";
import { Gateway } from "../browser/gateway.js";

const TRANSPORTS = ["poll", "sse", "ws"];
const PATIENCE_MS = 20_000;
/** However slow the machine: what takes longer hangs. */
const MOST_MS = 600_000;
/** So many events go out unconfirmed: few, so that what is sent is several times as many. */
const WINDOW = 32;
const CHANGES = 40;

if (!globalThis.WebSocket) {
  // Node 20 has WebSockets only when it is asked for them.
  test("the connection, with WebSockets", () => {
    const { NODE_TEST_CONTEXT, ...env } = process.env;
    void NODE_TEST_CONTEXT;
    const arguments_ = ["--experimental-websocket", "--test-reporter=tap", fileURLToPath(import.meta.url)];
    const { status, stdout, stderr } = spawnSync(process.execPath, arguments_, { encoding: "utf8", env, timeout: MOST_MS });
    assert.equal(status, 0, `${stdout}\n${stderr}`);
    assert.match(stdout, /# pass [1-9]/);
  });
} else {
  // Most of their time they wait: for a drain, for a token to run out. So they do it together.
  describe("the connection", { concurrency: PAIRS.length }, () => {
    for (const pair of PAIRS) describe(pair, { concurrency: 1 }, () => suite(pair));
  });
}

/** @param {string} pair */
function suite(pair) {
  /** @type {Gateway} */
  let gateway;
  before(async () => {
    const env = {
      POLLGATE_THROTTLE__ENABLED: "false",
      POLLGATE_POLL__HOLD_MS: "1000",
      POLLGATE_MAILBOX__PREFETCH: `${WINDOW}`,
      POLLGATE_AUTH__JWT__LEEWAY_S: "2",
    };
    gateway = await Gateway.started({ pair, env });
  });
  after(() => gateway?.remove());
  /** The loops of the test that runs: one that fails does not end its own, and the process would not end for it. */
  const running = new Set();
  afterEach(() => {
    for (const connection of running) connection.stop();
    running.clear();
  });

  function connect(options) {
    const connection = new Connection(options);
    running.add(connection);
    return connection;
  }

  /** Somebody who listens, and what they were told. */
  function listener(options = {}) {
    const user = `ann-${randomUUID()}`;
    const hook = { asked: 0, seconds: 3600 };
    const token = () => ((hook.asked += 1), gateway.token(user, { seconds: hook.seconds }));
    const api = new Api({ user, url: gateway.url, token });
    const connection = connect({ api, session: randomUUID(), ...options });
    const told = { bodies: [], ids: [], states: [], resyncs: 0 };
    connection.addEventListener("event", ({ detail }) => {
      told.ids.push(detail.id);
      if (detail.type === "message.created") told.bodies.push(detail.data.body);
    });
    connection.addEventListener("state", ({ detail }) => told.states.push(detail.state));
    connection.addEventListener("resync", () => (told.resyncs += 1));
    return { user, api, connection, told, hook };
  }

  /** Waits for a fact. */
  async function until(fact, what) {
    const deadline = Date.now() + PATIENCE_MS;
    while (!fact()) {
      if (Date.now() > deadline) throw new Error(`in vain: ${typeof what === "function" ? what() : what}`);
      await pause(10);
    }
  }

  async function live(connection, transport) {
    const is = () => connection.info.state === "live" && (!transport || connection.info.transport === transport);
    await until(is, () => `live on ${transport}: ${JSON.stringify(connection.info)}`);
  }

  const send = (to, body) => gateway.backend("POST", "/v1/messages", { from: "bob", to, body, client_id: `${to}-${body}`.slice(-60) });

  /** Sends until it is accepted; the same message is stored once. */
  async function sendSurely(to, body) {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await send(to, body);
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await pause(50);
      }
    }
  }

  const numbers = (count) => Array.from({ length: count }, (_, n) => String(n));

  function assertAllOnce(told, count) {
    assert.deepEqual(told.bodies, numbers(count), "each once, in order");
    assert.equal(new Set(told.ids).size, told.ids.length, "no event twice");
  }

  for (const transport of TRANSPORTS) {
    test(`${transport}: every message is told once, in order, and what was told is not told to the next loop`, async () => {
      const { user, api, connection, told } = listener({ transport });
      connection.start();
      await live(connection, transport);
      for (const body of numbers(100)) await send(user, body);
      await until(() => told.bodies.length >= 100, () => `${told.bodies.length} of 100`);
      assertAllOnce(told, 100);
      assert.equal(told.resyncs, 0);
      connection.stop();
      // The session's next loop begins where this one ended, and hears what came in between.
      await send(user, "100");
      const { cursor } = connection;
      const next = connect({ api, session: connection.session, transport, cursor });
      const bodies = [];
      next.addEventListener("event", ({ detail }) => bodies.push(detail.data.body));
      next.start();
      await until(() => bodies.length > 0, "the one sent in between");
      assert.deepEqual(bodies, ["100"]);
      next.stop();
    });

    test(`${transport}: the gateway is killed and started again under load: nothing is lost, nothing told twice`, async () => {
      const { user, connection, told } = listener({ transport });
      connection.start();
      await live(connection, transport);
      const sending = (async () => {
        for (const body of numbers(60)) await sendSurely(user, body);
      })();
      await until(() => told.bodies.length >= 20, "the first twenty");
      await gateway.kill();
      await gateway.start();
      connection.wake();
      await sending;
      await until(() => new Set(told.bodies).size >= 60, () => `${told.bodies.length} of 60, ${told.resyncs} resyncs`);
      assert.deepEqual([...new Set(told.bodies)].sort((a, b) => a - b), numbers(60));
      assert.equal(told.bodies.length, 60, "each once");
      assert.equal(new Set(told.ids).size, told.ids.length);
      // On polls, perhaps, for the next minute: a stream may have been refused just before the gateway was there again.
      await live(connection);
      connection.stop();
    });

    test(`${transport}: the gateway drains: whoever listens waits as asked, and goes on with the next one`, async () => {
      const { user, connection, told } = listener({ transport });
      connection.start();
      await live(connection, transport);
      for (const body of numbers(10)) await send(user, body);
      await until(() => told.bodies.length >= 10, "the first ten");
      await gateway.stop();
      await gateway.start();
      for (const body of numbers(20).slice(10)) await send(user, body);
      await until(() => told.bodies.length >= 20, () => `${told.bodies.length} of 20`);
      assertAllOnce(told, 20);
      assert.ok(!told.states.includes("superseded") && !told.states.includes("signed-out"));
      connection.stop();
    });

    test(`${transport}: a token that expires is renewed by its hook, and nothing is lost`, async () => {
      const { user, connection, told, hook } = listener({ transport });
      hook.seconds = 2;
      connection.start();
      await live(connection, transport);
      hook.seconds = 3600;
      let sent = 0;
      const began = Date.now();
      while (hook.asked < 2 || sent < 20) {
        await send(user, String(sent));
        sent += 1;
        assert.ok(Date.now() - began < PATIENCE_MS, "the hook is asked");
        await pause(50);
      }
      await until(() => told.bodies.length >= sent, () => `${told.bodies.length} of ${sent}`);
      assertAllOnce(told, sent);
      assert.equal(hook.asked, 2);
      assert.ok(!told.states.includes("signed-out"));
      connection.stop();
    });

    test(`${transport}: another loop with the same session ends this one`, async () => {
      const { api, connection } = listener({ transport });
      connection.start();
      await live(connection, transport);
      await pause(50);
      const other = connect({ api, session: connection.session, transport });
      other.start();
      await live(other, transport);
      await until(() => connection.info.state === "superseded", () => JSON.stringify(connection.info));
      assert.equal(other.info.state, "live");
      other.stop();
    });
  }

  test("random changes among the transports under load lose nothing and show nothing twice", async (context) => {
    const seed = Number(process.env.POLLGATE_TEST_SEED) || Date.now() % 1_000_000;
    context.diagnostic(`POLLGATE_TEST_SEED=${seed}`);
    let state = seed;
    const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
    const { user, connection, told } = listener({ transport: "poll" });
    connection.start();
    await live(connection);
    let count = 0;
    let changing = true;
    const load = (async () => {
      for (; changing; count += 1) await send(user, String(count));
    })();
    let changes = 0;
    const opened = new Map();
    const note = () => connection.info.state === "live" && opened.set(connection.info.transport, (opened.get(connection.info.transport) ?? 0) + 1);
    connection.addEventListener("state", note);
    const eachOpened = () => TRANSPORTS.every((name) => opened.has(name));
    const began = Date.now();
    while (changes < CHANGES || (!eachOpened() && Date.now() - began < PATIENCE_MS)) {
      connection.use([...TRANSPORTS, "auto"][Math.floor(random() * 4)]);
      changes += 1;
      await pause(random() * 120);
    }
    changing = false;
    await load;
    await until(() => told.bodies.length >= count, () => `${told.bodies.length} of ${count}, seed ${seed}`);
    assertAllOnce(told, count);
    assert.equal(told.resyncs, 0);
    assert.ok(!told.states.includes("superseded"), `superseded by itself, seed ${seed}`);
    assert.ok(eachOpened(), `each was open: ${JSON.stringify([...opened])}, seed ${seed}`);
    context.diagnostic(`${changes} changes, ${count} messages, opened: ${JSON.stringify([...opened])}`);
    connection.stop();
  });

  test("auto goes over to the WebSocket, which carries operations, too", async () => {
    const { user, connection, told } = listener({ transport: "auto" });
    connection.start();
    await live(connection, "ws");
    const message = await connection.call("send", { to: user, body: "to myself", client_id: randomUUID() });
    assert.equal(message.body, "to myself");
    await until(() => told.bodies.includes("to myself"), () => `my own message: ${told.resyncs} resyncs, ${told.states}`);
    const page = await connection.call("history", { room: message.room });
    assert.deepEqual(page.messages.map(({ body }) => body), ["to myself"]);
    await assert.rejects(connection.call("history", { room: randomUUID() }), { name: "Problem", status: 404, code: "not-found" });
    connection.stop();
  });

  for (const transport of TRANSPORTS) {
    test(`${transport}: a cursor that is no cursor, and one of another mailbox: resync, and on with what comes`, async () => {
      const other = listener();
      other.connection.start();
      await live(other.connection);
      await send(other.user, "elsewhere");
      await until(() => other.told.bodies.length === 1, "its cursor");
      other.connection.stop();
      for (const cursor of ["rubbish", other.connection.cursor]) {
        const { user, connection, told } = listener({ transport, cursor });
        connection.start();
        await until(() => told.resyncs > 0, () => `resync after ${cursor}: ${JSON.stringify(connection.info)}`);
        await live(connection, transport);
        await send(user, "0");
        await until(() => told.bodies.length === 1, "what comes");
        assert.equal(told.resyncs, 1);
        connection.stop();
      }
    });
  }
}
