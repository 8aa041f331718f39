/** Several gateways on one operator page. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { PAIRS, backends } from "../backends.js";
import { Gateway } from "../gateway.js";
import { launch, photograph } from "../people.js";
import { isLive, opened, operator, shows, traffic } from "./operator.js";

// the embedded pair is one process
describe("production", { skip: !PAIRS.includes("production"), timeout: 600_000 }, () => {
  let browser, shared, one, other;

  before(async () => {
    browser = await launch();
    shared = await backends("production");
    // on the same database and broker; tokens are signed for the first one alone, and only that one is asked
    one = await Gateway.started({ env: shared.env });
    other = await Gateway.started({ env: shared.env });
  });

  after(async () => {
    await browser?.close();
    await Promise.all([one?.remove(), other?.remove()]);
    await shared?.remove();
  });

  test("all are seen, summed up, and one that stops is said to have stopped", async (t) => {
    traffic(t, one, ["ann", "bob"]);
    const person = await operator(t, { browser, gateway: one });
    const page = await opened(person);
    await page.waitForFunction(() => document.querySelectorAll("#instances tbody tr").length === 2);
    await shows(page, "Messages sent", 1);
    await page.locator("#instances tfoot", { hasText: "All 2 together" }).waitFor();
    await page.getByText("Polls, all gateways").waitFor();
    await photograph(page, "operator-gateways");
    const row = page.locator("#instances tbody tr", { hasText: other.operator });
    await row.getByText("At work").waitFor();
    assert.equal(await row.getByRole("link").getAttribute("href"), `http://${other.operator}/`);
    await other.stop();
    await row.getByText("Stopped").waitFor();
    await page.waitForFunction(() => document.querySelector("#instances tfoot") === null);
    assert.equal(await page.locator('.finding[data-severity="bad"]').count(), 0);
    await isLive(page);
  });
});
