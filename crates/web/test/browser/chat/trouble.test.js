/** What the chat page does when things go wrong. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { everyPair, onePair } from "../everypair.js";
import { name, Person } from "../people.js";
import { Chat, two } from "./page.js";

const people = { Person, name };
/** Messages go over the WebSocket where there is one; these tests refuse the request. */
const POLL = "&transport=poll";
const GONE = [/net::ERR_/, /status of (403|50\d|401)/];

onePair((where) => {
  test("a message that is refused says so, and is sent when it is tried again", async (t) => {
    const { hers, his, room } = await two(t, where, people, { expects: GONE, query: POLL });
    await Promise.all([hers, his].map((chat) => chat.opens(room)));
    const refusal = { type: "about:blank", title: "Forbidden", status: 403, detail: "not just now", code: "forbidden" };
    await hers.page.route("**/v1/messages", (route) => route.fulfill({ status: 403, contentType: "application/problem+json", body: JSON.stringify(refusal) }));
    await hers.write("please go");
    const failed = hers.message("please go", "failed");
    await failed.waitFor();
    await hers.page.unroute("**/v1/messages");
    await failed.getByRole("button", { name: "Try again" }).click();
    await hers.message("please go").waitFor();
    await his.message("please go").waitFor();
    assert.equal(await his.message("please go").count(), 1);
    assert.equal(await hers.log.locator("[data-key]", { hasText: "please go" }).count(), 1);
  });

  test("a message that is refused can be thrown away, and stays away after a reload", async (t) => {
    const { hers, room } = await two(t, where, people, { expects: GONE, query: POLL });
    await hers.opens(room);
    await hers.page.route("**/v1/messages", (route) => route.fulfill({ status: 403, contentType: "application/problem+json", body: '{"code":"forbidden","status":403,"title":"Forbidden","detail":"no","type":"about:blank"}' }));
    await hers.write("never mind");
    await hers.message("never mind", "failed").getByRole("button", { name: "Discard" }).click();
    await hers.log.locator("[data-key]", { hasText: "never mind" }).waitFor({ state: "detached" });
    await hers.page.unroute("**/v1/messages");
    await hers.page.reload();
    await hers.live();
    if (!(await hers.log.isVisible())) await hers.opens(room);
    await hers.message("Good morning").waitFor();
    assert.equal(await hers.log.locator("[data-key]", { hasText: "never mind" }).count(), 0);
  });

  test("a correction that is not taken stays in the field until it is", async (t) => {
    const { hers, his, room } = await two(t, where, people, { expects: GONE, query: POLL });
    await Promise.all([hers, his].map((chat) => chat.opens(room)));
    await hers.write("see you at nice");
    await hers.message("see you at nice").waitFor();
    await hers.text.press("ArrowUp");
    await hers.page.getByText("Editing your message").waitFor();
    await hers.page.route("**/v1/rooms/*/messages/*", (route) => route.abort());
    await hers.write("see you at nine, as always");
    await hers.page.getByText("The message could not be changed").waitFor();
    assert.equal(await hers.text.inputValue(), "see you at nine, as always");
    await hers.page.unroute("**/v1/rooms/*/messages/*");
    await hers.text.press("Enter");
    await his.message("see you at nine, as always").waitFor();
    await hers.page.getByText("Editing your message").waitFor({ state: "detached" });
    assert.equal(await hers.text.inputValue(), "");
  });

  test("a file that cannot be uploaded is not left behind by the message, and can be sent after it", async (t) => {
    const { hers, his, room } = await two(t, where, people, { expects: GONE, query: POLL });
    await Promise.all([hers, his].map((chat) => chat.opens(room)));
    await hers.page.route("**/v1/attachments*", (route) => route.abort());
    const chooses = hers.page.waitForEvent("filechooser");
    await hers.page.getByRole("button", { name: "Attach files" }).click();
    await (await chooses).setFiles({ name: "contract.txt", mimeType: "text/plain", buffer: Buffer.from("we agree\n") });
    const again = hers.page.getByRole("button", { name: "Upload contract.txt again" });
    await again.waitFor();
    await hers.write("here is the contract");
    await hers.page.getByText("A file was not sent").waitFor();
    await his.message("here is the contract").waitFor();
    await hers.page.unroute("**/v1/attachments*");
    await again.click();
    await hers.page.locator('.upload[data-state="done"]').waitFor();
    await hers.write("now it is");
    await his.message("now it is").getByText("contract.txt").first().waitFor();
  });

  test("a token that is no good is said on the page", async (t) => {
    const ann = await Person.at(t, where, name("ann"), { expects: GONE });
    ann.token = "nonsense";
    const chat = await Chat.of(ann);
    await chat.state("signed-out");
  });
});

everyPair((where) => {
  test("offline is shown, what is written waits, and goes out by itself", async (t) => {
    const { ann, hers, his, room } = await two(t, where, people, { expects: GONE });
    await Promise.all([hers, his].map((chat) => chat.opens(room)));
    await ann.context.setOffline(true);
    await hers.state("offline");
    await hers.write("written on a train");
    await hers.message("written on a train", "sending").waitFor();
    await hers.photograph(`offline-${where.pair}`);
    await his.write("are you there?");
    await ann.context.setOffline(false);
    await hers.live();
    await hers.message("are you there?").waitFor();
    await his.message("written on a train").waitFor();
    await hers.message("written on a train").waitFor();
    assert.deepEqual((await hers.seqs()).sort((a, b) => a - b), [1, 2, 3]);
    assert.deepEqual(await his.seqs(), [1, 2, 3]);
  });

  test("the page outlives the gateway, and a message that was written meanwhile survives a reload", async (t) => {
    const { hers, his, room } = await two(t, where, people, { expects: GONE });
    await Promise.all([hers, his].map((chat) => chat.opens(room)));
    await where.gateway.kill();
    await hers.write("into the void");
    await hers.log.locator("[data-key]", { hasText: "into the void" }).waitFor();
    await hers.state("waiting");
    await hers.photograph(`outage-${where.pair}`);
    await where.gateway.start();
    await hers.page.reload();
    await Promise.all([hers, his].map((chat) => chat.live()));
    if (!(await hers.log.isVisible())) await hers.opens(room);
    await his.message("into the void").waitFor();
    await hers.message("into the void").waitFor();
    assert.equal(await his.message("into the void").count(), 1);
    assert.equal(await hers.log.locator("[data-key]", { hasText: "into the void" }).count(), 1);
  });
});
