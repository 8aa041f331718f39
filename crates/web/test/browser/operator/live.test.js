/** The operator page lives: its numbers move, and it says when they do not. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { everyPair, onePair } from "../everypair.js";
import { isLive, opened, operator, shows, tile, traffic } from "./operator.js";

everyPair((where) => {
  test("numbers move while messages flow", async (t) => {
    const person = await operator(t, where);
    const page = await opened(person);
    const stop = traffic(t, where.gateway);
    await shows(page, "Messages sent", 1);
    await shows(page, "Deliveries", 1);
    await shows(page, "Held polls", 1);
    await page.locator(".tile .spark path").first().waitFor();
    assert.equal(await tile(page, "Database").locator(".value").innerText(), "Up");
    const broker = where.pair === "embedded" ? "Broker, in this process" : "RabbitMQ";
    assert.equal(await tile(page, broker).locator(".value").innerText(), "Up");
    // every plot is drawn, and its legend bears numbers
    await page.waitForFunction(() => document.querySelectorAll(".chart canvas").length === 8);
    assert.match(await page.locator("#chart-rates figcaption").innerText(), /Sent\s*[\d.,]+/);
    const own = page.locator("#instances tbody tr");
    assert.equal(await own.count(), 1);
    assert.match(await own.innerText(), /this one[\s\S]*At work/);
    await stop();
    // and back to rest
    await page.waitForFunction(() => document.querySelector(".tile .value")?.textContent === "0", null, { polling: 200 });
  });

  test("a gateway that is away is said, and the page comes back by itself", async (t) => {
    const person = await operator(t, where, { expects: [/Failed to load resource/, /net::ERR/] });
    const page = await opened(person);
    await where.gateway.kill();
    await page.locator('.live[data-standing="away"]').waitFor();
    assert.match(await page.title(), /^Not live/);
    assert.match(await page.locator("#findings").innerText(), /hears nothing from the gateway/);
    await where.gateway.start();
    await isLive(page);
    await page.locator("#findings .calm").waitFor();
  });

  test("a gateway that stops says so before it goes", async (t) => {
    const person = await operator(t, where, { expects: [/Failed to load resource/, /net::ERR/] });
    const page = await opened(person);
    const seen = page.waitForFunction(() => {
      const shown = document.querySelector(".live")?.getAttribute("data-standing");
      return shown === "draining" || shown === "away";
    }, null, { polling: "raf" });
    await where.gateway.stop();
    await seen;
    await page.locator('.live[data-standing="away"]').waitFor();
    await where.gateway.start();
    await isLive(page);
  });
});

onePair((where) => {
  test("five minutes or an hour, by a switch; the pointer is shared by all plots", async (t) => {
    const person = await operator(t, where);
    const page = await opened(person);
    await page.waitForFunction(() => document.querySelectorAll(".chart canvas").length === 8);
    const hour = page.getByRole("button", { name: "1 hour" });
    await hour.click();
    assert.equal(await hour.getAttribute("aria-pressed"), "true");
    await page.getByRole("button", { name: "5 min" }).click();
    assert.equal(await hour.getAttribute("aria-pressed"), "false");
    // two lines at least, so that there is something to point at
    await page.waitForFunction(() => /\d/.test(document.querySelector("#chart-held .key b")?.textContent ?? ""));
    const box = await page.locator("#chart-held .u-over").boundingBox();
    await page.mouse.move(box.x + box.width - 4, box.y + 20);
    await page.waitForFunction(() => [...document.querySelectorAll(".chart-time")].every((one) => /\d/.test(one.textContent)), null, { polling: 100 });
  });

  test("the colours chosen stay, and the plots follow", async (t) => {
    const person = await operator(t, where);
    const page = await opened(person);
    await page.getByRole("button", { name: "Dark colours" }).click();
    await page.getByRole("button", { name: "Light colours" }).waitFor();
    await page.reload();
    await isLive(page);
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
    await page.getByRole("button", { name: "Light colours" }).click();
    await page.getByRole("button", { name: "Dark colours" }).waitFor();
  });
});
