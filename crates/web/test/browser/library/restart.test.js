/** The gateway goes away, with and without a farewell, and comes back at the same address. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { everyPair } from "../everypair.js";
import { figure } from "../figures.js";
import { heardBodies, live, name, Person } from "../people.js";

const GONE = [/net::ERR_/, /WebSocket connection/, /status of 50[23]/];
/** The longest back-off, and what a start takes. */
const MOST_MS = 25_000;

const send = (page, to, body) =>
  page.evaluate(([user, text]) => void gate.conversation({ to: user }).send({ body: text }), [to, body]);

/** Opens the conversation, as a page that shows it. */
const open = (page, other) =>
  page.evaluate((user) => {
    globalThis.talk = gate.conversation({ to: user });
    talk.addEventListener("change", () => {});
    return talk.load().then(() => {});
  }, other);

/**
 * Waits until the page shows exactly these messages. By events alone they need not come: where the broker died with the
 * gateway, a page is told to read again.
 */
const shows = (page, bodies) =>
  page.waitForFunction((wanted) =>
    JSON.stringify(talk.entries.map(({ body, state }) => [body, state])) === JSON.stringify(wanted.map((body) => [body, "sent"])), bodies, { polling: 20 });

const away = (page) =>
  page.waitForFunction(() => gate.connectionInfo().state !== "live", null, { polling: 20 });

everyPair((where) => {
  for (const transport of ["poll", "sse", "ws"]) {
    for (const [how, title] of [["kill", "is killed"], ["stop", "drains"]]) {
      test(`the gateway ${title} and comes back: nothing is lost and nothing stands twice, ${transport}`, async (t) => {
        const { gateway } = where;
        const [ann, bob] = await Promise.all(["ann", "bob"].map((base) => Person.at(t, where, name(base), { expects: GONE })));
        const [hers, his] = await Promise.all([ann, bob].map((person) => person.uses({ transport })));
        await Promise.all([hers, his].map(live));
        await Promise.all([open(hers, bob.user), open(his, ann.user)]);
        await send(hers, bob.user, "before");
        await Promise.all([hers, his].map((page) => shows(page, ["before"])));

        await gateway[how]();
        await Promise.all([hers, his].map(away));
        await send(hers, bob.user, "meanwhile");

        await gateway.start();
        const began = performance.now();
        // somebody at the page does not wait for the end of the back-off
        await Promise.all([hers, his].map((page) => page.evaluate(() => gate.reconnect())));
        await shows(his, ["before", "meanwhile"]);
        figure(t, `${how === "kill" ? "crash" : "drain"} and start, to what was written meanwhile, ${transport}, ${where.pair}`, [performance.now() - began]);
        await Promise.all([hers, his].map(live));
        await send(his, ann.user, "after");
        for (const page of [hers, his]) {
          await shows(page, ["before", "meanwhile", "after"]);
          const heard = await heardBodies(page);
          assert.equal(new Set(heard).size, heard.length, `heard twice: ${heard}`);
        }
        assert.ok(performance.now() - began < MOST_MS);
      });
    }
  }
}, { env: { POLLGATE_HTTP__GRACE_MS: "3000" } });
