/** What the documentation shows as code for pages: run as it stands there, in a page of the gateway's origin. */

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { everyPair } from "./everypair.js";
import { Person } from "./people.js";

const DOCS = fileURLToPath(new URL("../../../../docs/", import.meta.url));
const ANSWER = "hello yourself";
const FENCE = /<!-- run in a browser -->\s*```js\n(.*?)```/gs;

/** All such pieces of code, each with its page. */
async function pieces() {
  const found = [];
  for (const page of (await readdir(DOCS)).filter((name) => name.endsWith(".md")).sort()) {
    const text = await readFile(DOCS + page, "utf8");
    for (const [index, [, code]] of [...text.matchAll(FENCE)].entries()) found.push({ place: `${page}, ${index + 1}`, code });
  }
  return found;
}

const all = await pieces();

test("there is code for pages in the documentation", () => {
  assert.ok(all.length >= 3, `${all.length} pieces`);
});

everyPair((where) => {
  for (const { place, code } of all) {
    test(`${place}: sends what it says, and hears of it`, async (t) => {
      // the code speaks for ann and writes to bob
      const ann = await Person.at(t, where, "ann");
      const [, body] = /body: "([^"]+)"/.exec(code) ?? [];
      assert.ok(body, `nothing is sent in\n${code}`);
      await ann.context.route("**/my/token", (route) => route.fulfill({ body: ann.token, contentType: "text/plain" }));
      await ann.context.route("**/of/my/own", (route) => route.fulfill({ body: "<!doctype html><title>mine</title><body>", contentType: "text/html" }));
      const page = await ann.context.newPage();
      await page.goto(`${where.gateway.url}/of/my/own`);
      // it says what it hears in the page, or on the console
      const heard = code.includes("document.body")
        ? page.waitForFunction((line) => document.body.textContent.includes(line), `bob: ${ANSWER}`)
        : page.waitForEvent("console", (line) => line.text() === ANSWER);
      await page.addScriptTag({ type: "module", content: code });
      const { gateway } = where;
      const stored = async () => (await gateway.call("bob", "GET", "/v1/rooms")).rooms[0]?.last_message?.text === body;
      while (!(await stored())) await pause(100);
      // what is said before its loop has begun is history: it is told what comes then
      const told = heard.then(() => true);
      do await gateway.backend("POST", "/v1/messages", { from: "bob", to: "ann", body: ANSWER });
      while (!(await Promise.race([told, pause(500)])));
    });
  }
});
