/** The page's connection: what it says, and when it tries again. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { Frames } from "../../../client/transport/frames.js";
import { Live } from "../../../operator/live.js";

/** A gateway whose answers are made by the test. */
function world(t, answers) {
  mock.timers.enable({ apis: ["setTimeout"] });
  const said = [];
  const asked = [];
  const live = new Live({
    frames: () => new Frames(),
    headers: () => ({ authorization: "Bearer t" }),
    heard: (event, data) => said.push([event, data]),
    stands: (standing) => said.push(standing),
    random: () => 1,
    fetch: async (path, options) => {
      asked.push({ path, headers: options.headers });
      const answer = answers.shift();
      if (!answer) return new Promise((_, no) => options.signal.addEventListener("abort", () => no(options.signal.reason)));
      return answer(options.signal);
    },
  });
  t.after(() => {
    live.stop();
    mock.timers.reset();
  });
  return { live, said, asked };
}

/** Everything that is ready to happen happens. */
async function settle() {
  for (let n = 0; n < 30; n += 1) await turn();
}

const body = (...texts) => new ReadableStream({
  start(to) {
    for (const text of texts) to.enqueue(new TextEncoder().encode(text));
    to.close();
  },
});
const open = (text) => (signal) => new Response(new ReadableStream({
  start(to) {
    to.enqueue(new TextEncoder().encode(text));
    signal.addEventListener("abort", () => to.error(signal.reason));
  },
}));

test("frames are read, and an end is not live", async (t) => {
  const { live, said, asked } = world(t, [() => new Response(body('event: hello\ndata: {"a"', ':1}\n\nevent: look\ndata: {}\n\n'))]);
  live.start();
  await settle();
  assert.deepEqual(said, ["connecting", "live", ["hello", { a: 1 }], ["look", {}], "away"]);
  assert.deepEqual(asked, [{ path: "/operator/live", headers: { accept: "text/event-stream", authorization: "Bearer t" } }]);
});

test("it tries again, later each time, and soon again after it was live", async (t) => {
  const fails = () => {
    throw new TypeError("no connection");
  };
  const { live, asked } = world(t, [fails, fails, fails, () => new Response(body("event: hello\ndata: {}\n\n")), fails]);
  live.start();
  await settle();
  for (const [ms, count] of [[499, 1], [1, 2], [999, 2], [1, 3], [1999, 3], [1, 4], [499, 4], [1, 5]]) {
    mock.timers.tick(ms);
    await settle();
    assert.equal(asked.length, count, `after ${ms} ms`);
  }
});

test("a refusal is said, and signing in tries at once", async (t) => {
  const { live, said, asked } = world(t, [() => new Response("{}", { status: 401 })]);
  live.start();
  await settle();
  assert.deepEqual(said, ["connecting", "refused"]);
  live.again();
  await settle();
  assert.equal(asked.length, 2);
});

test("a connection that is silent is given up", async (t) => {
  const { live, said } = world(t, [open("event: hello\ndata: {}\n\n")]);
  live.start();
  await settle();
  assert.equal(said.at(-1)[0], "hello");
  mock.timers.tick(11_999);
  await settle();
  assert.equal(said.at(-1)[0], "hello");
  mock.timers.tick(1);
  await settle();
  assert.equal(said.at(-1), "away");
});

test("what is stopped says nothing more", async (t) => {
  const { live, said, asked } = world(t, [open("event: hello\ndata: {}\n\n")]);
  live.start();
  await settle();
  live.stop();
  await settle();
  mock.timers.tick(60_000);
  await settle();
  assert.equal(said.at(-1)[0], "hello");
  assert.equal(asked.length, 1);
});
