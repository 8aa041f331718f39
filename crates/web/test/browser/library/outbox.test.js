/** What was written is sent: over reloads, lost answers, and times without a network. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { everyPair } from "../everypair.js";
import { figure } from "../figures.js";
import { hears, heardBodies, live, name, Person } from "../people.js";

const GONE = [/net::ERR_/];

async function pair(t, where, options) {
  const [ann, bob] = await Promise.all(["ann", "bob"].map((base) => Person.at(t, where, name(base), { expects: GONE })));
  const [hers, his] = await Promise.all([ann, bob].map((person) => person.uses(options)));
  await Promise.all([hers, his].map(live));
  return { ann, bob, hers, his };
}

const send = (page, to, body) =>
  page.evaluate(([user, text]) => void gate.conversation({ to: user }).send({ body: text }), [to, body]);

/** The entries of a conversation as a page would show them: state and text. */
const shown = (page, to) =>
  page.evaluate((user) => gate.conversation({ to: user }).entries.map(({ state, body }) => `${state}: ${body}`), to);

const showsSent = (page, to, body) =>
  page.waitForFunction(([user, text]) =>
    gate.conversation({ to: user }).entries.some((entry) => entry.body === text && entry.state === "sent"), [to, body], { polling: 20 });

everyPair((where) => {
  test("a message that never left is sent after a reload", async (t) => {
    const { ann, bob, hers, his } = await pair(t, where);
    await send(hers, bob.user, "hello");
    await hears(his, "hello");
    // for all pages of hers: one that is being closed is left by its own routes first, and might get a repeat through
    const away = (route) => route.abort("internetdisconnected");
    await ann.context.route("**/v1/messages", away);
    const tried = hers.waitForRequest("**/v1/messages");
    await send(hers, bob.user, "kept for later");
    const first = (await tried).postDataJSON();
    await hers.close();

    await ann.context.unroute("**/v1/messages", away);
    const asked = ann.context.waitForEvent("request", (request) => request.url().endsWith("/v1/messages"));
    const again = await ann.uses();
    await hears(his, "kept for later");
    assert.equal((await asked).postDataJSON().client_id, first.client_id, "the client_id stays the same");
    await again.evaluate((user) => gate.conversation({ to: user }).load(), bob.user);
    await showsSent(again, bob.user, "kept for later");
    assert.deepEqual(await shown(again, bob.user), ["sent: hello", "sent: kept for later"]);
    assert.deepEqual(await heardBodies(his), ["hello", "kept for later"]);
  });

  test("a message whose answer was lost is sent again after a reload, and stands once", async (t) => {
    const { ann, bob, hers, his } = await pair(t, where);
    await hers.route("**/v1/messages", async (route) => {
      await route.fetch();
      await route.abort("connectionreset");
    });
    await send(hers, bob.user, "once only");
    await hears(his, "once only");
    await hers.close();

    const again = await ann.uses();
    await live(again);
    await again.evaluate((user) => gate.conversation({ to: user }).load(), bob.user);
    await showsSent(again, bob.user, "once only");
    await send(again, bob.user, "and the next");
    await hears(his, "and the next");
    await showsSent(again, bob.user, "and the next");
    assert.deepEqual(await shown(again, bob.user), ["sent: once only", "sent: and the next"]);
    assert.deepEqual(await heardBodies(his), ["once only", "and the next"]);
  });

  test("who reloads while others write misses nothing and shows nothing twice", async (t) => {
    const { ann, bob, hers, his } = await pair(t, where);
    await send(hers, bob.user, "before");
    await hears(his, "before");
    const room = await his.evaluate((user) => gate.conversation({ to: user }).load().then(() => gate.conversation({ to: user }).id), ann.user);
    await his.close();
    for (const body of ["while away 1", "while away 2"]) await send(hers, bob.user, body);
    await showsSent(hers, bob.user, "while away 2");
    const again = await bob.uses();
    await live(again);
    await again.evaluate((id) => gate.conversation(id).load(), room);
    await send(hers, bob.user, "after");
    await hears(again, "after");
    await again.waitForFunction((id) => gate.conversation(id).entries.at(-1)?.body === "after", room, { polling: 20 });
    const bodies = await again.evaluate((id) => gate.conversation(id).entries.map(({ body }) => body), room);
    assert.deepEqual(bodies, ["before", "while away 1", "while away 2", "after"]);
    const heard = await heardBodies(again);
    assert.equal(new Set(heard).size, heard.length, `${heard}`);
  });

  for (const transport of ["poll", "sse", "ws"]) {
    test(`without a network both sides wait, and catch up at once when it is back, ${transport}`, async (t) => {
      const { ann, bob, hers, his } = await pair(t, where, { transport });
      await send(hers, bob.user, "before");
      await hears(his, "before");

      await bob.context.setOffline(true);
      await his.waitForFunction(() => gate.connectionInfo().state === "offline", null, { polling: 20 });
      for (const n of [1, 2, 3]) await send(hers, bob.user, `missed ${n}`);
      await showsSent(hers, bob.user, "missed 3");
      await send(his, ann.user, "written offline");
      assert.deepEqual((await shown(his, ann.user)).at(-1), "sending: written offline");

      const began = performance.now();
      await bob.context.setOffline(false);
      await hears(his, "missed 3");
      const { median } = figure(t, `online to what was missed, ${transport}, ${where.pair}`, [performance.now() - began]);
      assert.ok(median < 3000, `${median} ms`);
      await hears(hers, "written offline");
      assert.deepEqual((await heardBodies(his)).filter((body) => body !== "written offline"), ["before", "missed 1", "missed 2", "missed 3"]);
      assert.equal((await heardBodies(hers)).filter((body) => body === "written offline").length, 1);
    });
  }
});
