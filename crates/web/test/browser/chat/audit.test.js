/** Every state of the chat page: accessible, fitting, in both schemes; and a picture of each to look at. */

import { test } from "node:test";

import { audit } from "../audit.js";
import { onePair } from "../everypair.js";
import { noise, png } from "../files.js";
import { name, Person, SIZES } from "../people.js";
import { Chat, two } from "./page.js";

const people = { Person, name };
const GONE = [/net::ERR_/, /status of (403|50\d|401)/];

/** Both sizes: what is on the page differs. */
async function examine(chat, title) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    await chat.page.setViewportSize(viewport);
    await audit(chat.page, `${title} on a ${size}`);
  }
  await chat.photograph(title);
  await chat.page.setViewportSize(SIZES.desktop);
}

onePair((where) => {
  test("the landing page", async (t) => {
    const ann = await Person.at(t, where, name("ann"));
    await examine(new Chat(ann, await ann.opens("/demo/")), "landing");
    await examine(new Chat(ann, await ann.opens(`/demo/#ann=${where.gateway.token("ann")}&bob=${where.gateway.token("bob")}`)), "landing-signed-in");
  });

  test("nobody signed in, nothing there yet, and nobody chosen", async (t) => {
    const ann = await Person.at(t, where, name("ann"));
    const nobody = new Chat(ann, await ann.opens("/demo/chat/"));
    await nobody.page.getByRole("heading", { name: "Nobody is signed in" }).waitFor();
    await examine(nobody, "nobody");
    const empty = await Chat.of(ann);
    await empty.live();
    await examine(empty, "empty");
  });

  test("a room with everything: days, files, links, replies, failures, somebody typing", async (t) => {
    const { ann, bob, hers, his, room } = await two(t, where, people, { expects: GONE, query: "&transport=poll" });
    const say = (user, body, more = {}) => where.gateway.call(user, "POST", "/v1/messages", { room, body, ...more });
    const question = await say(bob.user, "Have you seen https://example.org/a/very/long/address/that/goes/on/and/on/and/has/no/end?");
    await say(ann.user, "I have, and I must say: ".padEnd(400, "it goes on "), { reply_to: question.id });
    const group = await where.gateway.call(bob.user, "POST", "/v1/rooms", { name: "Harbour walk on Saturday, with everybody who wants to come", members: [ann.user] });
    await where.gateway.call(bob.user, "POST", "/v1/messages", { room: group.id, body: "who comes along?" });
    const form = new FormData();
    form.append("file", new File([png(320, 200, noise(320 * 200 * 3))], "harbour.png", { type: "image/png" }));
    const upload = await fetch(`${where.gateway.url}/v1/attachments`, { method: "POST", headers: { authorization: `Bearer ${bob.token}` }, body: form });
    await say(bob.user, "", { attachments: [(await upload.json()).id] });
    await examine(hers, "list");
    await Promise.all([hers, his].map((chat) => chat.opens(room)));
    await hers.log.locator("img").first().waitFor();
    await hers.page.route("**/v1/messages", (route) => route.fulfill({ status: 403, contentType: "application/problem+json", body: '{"code":"forbidden","status":403,"title":"Forbidden","detail":"not just now","type":"about:blank"}' }));
    await hers.write("this one fails");
    await hers.message("this one fails", "failed").waitFor();
    await his.text.pressSequentially("an answer is com");
    await hers.page.getByRole("main").getByText(/typing/i).first().waitFor();
    await examine(hers, "room");
  });

  for (const [title, button, dialog] of [
    ["new-message", "New message", "New message"], ["new-group", "New group", "New group"],
    ["shortcuts", "Keyboard shortcuts", /shortcuts/i],
  ]) {
    test(`the dialog ${title}: open, and Escape closes it and gives the focus back`, async (t) => {
      const ann = await Person.at(t, where, name("ann"));
      const chat = await Chat.of(ann);
      await chat.live();
      const opener = chat.page.getByRole("button", { name: button, exact: true }).first();
      await opener.click();
      const open = chat.page.getByRole("dialog", { name: dialog });
      await open.waitFor();
      await examine(chat, title);
      await chat.page.keyboard.press("Escape");
      await open.waitFor({ state: "detached" }).catch(() => open.waitFor({ state: "hidden" }));
      await chat.page.waitForFunction((name) => (document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? "").includes(name), button);
    });
  }

  test("the details of a group, and the menu of a message", async (t) => {
    const { ann, bob, hers } = await two(t, where, people);
    const group = await where.gateway.call(bob.user, "POST", "/v1/rooms", { name: "Harbour walk", members: [ann.user] });
    await where.gateway.call(ann.user, "POST", "/v1/messages", { room: group.id, body: "I do" });
    await hers.opens(group.id);
    await hers.message("I do").hover();
    await hers.message("I do").getByRole("button", { name: "More actions" }).click();
    await hers.page.getByRole("menuitem").first().waitFor();
    await audit(hers.page, "menu");
    await hers.photograph("menu", { desktop: SIZES.desktop });
    await hers.page.keyboard.press("Escape");
    await hers.page.getByRole("button", { name: "Room details" }).click();
    await hers.page.getByRole("dialog", { name: "Room details" }).waitFor();
    await examine(hers, "details");
  });

  test("the gateway is away, and the sign-in has ended", async (t) => {
    const { hers, room } = await two(t, where, people, { expects: GONE });
    await hers.opens(room);
    await where.gateway.kill();
    await hers.state("waiting");
    await examine(hers, "away");
    await where.gateway.start();
    await hers.live();
    const gil = await Person.at(t, where, name("gil"), { expects: GONE });
    gil.token = "nonsense";
    const out = await Chat.of(gil);
    await out.state("signed-out");
    await examine(out, "signed-out");
  });
});
