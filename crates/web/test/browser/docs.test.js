/** The page that shows the API, in a real browser against the real gateway. */

import assert from "node:assert/strict";
import { resolve } from "node:path";
import { after, before, test } from "node:test";

import { Gateway } from "./gateway.js";
import { launch } from "./people.js";

const SCREENSHOTS = resolve(import.meta.dirname ?? ".", "../../../../target/screenshots");
/** The page brings a large library, which a busy machine takes its time to unfold. */
const PATIENCE_MS = 120_000;
const SIZES = { desktop: { width: 1180, height: 900 }, phone: { width: 390, height: 844 } };

let browser;
let gateway;

before(async () => {
  browser = await launch();
  gateway = await Gateway.started();
});

after(async () => {
  await browser?.close();
  await gateway?.remove();
});

/** The page, what it complained about, and which hosts it asked. */
async function open(size = "desktop", colorScheme = "light") {
  const context = await browser.newContext({ viewport: SIZES[size], colorScheme });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const complaints = [];
  const elsewhere = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (line) => ["error", "warning"].includes(line.type()) && complaints.push(line.text()));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol !== "data:" && url.origin !== gateway.url) elsewhere.push(request.url());
  });
  await page.goto(`${gateway.url}/docs`);
  await page.locator("#operations-sending-sendMessage").waitFor();
  return { page, complaints, elsewhere, close: () => context.close() };
}

async function authorize(page, token) {
  await page.locator(".auth-wrapper .authorize").first().click();
  const dialog = page.locator(".dialog-ux");
  await dialog.locator("#auth-bearer-value").fill(token);
  await dialog.locator(".auth-container", { has: page.locator("#auth-bearer-value") }).locator(".modal-btn.authorize").click();
  await dialog.locator(".close-modal").click();
}

/** Unfolds an operation and executes it; the status and the body that the page shows. */
async function execute(page, id, fill = async () => {}) {
  const operation = page.locator(`#${id}`);
  await operation.locator(".opblock-summary-control").click();
  await fill(operation);
  await operation.locator(".btn.execute").click();
  const answer = operation.locator(".live-responses-table .response");
  await answer.waitFor();
  return {
    status: (await answer.locator(".response-col_status").innerText()).trim().slice(0, 3),
    body: JSON.parse(await answer.locator(".highlight-code pre, .highlight-code code").first().innerText()),
  };
}

test("a reader tries the API with a token, from this host alone", async () => {
  const { page, complaints, elsewhere, close } = await open();
  await authorize(page, gateway.token("ann"));
  const sent = await execute(page, "operations-sending-sendMessage", (operation) =>
    operation.locator("textarea.body-param__text").fill('{"to":"bob","body":"from the docs"}'));
  assert.equal(sent.status, "201");
  assert.equal(sent.body.sender, "ann");
  assert.equal(sent.body.body, "from the docs");
  const polled = await execute(page, "operations-receiving-poll");
  assert.equal(polled.status, "200");
  assert.ok(Array.isArray(polled.body.events));
  assert.deepEqual(complaints, []);
  assert.deepEqual(elsewhere, []);
  const kept = await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]);
  assert.deepEqual(kept, [0, 0, ""], "the token outlives the page");
  await close();
});

test("every operation of the document stands on the page", async () => {
  const { page, complaints, close } = await open();
  const document = await (await fetch(`${gateway.url}/openapi.json`)).json();
  const described = Object.values(document.paths).flatMap((item) => Object.values(item)).map(
    ({ tags, operationId }) => `operations-${tags[0]}-${operationId}`,
  );
  const shown = await page.locator(".opblock").evaluateAll((blocks) => blocks.map((block) => block.id));
  assert.deepEqual(shown.sort(), described.sort());
  assert.deepEqual(complaints, []);
  await close();
});

for (const size of Object.keys(SIZES)) {
  for (const colorScheme of ["light", "dark"]) {
    test(`the page fits a ${size}, ${colorScheme}`, async () => {
      const { page, complaints, elsewhere, close } = await open(size, colorScheme);
      const photograph = async (name) => {
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(width <= SIZES[size].width, `${name} is ${width} wide`);
        const path = `${SCREENSHOTS}/${name}-${size}-${colorScheme}.png`;
        await page.screenshot({ path, animations: "disabled", timeout: PATIENCE_MS });
      };
      await photograph("docs");
      const operation = page.locator("#operations-sending-publishEvent");
      await operation.locator(".opblock-summary-control").click();
      await operation.locator(".responses-table").waitFor();
      await operation.scrollIntoViewIfNeeded();
      await photograph("docs-operation");
      assert.deepEqual(complaints, []);
      assert.deepEqual(elsewhere, []);
      await close();
    });
  }
}
