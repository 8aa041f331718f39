import assert from "node:assert/strict";
import { test } from "node:test";

import { Uploads } from "../../../../../examples/pages/common/talk/uploads.js";
import { Correction, post } from "../../../../../examples/pages/common/talk/written.js";

const entry = { id: "m1", body: "old text" };

test("a correction is done when the gateway has it, and not before", async () => {
  const edits = [];
  let took;
  const conversation = { edit: (...edit) => (edits.push(edit), new Promise((done) => (took = done))) };
  const correction = new Correction(entry, "what was being written");
  let done = false;
  const saved = correction.save(conversation, "new text").then(() => (done = true));
  await Promise.resolve();
  assert.deepEqual([edits, correction.saving, done], [[["m1", "new text"]], true, false]);
  took();
  await saved;
  assert.deepEqual([correction.saving, correction.before], [false, "what was being written"]);
});

test("one that the gateway could not take says so, and can be sent again", async () => {
  let away = true;
  const conversation = { edit: async () => { if (away) throw new Error("away"); } };
  const correction = new Correction(entry, "");
  await assert.rejects(correction.save(conversation, "new text"), /away/);
  assert.equal(correction.saving, false);
  away = false;
  await correction.save(conversation, "new text");
});

test("what was not changed is not sent", async () => {
  await new Correction(entry, "").save({ edit: () => assert.fail("it was sent") }, "old text");
});

/** Files of which those called `bad` are refused. */
async function uploaded(...names) {
  const upload = async (file) => {
    if (file.name === "bad") throw new Error("away");
    return { id: `id-${file.name}`, name: file.name, media_type: "text/plain", size: 1 };
  };
  const uploads = new Uploads({ upload, loadFile: async () => new Blob([]) });
  uploads.add(names.map((name) => new File(["x"], name, { type: "text/plain" })));
  await new Promise((done) => setImmediate(done));
  return uploads;
}

test("what is uploaded goes with the message; what failed stays, and is named", async () => {
  const uploads = await uploaded("good", "bad");
  const sent = [];
  assert.deepEqual(post({ send: (draft) => sent.push(draft) }, uploads, { body: "both" }), ["bad"]);
  assert.deepEqual(sent.map(({ body, attachments }) => [body, attachments.map(({ id }) => id)]), [["both", ["id-good"]]]);
  assert.deepEqual(uploads.items.map(({ file, state }) => [file.name, state]), [["bad", "failed"]]);
  assert.deepEqual(post({ send: (draft) => sent.push(draft) }, uploads, { body: "again" }), ["bad"]);
  assert.deepEqual(sent[1].attachments, [], "no file is sent twice");
});

test("a message that cannot be sent leaves the files where they are", async () => {
  const uploads = await uploaded("good");
  assert.throws(() => post({ send: () => { throw new Error("full"); } }, uploads, { body: "" }), /full/);
  assert.deepEqual(uploads.results.map(({ id }) => id), ["id-good"]);
});
