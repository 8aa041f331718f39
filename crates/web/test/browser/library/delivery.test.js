/** From `send()` in one browser to the event in another, over each transport. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { everyPair } from "../everypair.js";
import { below, figure } from "../figures.js";
import { hears, heardBodies, live, name, Person } from "../people.js";

const MESSAGES = 20;
const MOST_MS = 200;
const CARRIERS = { poll: "poll", sse: "sse", ws: "ws", auto: "ws" };

/** Sends, and says when it was called, by the clock that all pages share. */
const say = (page, to, body) =>
  page.evaluate(([user, text]) => {
    const at = now();
    gate.conversation({ to: user }).send({ body: text });
    return at;
  }, [to, body]);

const seenAt = (page, body) =>
  page.evaluate((text) => heard.find(({ data }) => data?.body === text).seenAt, body);

everyPair((where) => {
  for (const [transport, carrier] of Object.entries(CARRIERS)) {
    test(`over ${transport} a message is seen within ${MOST_MS} ms of its send, once, in its place`, async (t) => {
      const [ann, bob] = await Promise.all(["ann", "bob"].map((base) => Person.at(t, where, name(base))));
      const [hers, his] = await Promise.all([ann, bob].map((person) => person.uses({ transport })));
      await Promise.all([hers, his].map(live));

      await say(hers, bob.user, "the first one makes the room");
      await hears(his, "the first one makes the room");
      let sent = 0;
      const { all, best } = await below(MOST_MS, async () => {
        const took = [];
        for (const end = sent + MESSAGES; sent < end;) {
          sent += 1;
          const [from, to, user] = sent % 2 === 1 ? [hers, his, bob.user] : [his, hers, ann.user];
          const sentAt = await say(from, user, `message ${sent}`);
          await hears(to, `message ${sent}`);
          took.push(await seenAt(to, `message ${sent}`) - sentAt);
        }
        return took;
      });
      figure(t, `send to event, ${transport}, ${where.pair}`, all);
      assert.ok(best < MOST_MS, `${best} ms`);
      const bodies = ["the first one makes the room", ...Array.from({ length: sent }, (_, n) => `message ${n + 1}`)];
      for (const page of [hers, his]) {
        await hears(page, `message ${sent}`);
        assert.deepEqual(await heardBodies(page), bodies);
        assert.equal(await page.evaluate(() => gate.connectionInfo().transport), carrier);
      }
    });
  }
});
