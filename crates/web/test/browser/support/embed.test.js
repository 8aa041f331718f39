/** The widget in somebody else's shop: another origin, one script tag, a policy of the shop's own. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { onePair } from "../everypair.js";
import { name, Person } from "../people.js";
import { Agent, DESK, Visitor } from "./pages.js";

let shop;
let page;

before(async () => {
  shop = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://shop");
    if (pathname === "/chat-token") return void response.end(page.token);
    if (pathname !== "/") return void response.writeHead(204).end(); // a browser asks for an icon by itself
    response.writeHead(200, { "content-type": "text/html; charset=utf-8", "content-security-policy": page.policy });
    response.end(page.html);
  }).listen(0, "127.0.0.1");
  await once(shop, "listening");
});

after(() => shop?.close());

onePair((where) => {
  test("a shop embeds it with one script tag and without a change of its own look", async (t) => {
    const origin = `http://127.0.0.1:${shop.address().port}`;
    await where.gateway.kill();
    await where.gateway.start({ POLLGATE_HTTP__CORS_ORIGINS: JSON.stringify([origin]) });
    const { url } = where.gateway;
    const [vera, dora] = await Promise.all(["vera", "dora"].map((base) => Person.at(t, where, name(base), { origins: [origin] })));
    page = {
      // what a shop must let in: the gateway's scripts and requests, and previews of pictures
      policy: `default-src 'self'; script-src ${url}; connect-src 'self' ${url} ${url.replace("http", "ws")}; img-src 'self' blob: data:; style-src 'self'`,
      html: `<!doctype html><html lang="en"><title>A shop</title><h1>Lamps</h1><p id="price">12 crowns</p>
        <script type="module" src="${url}/demo/support/widget.js" data-token-url="/chat-token" data-desk="${DESK}" data-title="Halden help"></script></html>`,
      token: vera.token,
    };
    const shopPage = await vera.context.newPage();
    await shopPage.goto(origin);
    const look = () => shopPage.evaluate(() => ["h1", "#price"].map((one) => {
      const { font, color, margin } = getComputedStyle(document.querySelector(one));
      return [font, color, margin];
    }));
    const before = await look();
    const visitor = new Visitor(shopPage);
    await visitor.launcher.waitFor();
    assert.deepEqual(await look(), before);

    const hers = await Agent.of(dora);
    await visitor.opens();
    await visitor.write("Do you ship to Norway?");
    const room = await visitor.room();
    await hers.item(room).waitFor();
    await hers.looksAt(room);
    await hers.button("Take").click();
    await hers.write("We do");
    await visitor.says("We do").waitFor();
    await visitor.photograph("embedded");
  });
});
