/** From one transport to another, by what a network lets through and by what the page asks for. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { everyPair, onePair } from "../everypair.js";
import { hears, heardBodies, live, name, Person } from "../people.js";

const REFUSED = [/net::ERR_/, /WebSocket connection/];
const tell = (where, user, body) => where.gateway.backend("POST", "/v1/messages", { from: "friend", to: user, body });
const carriedBy = (page, transport) =>
  page.waitForFunction((name) => {
    const { state, transport } = gate.connectionInfo();
    return state === "live" && transport === name;
  }, transport, { polling: 20 });

onePair((where) => {
  test("auto falls back to what the network lets through, and comes back to the better when it may", async (t) => {
    const ann = await Person.at(t, where, name("ann"), { expects: REFUSED });
    let refuse = ["ws", "stream"];
    await ann.context.routeWebSocket(/\/v1\/ws/, (socket) => (refuse.includes("ws") ? socket.close() : socket.connectToServer()));
    await ann.context.route(/\/v1\/stream/, (route) => (refuse.includes("stream") ? route.abort() : route.continue()));
    const page = await ann.opens("/client/pollgate.js");
    await page.clock.install();
    await page.evaluate(async ([user, token]) => {
      const { Pollgate } = await import("/client/pollgate.js");
      const gate = new Pollgate({ user, token, transport: "auto", share: false });
      Object.assign(globalThis, { gate, heard: [] });
      gate.addEventListener("event", ({ detail }) => heard.push(detail));
      gate.start();
    }, [ann.user, ann.token]);
    await carriedBy(page, "poll");
    await tell(where, ann.user, "over a poll");
    await hears(page, "over a poll");

    refuse = [];
    // the better ones are tried again later; the page's clock makes it later now
    await assertComesBack(page, "ws");
    await tell(where, ann.user, "over a socket");
    await hears(page, "over a socket");
    assert.deepEqual(await heardBodies(page), ["over a poll", "over a socket"]);
  });

  test("auto takes Server-Sent Events where sockets are refused", async (t) => {
    const ann = await Person.at(t, where, name("ann"), { expects: REFUSED });
    await ann.context.routeWebSocket(/\/v1\/ws/, (socket) => socket.close());
    const page = await ann.uses({ transport: "auto" });
    await carriedBy(page, "sse");
    await tell(where, ann.user, "in a stream");
    await hears(page, "in a stream");
    assert.deepEqual(await heardBodies(page), ["in a stream"]);
  });
});

everyPair((where) => {
  test("a session goes from one transport to another and back, losing and repeating nothing", async (t) => {
    const ann = await Person.at(t, where, name("ann"), { expects: REFUSED });
    const said = [];
    let page = null;
    for (const [n, transport] of ["poll", "ws", "sse", "poll", "sse", "ws", "poll"].entries()) {
      page = await ann.uses({ transport, session: "one" });
      await carriedBy(page, transport);
      const fresh = `message ${n} over ${transport}`;
      await tell(where, ann.user, fresh);
      await hears(page, fresh);
      const missed = `message ${n} between`;
      // the page ends at any moment: what it had confirmed is not said again, everything else is
      await page.close();
      await tell(where, ann.user, missed);
      said.push(fresh, missed);
    }
    const last = await ann.uses({ session: "one" });
    await hears(last, said.at(-1));
    const heard = await heardBodies(last);
    assert.equal(new Set(heard).size, heard.length, `repeated: ${heard}`);
    assert.deepEqual(heard, said.slice(-heard.length), "in order, without a hole");
    const { messages } = await where.gateway.call(ann.user, "GET", `/v1/rooms/${await roomOf(where, ann.user)}/messages`);
    assert.deepEqual(messages.map(({ body }) => body), said);
  });
});

async function roomOf({ gateway }, user) {
  const { rooms } = await gateway.call(user, "GET", "/v1/rooms");
  return rooms[0].id;
}

/** Lets minutes go by in the page until the transport is the better one. */
async function assertComesBack(page, transport) {
  for (let minutes = 0; minutes < 60; minutes += 1) {
    const there = await page.evaluate((name) => gate.connectionInfo().transport === name && gate.connectionInfo().state === "live", transport);
    if (there) return;
    await page.clock.fastForward(60_000);
    await page.waitForFunction(() => gate.connectionInfo().state === "live", null, { polling: 20 });
  }
  assert.fail(`after an hour it is not back to ${transport}`);
}
