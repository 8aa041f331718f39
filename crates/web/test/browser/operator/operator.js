/** Somebody who runs a gateway, at its operator page. */

import { Person } from "../people.js";

/**
 * @param {import("node:test").TestContext} t
 * @param {{browser: import("playwright-core").Browser, gateway: import("../gateway.js").Gateway}} where
 * @param {Parameters<typeof Person.at>[3]} [options]
 */
export function operator(t, { browser, gateway }, options) {
  const url = `http://${gateway.operator}`;
  const token = (user) => gateway.token(user, { scope: "operator" });
  return Person.at(t, { browser, gateway: /** @type {any} */ ({ url, token }) }, "operator", options);
}

/** The page, signed in by its link, when it is live. @param {Person} person @param {string} [fragment] */
export async function opened(person, fragment = `#token=${person.token}`) {
  const page = await person.opens(`/${fragment}`);
  await isLive(page);
  return page;
}

/** @param {import("playwright-core").Page} page */
export const isLive = (page) => page.locator('.live[data-standing="live"]').waitFor();

/** A tile by its title. @param {import("playwright-core").Page} page @param {string} title */
export const tile = (page, title) => page.locator(".tile", { has: page.getByRole("heading", { name: title, exact: true }) });

/** Waits until a tile shows a number of which this is true. @param {import("playwright-core").Page} page @param {string} title @param {number} least */
export const shows = (page, title, least) =>
  page.waitForFunction(
    ({ title, least }) => {
      const tiles = [...document.querySelectorAll(".tile")].filter((one) => one.querySelector("h3")?.textContent === title);
      return tiles.length === 1 && parseFloat(tiles[0].querySelector(".value")?.textContent.replaceAll(",", "") ?? "") >= least;
    },
    { title, least },
    { polling: 100 },
  );

/**
 * People who write to each other and poll, until it is stopped.
 * @param {import("node:test").TestContext} t
 * @param {import("../gateway.js").Gateway} gateway
 */
export function traffic(t, gateway, users = ["ann", "bob"]) {
  let over = false;
  const reads = async (user) => {
    for (let cursor = ""; !over; ) {
      const answer = await gateway.call(user, "GET", `/v1/poll?cursor=${cursor}&wait=2`).catch(() => null);
      cursor = answer?.cursor ?? "";
    }
  };
  const writes = async () => {
    while (!over) await gateway.backend("POST", "/v1/messages", { from: users[0], to: users[1], body: "hi" }).catch(() => null);
  };
  const all = Promise.all([...users.map(reads), writes()]);
  const stop = async () => {
    over = true;
    await all;
  };
  t.after(stop);
  return stop;
}
