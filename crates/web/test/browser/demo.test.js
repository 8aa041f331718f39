/** The demo page in a real browser against the real gateway. */

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { after, before, test } from "node:test";

import { chromium } from "playwright-core";

import { Gateway } from "./gateway.js";

const SCREENSHOTS = resolve(import.meta.dirname ?? ".", "../../../../target/screenshots");
const PATIENCE_MS = 20_000;
const ARGUMENTS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];
const SIZES = { desktop: { width: 1180, height: 760 }, phone: { width: 390, height: 844 } };

let browser;
let gateway;

before(async () => {
  await mkdir(SCREENSHOTS, { recursive: true });
  gateway = await Gateway.make();
  await gateway.start();
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM_BIN ?? "/usr/bin/chromium",
    args: ARGUMENTS,
  });
});

after(async () => {
  await browser?.close();
  await gateway?.remove();
});

/** A page for two users nobody else has, and what it complained about. */
async function open(ann, bob) {
  const context = await browser.newContext({ viewport: SIZES.desktop, colorScheme: "light" });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (line) => line.type() === "error" && complaints.push(line.text()));
  await page.goto(`${gateway.url}/demo/#${ann}=${gateway.token(ann)}&${bob}=${gateway.token(bob)}`);
  const side = (user) => page.locator(`.pane[data-user="${user}"]`);
  return { page, complaints, ann: side(ann), bob: side(bob), close: () => context.close() };
}

const live = (pane) => pane.locator('.state[data-state="live"]').waitFor();

async function write(pane, text) {
  await pane.locator(".text").fill(text);
  await pane.locator(".text").press("Enter");
}

const message = (pane, text, state = "sent") => pane.locator(`.message[data-state="${state}"]`, { hasText: text });

/** Tables of screens: both sizes, both schemes. */
async function photograph(page, name) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of ["light", "dark"]) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme });
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= viewport.width, `${name} on a ${size} is ${width} wide`);
      await page.screenshot({ path: `${SCREENSHOTS}/${name}-${size}-${colorScheme}.png`, animations: "disabled" });
    }
  }
  await page.setViewportSize(SIZES.desktop);
}

test("what ann sends is in bob's pane at once, and bob's answer in ann's", async () => {
  const { page, complaints, ann, bob, close } = await open("ann", "bob");
  await Promise.all([live(ann), live(bob)]);
  await write(ann, "Good morning, Bob");
  await message(bob, "Good morning, Bob").waitFor();

  const began = performance.now();
  await write(ann, "The second one has no room to make: how fast is it?");
  await message(bob, "how fast is it").waitFor();
  const took = performance.now() - began;
  assert.ok(took < 1000, `${took} ms from Ann's key to Bob's screen`);

  await write(bob, "Fast enough that I can answer before you look up.");
  await message(ann, "Fast enough").waitFor();
  assert.equal(await ann.locator(".message").count(), 3);
  assert.equal(await bob.locator(".message").count(), 3);
  assert.deepEqual(complaints, []);
  assert.equal(new URL(page.url()).hash, "", "the tokens are still in the address");
  await photograph(page, "demo");
  await close();
});

test("a reload shows what was said before", async () => {
  const { page, complaints, ann, bob, close } = await open("cleo", "dan");
  await Promise.all([live(ann), live(bob)]);
  await write(ann, "Remember this");
  await message(bob, "Remember this").waitFor();
  await page.reload();
  await message(ann, "Remember this").waitFor();
  await message(bob, "Remember this").waitFor();
  await Promise.all([live(ann), live(bob)]);
  await write(bob, "I do");
  await message(ann, "I do").waitFor();
  assert.deepEqual(complaints, []);
  await close();
});

test("the loops outlive the gateway, and what could not be sent is sent again", async () => {
  const { page, complaints, ann, bob, close } = await open("eve", "finn");
  await Promise.all([live(ann), live(bob)]);
  await write(ann, "Before the crash");
  await message(bob, "Before the crash").waitFor();
  await gateway.kill();

  await write(ann, "Into the void");
  await message(ann, "Into the void", "failed").waitFor();
  await ann.locator('.state[data-state="waiting"]').waitFor();
  await photograph(page, "demo-outage");

  await gateway.start();
  await Promise.all([live(ann), live(bob)]);
  await message(ann, "Into the void", "failed").locator(".retry").click();
  await message(bob, "Into the void").waitFor();
  await message(ann, "Into the void").waitFor();
  await write(bob, "It came once");
  await message(ann, "It came once").waitFor();
  assert.equal(await message(bob, "Into the void").count(), 1);
  assert.equal(await message(bob, "Before the crash").count(), 1);
  const unexpected = complaints.filter((text) => !text.includes("net::ERR_"));
  assert.deepEqual(unexpected, []);
  await close();
});

test("without tokens the page says how to get some", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${gateway.url}/demo/`);
  await page.getByText("pollgate jwt --user ann").waitFor();
  assert.equal(await page.locator(".pane").count(), 0);
  await photograph(page, "demo-welcome");
  await context.close();
});

test("a token that is no good ends the loop and says so", async () => {
  const { page, close } = await open("gil", "hal");
  await page.evaluate(() => (location.hash = "#gil=nonsense&hal=nonsense"));
  await page.locator('.state[data-state="signed-out"]').first().waitFor();
  await close();
});
