import assert from "node:assert/strict";
import { test } from "node:test";

import { MOST_FILES, partOf, Uploads, whyNot } from "../../../../../examples/pages/common/talk/uploads.js";
import { Pictures } from "../../../../../examples/pages/common/talk/pictures.js";

const file = (name, type = "text/plain") => new File(["content"], name, { type });

/** A gateway whose uploads end when the test says so. */
function slowGate() {
  const running = [];
  return {
    running,
    upload: (/** @type {File} */ one, /** @type {any} */ { onProgress, signal }) =>
      new Promise((done, fail) => {
        running.push({ name: one.name, onProgress, done: () => done({ id: `id-${one.name}`, name: one.name, media_type: one.type, size: one.size }), fail });
        signal.addEventListener("abort", () => fail(new DOMException("gone", "AbortError")));
      }),
    loadFile: async () => new Blob([]),
  };
}
const settled = () => new Promise((done) => setImmediate(done));

test("three at a time, in their order; all are handed over to the message", async () => {
  const gate = slowGate();
  const uploads = new Uploads(gate);
  uploads.add(["a", "b", "c", "d"].map((name) => file(name)));
  assert.deepEqual(gate.running.map(({ name }) => name), ["a", "b", "c"]);
  assert.equal(uploads.busy, true);
  gate.running[1].done();
  await settled();
  assert.deepEqual(gate.running.map(({ name }) => name), ["a", "b", "c", "d"]);
  for (const { done } of gate.running) done();
  await settled();
  assert.equal(uploads.busy, false);
  assert.deepEqual(uploads.take().map(({ id }) => id), ["id-a", "id-b", "id-c", "id-d"]);
  assert.deepEqual(uploads.items, []);
});

test("one that is taken away ends, makes room for the next and is not sent", async () => {
  const gate = slowGate();
  const uploads = new Uploads(gate);
  uploads.add(["a", "b", "c", "d"].map((name) => file(name)));
  uploads.cancel(uploads.items[0].key);
  assert.equal(gate.running.length, 4);
  for (const { done } of gate.running) done();
  await settled();
  assert.deepEqual(uploads.results.map(({ id }) => id), ["id-b", "id-c", "id-d"]);
});

test("a refused one says why and can be tried again", async () => {
  const gate = slowGate();
  const uploads = new Uploads(gate);
  uploads.add([file("a")]);
  gate.running[0].onProgress({ loaded: 1, total: 4 });
  assert.equal(uploads.items[0].progress, 0.25);
  gate.running[0].fail({ code: "too-large" });
  await settled();
  assert.equal(uploads.items[0].state, "failed");
  assert.match(uploads.items[0].reason, /too large/);
  assert.equal(uploads.busy, false);
  uploads.retry(uploads.items[0].key);
  gate.running[1].done();
  await settled();
  assert.equal(uploads.items[0].state, "done");
});

test("more files than a message takes are left out, and counted", () => {
  const uploads = new Uploads(slowGate());
  assert.equal(uploads.add(Array.from({ length: MOST_FILES + 3 }, (_, n) => file(`f${n}`))), 3);
  assert.equal(uploads.items.length, MOST_FILES);
});

test("progress is understood as a part or as bytes; reasons are sentences", () => {
  assert.equal(partOf(0.5), 0.5);
  assert.equal(partOf(7), 1);
  assert.equal(partOf({ loaded: 5, total: 10 }), 0.5);
  assert.equal(partOf({ loaded: 5, total: 0 }), 0);
  assert.equal(whyNot({ code: "unsupported-media-type", detail: "file: its content is text/html" }, file("a")), "Its content is text/html");
  assert.match(whyNot({ code: "network" }, file("a")), /cannot be reached/);
});

test("pictures are fetched once, and their addresses given back when enough others came after", async (t) => {
  const made = [];
  const revoked = [];
  t.mock.method(URL, "createObjectURL", () => {
    made.push(`blob:${made.length}`);
    return made[made.length - 1];
  });
  t.mock.method(URL, "revokeObjectURL", (/** @type {string} */ url) => revoked.push(url));
  const pictures = new Pictures({ loadFile: async () => new Blob([]) });
  assert.equal(await pictures.hold("one"), await pictures.hold("one"));
  assert.equal(made.length, 1);
  pictures.release("one");
  for (let n = 0; n < 40; n += 1) {
    await pictures.hold(`other ${n}`);
    pictures.release(`other ${n}`);
  }
  await settled();
  assert.ok(!revoked.includes("blob:0"), "somebody still shows it");
  pictures.release("one");
  for (let n = 0; n < 40; n += 1) {
    await pictures.hold(`again ${n}`);
    pictures.release(`again ${n}`);
  }
  await settled();
  assert.ok(revoked.includes("blob:0"));
  assert.ok(made.length - revoked.length <= 24, `${made.length - revoked.length} are kept`);
});

test("a picture that could not be fetched is fetched again the next time", async () => {
  let fail = true;
  const pictures = new Pictures({ loadFile: async () => { if (fail) throw new Error("away"); return new Blob([]); } });
  await assert.rejects(pictures.hold("one"));
  fail = false;
  assert.match(await pictures.hold("one"), /^blob:/);
});
