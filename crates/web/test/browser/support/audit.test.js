/** Every state of the widget and of the dashboard: accessible, fitting, in both schemes; and a picture of each. */

import { test } from "node:test";

import { audit } from "../audit.js";
import { onePair } from "../everypair.js";
import { name, Person, SIZES } from "../people.js";
import { Agent, Visitor } from "./pages.js";

const GONE = [/net::ERR_/, /status of (401|404|50\d)/];

async function examine(who, title) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    await who.page.setViewportSize(viewport);
    await audit(who.page, `${title} on a ${size}`);
  }
  await who.photograph(title);
  await who.page.setViewportSize(SIZES.desktop);
}

onePair((where) => {
  test("the shop, the chat when it opens, while it waits, with an answer, closed, and its list", async (t) => {
    const [vera, dora] = await Promise.all(["vera", "dora"].map((base) => Person.at(t, where, name(base))));
    const [visitor, hers] = await Promise.all([Visitor.of(vera), Agent.of(dora)]);
    await visitor.launcher.waitFor();
    await examine(visitor, "shop");
    await visitor.opens();
    await examine(visitor, "greeting");
    await visitor.write("Where is my parcel? It was to come on Tuesday, then on Thursday, and now it is Saturday.");
    const room = await visitor.room();
    await examine(visitor, "waiting");
    await hers.item(room).waitFor();
    await hers.looksAt(room);
    await hers.button("Take").click();
    await hers.write("It is on its way: https://example.org/parcels/1042");
    await visitor.says("It is on its way").waitFor();
    await examine(visitor, "answered");
    await hers.page.locator('[data-set-status="closed"]').click();
    await visitor.dialog.getByRole("button", { name: "Open again" }).waitFor();
    await examine(visitor, "closed");
    await visitor.dialog.getByRole("button", { name: "Previous conversations" }).click();
    await examine(visitor, "conversations");
  });

  test("the queue: empty, waiting, looked at, taken, handed over, closed", async (t) => {
    const [vera, dora] = await Promise.all(["vera", "dora"].map((base) => Person.at(t, where, name(base))));
    const [visitor, hers] = await Promise.all([Visitor.of(vera), Agent.of(dora)]);
    await hers.views("Mine");
    await examine(hers, "nothing");
    await visitor.opens();
    await visitor.write("Where is my parcel?");
    const room = await visitor.room();
    await hers.views("Waiting");
    await hers.item(room).waitFor();
    await examine(hers, "queue");
    await hers.looksAt(room);
    await hers.says("Where is my parcel?").waitFor();
    await examine(hers, "looking");
    await hers.button("Take").click();
    await hers.write("I shall ask the carrier");
    await visitor.says("I shall ask the carrier").waitFor();
    await examine(hers, "taken");
    await hers.button("Hand over").click();
    await hers.page.getByRole("dialog", { name: "Hand over" }).waitFor();
    await examine(hers, "hand-over");
    await hers.page.keyboard.press("Escape");
    await hers.page.locator('[data-set-status="closed"]').click();
    await visitor.dialog.getByRole("button", { name: "Open again" }).waitFor();
    await examine(hers, "closed");
  });

  test("nobody signed in, and nobody's desk", async (t) => {
    const gil = await Person.at(t, where, name("gil"), { expects: GONE });
    const nobody = new Agent(gil, await gil.opens("/demo/support/agents.html"));
    await nobody.page.getByText(/pollgate jwt|sign/i).first().waitFor();
    await examine(nobody, "nobody");
    const idle = new Agent(gil, await gil.opens(`/demo/support/agents.html#${gil.user}=${gil.token}`));
    await idle.page.waitForFunction(() => document.body.dataset.phase && document.body.dataset.phase !== "connecting");
    await examine(idle, "no-desk");
  });

  test("the gateway is away", async (t) => {
    const [vera, dora] = await Promise.all(["vera", "dora"].map((base) => Person.at(t, where, name(base), { expects: GONE })));
    const [visitor, hers] = await Promise.all([Visitor.of(vera), Agent.of(dora)]);
    await visitor.opens();
    await visitor.write("Hello?");
    const room = await visitor.room();
    await hers.item(room).waitFor();
    await where.gateway.kill();
    await visitor.write("Is anybody there?");
    await Promise.all([examine(visitor, "away"), examine(hers, "away")]);
    await where.gateway.start();
    await visitor.says("Is anybody there?").waitFor();
  });
});
