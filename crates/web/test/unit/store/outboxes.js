/** Ann's tabs in one browser, with a database to keep what waits to be sent: for the tests of the outbox. */

import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { Browser, FakeGateway, fakeLocks, freezeTime, tab } from "./fakes.js";

/** The gateway, its room and the browser of the test that runs. */
export let gateway;
export let room;
let world;

/** Before each test. */
export function begin() {
  freezeTime();
  gateway = new FakeGateway();
  room = gateway.room(["ann", "bob"]);
  world = { browser: new Browser(), indexedDB: new IDBFactory(), lock: fakeLocks() };
}

export const sends = () => gateway.count("POST /v1/messages");
export const stored = () => gateway.messages.get(room.id).map(({ body }) => body);
export const states = (talk) => talk.entries.map(({ body, state }) => `${body} ${state}`);
export const offline = async ({ path }) => {
  if (path === "/v1/messages") throw Object.assign(new Error("The gateway cannot be reached"), { code: "network", status: 0 });
};

/** A tab that shows the room. */
export async function open(options = {}) {
  const one = tab(gateway, { ...world, ...options });
  const talk = one.gate.conversation(options.which ?? room.id);
  talk.addEventListener("change", () => {});
  await talk.load();
  return { ...one, talk };
}

/** Lets a tab die without a word. */
export function crash({ gate, link }) {
  gateway.links.delete(link);
  world.browser.links.delete(link);
  gate.stop();
}
