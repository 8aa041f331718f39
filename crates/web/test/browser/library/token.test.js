/** Tokens that run out while a page is open. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { everyPair } from "../everypair.js";
import { hears, heardBodies, live, name, Person } from "../people.js";

const EXPIRED = [/status of 401/, /WebSocket connection/];
const SECONDS = 3;

everyPair((where) => {
  for (const transport of ["poll", "sse", "ws"]) {
    test(`a token that runs out is asked for once, and nothing is missed, ${transport}`, async (t) => {
      const { gateway } = where;
      const ann = await Person.at(t, where, name("ann"), { expects: EXPIRED });
      const calls = [];
      await ann.context.exposeFunction("fresh", (asked) => {
        calls.push(asked);
        return gateway.token(ann.user, { seconds: calls.length === 1 ? SECONDS : 3600 });
      });
      const page = await ann.opens("/client/pollgate.js");
      await page.evaluate(async ([user, transport]) => {
        const { Pollgate } = await import("/client/pollgate.js");
        const gate = new Pollgate({ user, transport, token: (asked) => globalThis.fresh(asked) });
        Object.assign(globalThis, { gate, heard: [], states: [] });
        gate.addEventListener("event", ({ detail }) => heard.push(detail));
        gate.addEventListener("connection", ({ detail }) => states.push(detail.state));
        gate.start();
      }, [ann.user, transport]);
      await live(page);
      await gateway.backend("POST", "/v1/messages", { from: "friend", to: ann.user, body: "while it is good" });
      await hears(page, "while it is good");

      // requests of all kinds meet the end of the token at once; one question answers them all
      // the gateway counts whole seconds, and takes a token for the whole of its last one
      const until = Date.now() + SECONDS * 1000 + 1500;
      await page.waitForFunction((time) => Date.now() > time, until);
      const loads = await page.evaluate(() => Promise.allSettled([
        gate.loadRooms({}, { force: true }), gate.conversation({ to: "friend" }).load({ force: true }), gate.loadPresence(["friend"]),
      ]).then((all) => all.map(({ status }) => status)));
      assert.deepEqual(loads, ["fulfilled", "fulfilled", "fulfilled"]);
      await gateway.backend("POST", "/v1/messages", { from: "friend", to: ann.user, body: "after it ran out" });
      await hears(page, "after it ran out");
      assert.deepEqual(await heardBodies(page), ["while it is good", "after it ran out"]);
      assert.deepEqual(calls.map(({ expired }) => expired), [false, true]);
      assert.ok(!(await page.evaluate(() => states)).includes("signed-out"));
    });
  }

  test("who gets no other token is signed out, and asks no more", async (t) => {
    const ann = await Person.at(t, where, name("ann"), { expects: EXPIRED });
    const page = await ann.opens("/client/pollgate.js");
    await page.evaluate(async (user) => {
      const { Pollgate } = await import("/client/pollgate.js");
      const gate = new Pollgate({ user, token: "nonsense" });
      Object.assign(globalThis, { gate, left: 0 });
      gate.addEventListener("signed-out", () => (left += 1));
      gate.start();
    }, ann.user);
    await page.waitForFunction(() => gate.connectionInfo().state === "signed-out");
    await page.waitForFunction(() => left === 1);
    const asked = ann.asked("/v1/poll").length;
    await page.evaluate(() => gate.reconnect());
    await page.waitForFunction(() => gate.connectionInfo().state === "signed-out");
    assert.ok(ann.asked("/v1/poll").length <= asked + 1, "it goes on asking");
  });
}, { env: { POLLGATE_AUTH__JWT__LEEWAY_S: "0" } });
