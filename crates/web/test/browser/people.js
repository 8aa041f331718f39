/** People at browsers: a context each, watched for whatever a page complains about. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

import { freePort } from "./gateway.js";
import { leaves } from "./leftovers.js";

const SCREENSHOTS = fileURLToPath(new URL("../../../../target/screenshots", import.meta.url));
/** How long a fact is waited for: slow machines are slow, and what never comes fails all the same. */
export const PATIENCE_MS = 30_000;
const LAUNCH_MS = 120_000;
const ARGUMENTS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];
export const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };
/** An address of the gateway's that is no page of ours: what is imported there is the library alone. */
const BLANK = "/client/pollgate.js";

/** @param {import("playwright-core").LaunchOptions} [options] */
export async function launch(options = {}) {
  await mkdir(SCREENSHOTS, { recursive: true });
  const executablePath = process.env.CHROMIUM_BIN ?? "/usr/bin/chromium";
  // the driver would end the process by itself, before everything else is removed
  const ours = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false };
  const browser = await chromium.launch({ executablePath, args: ARGUMENTS, timeout: LAUNCH_MS, ...ours, ...options });
  browser.on("disconnected", leaves(() => browser.close()));
  return browser;
}

async function ownContext(browser) {
  const context = await browser.newContext({ viewport: SIZES.desktop, colorScheme: "light" });
  return { context, close: () => context.close() };
}

/**
 * A context whose pages are treated as people's are. In all others the driver has every page seen and focused, so that
 * none is ever hidden, and none can be frozen.
 */
async function plainContext() {
  const port = await freePort();
  const launched = await launch({ args: [...ARGUMENTS, `--remote-debugging-port=${port}`] });
  const browser = await chromium.connectOverCDP(`http://127.0.0.1:${port}`, { noDefaults: true });
  const close = () => browser.close().finally(() => launched.close());
  return { context: browser.contexts()[0], close };
}

/** A name that nobody else has. */
export const name = (base) => `${base}-${randomUUID().slice(0, 8)}`;

/** Somebody at a browser of their own. */
export class Person {
  /** Errors of pages, errors on their consoles, and what their policy refused. @type {string[]} */
  complaints = [];
  /** Requests of all pages: the method, the path with the query, and when. @type {{method: string, path: string, at: number}[]} */
  requests = [];
  /** Requests that went to another host. @type {string[]} */
  elsewhere = [];

  /**
   * @param {import("node:test").TestContext} t
   * @param {{browser: import("playwright-core").Browser, gateway: import("./gateway.js").Gateway}} where
   * @param {string} user
   * @param {{expects?: RegExp[], origins?: string[], plain?: boolean}} [options]
   *   `expects`: complaints that belong to the test, such as those about a gateway that is down; `origins`: other
   *   hosts that pages may ask; `plain`: a browser of one's own, where pages are hidden when another is in front
   */
  static async at(t, { browser, gateway }, user, { expects = [], origins = [], plain = false } = {}) {
    const person = new Person();
    Object.assign(person, { user, gateway, token: gateway.token(user) });
    const { context, close } = plain ? await plainContext() : await ownContext(browser);
    person.context = context;
    context.setDefaultTimeout(PATIENCE_MS);
    person.#watch(context, origins);
    t.after(async () => {
      if (process.env.POLLGATE_WEB_LOOK) await person.#photographAll(t.name);
      await close();
      const unexpected = person.complaints.filter((text) => !expects.some((pattern) => pattern.test(text)));
      assert.deepEqual(unexpected, [], `${user}'s pages complain`);
      assert.deepEqual(person.elsewhere, [], `${user}'s pages ask other hosts`);
    });
    return person;
  }

  #watch(context, origins) {
    context.on("weberror", (error) => this.complaints.push(String(error.error())));
    context.on("console", (line) => {
      if (line.type() !== "error") return;
      const { url } = line.location();
      if (url.endsWith("/favicon.ico")) return; // the blank page names none; pages of ours do
      this.complaints.push(url ? `${line.text()} (${new URL(url, this.gateway.url).pathname})` : line.text());
    });
    context.on("request", (request) => {
      const url = new URL(request.url());
      if (["data:", "blob:"].includes(url.protocol)) return;
      if (origins.includes(url.origin)) return;
      if (url.origin !== this.gateway.url) return void this.elsewhere.push(request.url());
      this.requests.push({ method: request.method(), path: url.pathname + url.search, at: Date.now() });
    });
  }

  /** What is to be seen on each page now. */
  async #photographAll(title) {
    for (const [n, page] of this.context.pages().entries()) {
      const path = `${SCREENSHOTS}/left/${title.replaceAll(/\W+/g, "-").slice(0, 60)}-${this.user}-${n}.png`;
      await page.screenshot({ path, timeout: 2000 }).catch(() => {}); // it may have crashed, which is what the test wanted
    }
  }

  /** Requests to the API whose path begins with `prefix`. */
  asked(prefix = "/v1/") {
    return this.requests.filter(({ path }) => path.startsWith(prefix));
  }

  /** A page of the gateway's. @param {string} path */
  async opens(path) {
    const page = await this.context.newPage();
    await page.goto(`${this.gateway.url}${path}`);
    return page;
  }

  /**
   * A page with nothing but the library, which stands there as `gate`; `heard` collects its events.
   * @param {object} [options] further options of the library
   */
  async uses(options = {}) {
    const page = await this.opens(BLANK);
    await page.evaluate(begin, { user: this.user, token: this.token, ...options });
    return page;
  }
}

/** In the page: the library, started. */
async function begin(options) {
  const { Pollgate } = await import("/client/pollgate.js");
  const now = () => performance.timeOrigin + performance.now();
  const gate = new Pollgate(options);
  Object.assign(globalThis, { gate, now, heard: [], connections: [], Pollgate });
  gate.addEventListener("event", ({ detail }) => heard.push({ ...detail, seenAt: now() }));
  gate.addEventListener("connection", ({ detail }) => connections.push({ ...detail, at: now() }));
  gate.start();
}

/** Waits until the library in a page is connected. @param {import("playwright-core").Page} page */
export const live = (page) =>
  page.waitForFunction(() => gate.connectionInfo().state === "live", null, { polling: 20 });

/** Bodies of the messages that a page has heard of, each as often as it came. */
export const heardBodies = (page) =>
  page.evaluate(() => heard.filter(({ type }) => type === "message.created").map(({ data }) => data.body));

/** Waits until a page has heard a message. */
export const hears = (page, body) =>
  page.waitForFunction((text) => heard.some(({ data }) => data?.body === text), body, { polling: 20 });

/** A page as it looks now: both sizes, both schemes; it must fit. @param {import("playwright-core").Page} page */
export async function photograph(page, title, sizes = SIZES) {
  const before = page.viewportSize();
  for (const [size, viewport] of Object.entries(sizes)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= viewport.width, `${title} on a ${size} is ${width} wide`);
      await page.screenshot({ path: `${SCREENSHOTS}/${title}-${size}-${colorScheme}.png`, animations: "disabled" });
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(before ?? SIZES.desktop);
}
