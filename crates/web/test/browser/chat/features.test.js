/** Files, search, notifications, presence, keys, and the theme of the chat page. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { everyPair, onePair } from "../everypair.js";
import { noise, png } from "../files.js";
import { figure } from "../figures.js";
import { name, Person, SIZES } from "../people.js";
import { Chat, two } from "./page.js";

const people = { Person, name };

everyPair((where) => {
  test("a picture is previewed, sent with its progress, and seen by the other", async (t) => {
    const { hers, his, room } = await two(t, where, people);
    await Promise.all([hers, his].map((chat) => chat.opens(room)));
    const session = await hers.person.context.newCDPSession(hers.page);
    await session.send("Network.enable");
    const slow = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 700_000 };
    await session.send("Network.emulateNetworkConditions", slow);
    const progress = hers.page.getByRole("main").locator("progress, [role=progressbar]");
    await hers.page.evaluate(watchProgress);
    const chooses = hers.page.waitForEvent("filechooser");
    await hers.page.getByRole("button", { name: "Attach files" }).click();
    const picture = png(640, 480, noise(640 * 480 * 3));
    await (await chooses).setFiles({ name: "harbour.png", mimeType: "image/png", buffer: picture });
    await hers.page.getByRole("main").locator('img[src^="blob:"]').first().waitFor();
    await progress.first().waitFor();
    await hers.photograph(`upload-${where.pair}`, { desktop: SIZES.desktop });
    await hers.page.waitForFunction(() => globalThis.progress.some((share) => share > 0 && share < 1), null, { polling: 20 });
    await session.send("Network.emulateNetworkConditions", { ...slow, uploadThroughput: -1 });
    await hers.text.fill("the harbour");
    // nothing is sent before what goes with it is there
    await hers.page.waitForFunction(() => !document.querySelector(".composer-send").disabled);
    await hers.text.press("Enter");
    await his.message("the harbour").waitFor();
    const image = his.message("the harbour").locator("img").first();
    await image.waitFor();
    await his.page.waitForFunction((element) => element.complete && element.naturalWidth > 0, await image.elementHandle());
    assert.equal(await image.evaluate((element) => element.naturalWidth), 640);
    assert.notEqual(await image.getAttribute("alt"), null);
    const shares = await hers.page.evaluate(() => globalThis.progress);
    assert.deepEqual(shares, [...shares].sort((a, b) => a - b), "progress goes forward");
  });

  test("a file that is no picture is offered for saving, as it was", async (t) => {
    const { hers, his, room } = await two(t, where, people);
    await Promise.all([hers, his].map((chat) => chat.opens(room)));
    const chooses = hers.page.waitForEvent("filechooser");
    await hers.page.getByRole("button", { name: "Attach files" }).click();
    await (await chooses).setFiles({ name: "list.txt", mimeType: "text/plain", buffer: Buffer.from("eggs\nmilk\n") });
    await hers.page.getByRole("main").getByText("list.txt").first().waitFor();
    await hers.write("what we need");
    const message = his.message("what we need");
    await message.waitFor();
    const saved = his.page.waitForEvent("download");
    await message.getByRole("link", { name: /list\.txt/ }).or(message.getByRole("button", { name: /list\.txt/ })).first().click();
    const download = await saved;
    assert.equal(download.suggestedFilename(), "list.txt");
    assert.equal(await readFile(await download.path(), "utf8"), "eggs\nmilk\n");
  });

  test("words that were said long ago are found, and lead to where they were said", async (t) => {
    const { ann, bob, hers } = await two(t, where, people);
    const quiet = await where.gateway.backend("POST", "/v1/messages", { from: name("cleo"), to: ann.user, body: "The lighthouse keeper called" });
    for (let n = 0; n < 3; n += 1) await where.gateway.backend("POST", "/v1/messages", { from: bob.user, to: ann.user, body: `nothing ${n}` });
    await hers.page.getByRole("searchbox", { name: "Search rooms and messages" }).fill("lighthouse");
    const found = hers.page.getByRole("list", { name: "Messages found" });
    const began = performance.now();
    await found.getByText(/lighthouse/i).first().waitFor();
    figure(t, `chat: search, ${where.pair}`, [performance.now() - began]);
    await hers.photograph(`search-${where.pair}`);
    await found.getByRole("button").or(found.getByRole("link")).first().click();
    await hers.log.locator(`[data-seq="${quiet.seq}"]`, { hasText: "lighthouse" }).waitFor();
  });

  test("a group is made, named, talked in and left", async (t) => {
    const { ann, bob, hers, his } = await two(t, where, people);
    await hers.page.getByRole("button", { name: "New group" }).click();
    const dialog = hers.page.getByRole("dialog", { name: "New group" });
    await dialog.getByRole("textbox", { name: "Group name" }).fill("Harbour walk");
    const members = dialog.getByLabel("Members");
    await members.fill(bob.user);
    await members.press("Enter");
    await hers.photograph(`new-group-${where.pair}`, { desktop: SIZES.desktop });
    await dialog.getByRole("button", { name: /^(Create|Make|Start)/ }).click();
    await hers.page.getByRole("main").getByRole("button", { name: /^Harbour walk/ }).waitFor();
    await hers.write("who comes along?");
    await his.rooms.getByRole("button", { name: /^Harbour walk/ }).click();
    await his.message("who comes along?").waitFor();
    const { rooms } = await where.gateway.call(ann.user, "GET", "/v1/rooms?kind=group");
    assert.deepEqual(rooms.map((room) => [room.name, [...room.members].sort()]), [["Harbour walk", [ann.user, bob.user].sort()]]);
    await his.page.getByRole("button", { name: "Room details" }).click();
    await his.page.getByRole("dialog", { name: "Room details" }).getByRole("button", { name: "Leave group" }).click();
    const sure = his.page.getByRole("button", { name: /^Leave/ }).last();
    if (await sure.isVisible()) await sure.click();
    await his.rooms.getByRole("button", { name: /^Harbour walk/ }).waitFor({ state: "detached" });
  });

  test("who is sent away from a group that is open is told, and cannot go on writing to it", async (t) => {
    const { ann, bob, his } = await two(t, where, people);
    const group = await where.gateway.call(ann.user, "POST", "/v1/rooms", { name: "Surprise", members: [bob.user] });
    await where.gateway.call(ann.user, "POST", "/v1/messages", { room: group.id, body: "what do we give him?" });
    await his.opens(group.id);
    await his.message("what do we give him?").waitFor();
    await his.text.waitFor();
    await where.gateway.call(ann.user, "DELETE", `/v1/rooms/${group.id}/members/${bob.user}`);
    await his.page.getByText("You are not in this group any more").waitFor();
    await his.text.waitFor({ state: "detached" });
    assert.equal(new URL(his.page.url()).searchParams.get("room"), null);
    await his.room(group.id).waitFor({ state: "detached" });
  });
});

onePair((where) => {
  test("permission for notifications is asked for by a click alone, and one message rings once for all tabs", async (t) => {
    const ann = await Person.at(t, where, name("ann"));
    await ann.context.addInitScript(fakeNotifications);
    const [first, second] = [await Chat.of(ann), await Chat.of(ann)];
    await Promise.all([first, second].map((chat) => chat.live()));
    await where.gateway.backend("POST", "/v1/messages", { from: name("bob"), to: ann.user, body: "before the click" });
    await first.rooms.getByText("before the click").first().waitFor();
    assert.deepEqual(await first.page.evaluate(() => globalThis.asked), []);
    await first.page.getByRole("button", { name: "Turn on notifications" }).click();
    await first.page.waitForFunction(() => globalThis.asked.length === 1);
    assert.deepEqual(await first.page.evaluate(() => globalThis.asked), [true], "the page was being used when it asked");

    for (const { page } of [first, second]) await page.evaluate(() => globalThis.hide(true));
    await where.gateway.backend("POST", "/v1/messages", { from: name("cleo"), to: ann.user, body: "ring" });
    const rung = () => Promise.all([first, second].map(({ page }) => page.evaluate(() => globalThis.rung)));
    await Promise.any([first, second].map(({ page }) => page.waitForFunction(() => globalThis.rung.length > 0)));
    await Promise.all([first, second].map((chat) => chat.rooms.getByText("ring", { exact: true }).first().waitFor({ state: "attached" })));
    assert.deepEqual((await rung()).flat().map(({ body }) => body), ["ring"]);
  });

  test("who is online is shown, and who goes away", async (t) => {
    const { bob, hers, room } = await two(t, where, people);
    await hers.opens(room);
    const main = hers.page.getByRole("main");
    await main.getByText(/\bonline\b/i).first().waitFor();
    await bob.context.close();
    await main.getByText(/last seen|offline|away/i).first().waitFor();
  });

  test("dark mode is a button, and stays over a reload", async (t) => {
    const ann = await Person.at(t, where, name("ann"));
    const chat = await Chat.of(ann);
    await chat.live();
    const background = () => chat.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    await chat.page.getByRole("button", { name: "Switch to dark mode" }).click();
    await chat.page.waitForFunction((colour) => getComputedStyle(document.body).backgroundColor !== colour, light);
    const dark = await background();
    await chat.page.reload();
    await chat.live();
    assert.equal(await background(), dark);
    await chat.page.getByRole("button", { name: "Switch to light mode" }).click();
    await chat.page.waitForFunction((colour) => getComputedStyle(document.body).backgroundColor === colour, light);
  });

  test("the page is used by keys alone: to a room, a message, and its menu", async (t) => {
    const { his, hers, room } = await two(t, where, people);
    await his.opens(room);
    await hers.page.locator("body").press("Tab");
    const focused = () => hers.page.evaluate(() => document.activeElement?.getAttribute("data-room"));
    for (let key = 0; key < 30 && (await focused()) !== room; key += 1) await hers.page.keyboard.press("Tab");
    assert.equal(await focused(), room, "no Tab leads to the room");
    const outline = await hers.page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.notEqual(outline, "none", "one does not see where one is");
    await hers.page.keyboard.press("Enter");
    await hers.log.waitFor();
    await hers.text.focus();
    await hers.page.keyboard.type("line one");
    await hers.page.keyboard.press("Shift+Enter");
    await hers.page.keyboard.type("line two");
    await hers.page.keyboard.press("Enter");
    await his.message(/line one\s+line two/).waitFor();
    const own = hers.message("line two");
    await own.getByRole("button", { name: "More actions" }).focus();
    await hers.page.keyboard.press("Enter");
    await hers.page.getByRole("menuitem", { name: "Edit" }).waitFor();
    assert.equal(await hers.page.evaluate(() => document.activeElement?.getAttribute("role")), "menuitem");
    await hers.page.keyboard.press("Escape");
    await hers.page.getByRole("menuitem", { name: "Edit" }).waitFor({ state: "detached" });
    assert.match(await hers.page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? ""), /More actions/);
  });

  test("a message is changed and taken back, and both see it", async (t) => {
    const { hers, his, room } = await two(t, where, people);
    await Promise.all([hers, his].map((chat) => chat.opens(room)));
    await hers.write("see you at nice");
    await his.message("see you at nice").waitFor();
    const act = async (body, action) => {
      await hers.message(body).hover();
      await hers.message(body).getByRole("button", { name: "More actions" }).click();
      await hers.page.getByRole("menuitem", { name: action }).click();
    };
    await act("see you at nice", "Edit");
    await hers.page.keyboard.press("ControlOrMeta+A");
    await hers.page.keyboard.type("see you at nine");
    await hers.page.keyboard.press("Enter");
    await his.message("see you at nine").waitFor();
    assert.equal(await his.message("see you at nice").count(), 0);
    await act("see you at nine", "Delete");
    const sure = hers.page.getByRole("dialog").getByRole("button", { name: /delete/i });
    await sure.or(hers.log.getByText(/deleted/i)).first().waitFor();
    if (await sure.isVisible()) await sure.click();
    await his.log.getByText(/deleted/i).first().waitFor();
    assert.equal(await his.message("see you at nine").count(), 0);
  });

  test("on a phone one is in the list or in a room, and comes back", async (t) => {
    const { hers, room } = await two(t, where, people);
    await hers.page.setViewportSize(SIZES.phone);
    await hers.opens(room);
    await hers.text.waitFor();
    assert.equal(await hers.room(room).isVisible(), false);
    await hers.page.getByRole("button", { name: "Back to conversations" }).click();
    await hers.room(room).waitFor();
    assert.equal(await hers.log.isVisible(), false);
  });
}, { env: { POLLGATE_PRESENCE__OFFLINE_AFTER_MS: "2000", POLLGATE_POLL__LINGER_MS: "1000" } });

/** In the page: remembers each share that a progress bar has shown. */
function watchProgress() {
  globalThis.progress = [];
  const look = () => {
    for (const bar of document.querySelectorAll("progress, [role=progressbar]")) {
      const [value, most] = bar.tagName === "PROGRESS"
        ? [bar.value, bar.max]
        : [Number(bar.getAttribute("aria-valuenow")), Number(bar.getAttribute("aria-valuemax") ?? 100)];
      if (globalThis.progress.at(-1) !== value / most) globalThis.progress.push(value / most);
    }
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });
}

/** In the page: a Notification that can be looked at, and a page that can be hidden. */
function fakeNotifications() {
  globalThis.asked = [];
  globalThis.rung = [];
  globalThis.Notification = class extends EventTarget {
    static permission = "default";
    static requestPermission() {
      globalThis.asked.push(navigator.userActivation.isActive);
      this.permission = "granted";
      return Promise.resolve("granted");
    }
    constructor(title, options) {
      super();
      globalThis.rung.push({ title, ...options });
    }
    close() {}
  };
  globalThis.hide = (hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => (hidden ? "hidden" : "visible") });
    document.hasFocus = () => !hidden;
    document.dispatchEvent(new Event("visibilitychange"));
  };
}
