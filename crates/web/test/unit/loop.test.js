import assert from "node:assert/strict";
import { test } from "node:test";

import { PollLoop, backoff } from "../../demo/loop.js";

/** An answer as `fetch` gives it. */
function answer(body, status = 200, headers = {}) {
  return new Response(JSON.stringify(body), { status, headers });
}

const polled = (events = [], more = {}) => answer({ events, cursor: "c", resync: false, more: false, pause_ms: 0, ...more });
const event = (id, type = "message.created") => ({ id, type, at: "", data: {} });

/** A gateway that answers from a script, then holds for ever; notes what it was asked and how many at once. */
class Script {
  asked = [];
  held = 0;
  most = 0;
  #waiting = [];

  constructor(...answers) {
    this.answers = answers;
  }

  fetch = async (url, { signal }) => {
    this.asked.push(new URL(url, "http://gateway").searchParams);
    this.held += 1;
    this.most = Math.max(this.most, this.held);
    this.#waiting.splice(0).forEach((look) => look());
    try {
      await Promise.resolve();
      const next = this.answers.shift();
      if (next instanceof Error) throw next;
      if (next) return typeof next === "function" ? await next(signal) : next;
      return await new Promise((_, refuse) => {
        if (signal.aborted) return refuse(signal.reason);
        signal.addEventListener("abort", () => refuse(signal.reason));
      });
    } finally {
      this.held -= 1;
    }
  };

  /** Waits until `count` polls were asked. */
  async until(count) {
    while (this.asked.length < count) await new Promise((look) => this.#waiting.push(look));
  }
}

function loopOn(script, more = {}) {
  const seen = { events: [], states: [], pauses: [], resyncs: 0 };
  const loop = new PollLoop({
    session: "tab",
    token: "t",
    fetch: script.fetch,
    random: () => 0.5,
    pause: async (ms) => void seen.pauses.push(ms),
    onEvent: ({ id }) => seen.events.push(id),
    onState: (state) => seen.states.push(state.name),
    onResync: async () => void (seen.resyncs += 1),
    ...more,
  });
  return { loop, seen };
}

/** Lets everything that is ready run. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

test("each poll sends the cursor of the answer before it, without a delay", async () => {
  const script = new Script(polled([event("1")], { cursor: "a" }), polled([event("2")], { cursor: "b" }));
  const { loop, seen } = loopOn(script);
  loop.start();
  await script.until(3);
  assert.deepEqual(script.asked.map((query) => query.get("cursor")), ["", "a", "b"]);
  assert.deepEqual(seen.events, ["1", "2"]);
  assert.deepEqual(seen.pauses, []);
  loop.stop();
});

test("there are never two polls at once, however often it is started and stopped", async () => {
  const script = new Script();
  const { loop } = loopOn(script);
  for (let round = 0; round < 20; round += 1) {
    loop.start();
    loop.start();
    if (round % 3 === 0) await settle();
    loop.stop();
  }
  loop.start();
  await script.until(1);
  await settle();
  assert.equal(script.most, 1);
  assert.equal(script.held, 1);
  loop.stop();
});

test("an event that comes again is handed over once", async () => {
  const script = new Script(polled([event("1"), event("2")]), polled([event("2"), event("3")]));
  const { loop, seen } = loopOn(script);
  loop.start();
  await script.until(3);
  assert.deepEqual(seen.events, ["1", "2", "3"]);
  loop.stop();
});

test("failures are followed by pauses that grow, and an answer ends them", async () => {
  const script = new Script(new TypeError("network"), answer({}, 502), new TypeError("network"), polled());
  const { loop, seen } = loopOn(script);
  loop.start();
  await script.until(5);
  assert.deepEqual(seen.pauses, [250, 500, 1000]);
  assert.equal(seen.states.at(-1), "live");
  loop.stop();
});

test("a pause is anywhere below a ceiling that doubles up to 20 seconds", () => {
  assert.deepEqual([1, 2, 3, 6, 7, 60].map((n) => backoff(n, () => 1)), [500, 1000, 2000, 16000, 20000, 20000]);
  assert.equal(backoff(9, () => 0), 0);
});

test("Retry-After is kept to, and spread", async () => {
  const script = new Script(answer({ detail: "too many" }, 503, { "retry-after": "4" }), polled());
  const { loop, seen } = loopOn(script);
  loop.start();
  await script.until(3);
  assert.deepEqual(seen.pauses, [4500]);
  loop.stop();
});

test("pause_ms of an answer is kept to", async () => {
  const script = new Script(polled([], { pause_ms: 1234 }));
  const { loop, seen } = loopOn(script);
  loop.start();
  await script.until(2);
  assert.deepEqual(seen.pauses, [1234]);
  loop.stop();
});

test("after stop nothing is told any more, even when an answer was on its way", async () => {
  let release;
  const script = new Script(() => new Promise((resolve) => (release = () => resolve(polled([event("1")])))));
  const { loop, seen } = loopOn(script);
  loop.start();
  await script.until(1);
  await settle();
  loop.stop();
  const before = [...seen.states];
  release();
  await settle();
  assert.deepEqual(seen.states, before);
  assert.deepEqual(seen.events, []);
  assert.equal(loop.running, false);
});

test("a loop that is stopped while it backs off stays stopped", async () => {
  const script = new Script(new TypeError("network"));
  let waiting;
  const paused = new Promise((resolve) => (waiting = resolve));
  const pause = (_, signal) => new Promise((end) => (waiting(), signal.addEventListener("abort", end)));
  const { loop, seen } = loopOn(script, { pause });
  loop.start();
  await paused;
  const before = [...seen.states];
  loop.stop();
  await settle();
  assert.equal(script.asked.length, 1);
  assert.deepEqual(seen.states, before);
});

test("wake cuts a back-off short", async () => {
  const script = new Script(new TypeError("network"), polled());
  let waiting;
  const paused = new Promise((resolve) => (waiting = resolve));
  const pause = (_, signal) => new Promise((end) => (waiting(), signal.addEventListener("abort", end)));
  const { loop, seen } = loopOn(script, { pause });
  loop.start();
  await paused;
  loop.wake();
  await script.until(3);
  assert.equal(seen.states.at(-1), "live");
  loop.stop();
});

test("resync reads again before the cursor is sent back", async () => {
  const script = new Script(polled([], { resync: true, cursor: "after" }));
  let asked = 0;
  const { loop } = loopOn(script, { onResync: async () => void (asked = script.asked.length) });
  loop.start();
  await script.until(2);
  assert.equal(asked, 1);
  assert.equal(script.asked[1].get("cursor"), "after");
  loop.stop();
});

test("a resync that fails is not confirmed", async () => {
  const script = new Script(polled([], { resync: true, cursor: "after" }));
  const { loop, seen } = loopOn(script, { onResync: () => Promise.reject(new Error("history")) });
  loop.start();
  await script.until(2);
  assert.equal(script.asked[1].get("cursor"), "");
  assert.equal(seen.pauses.length, 1);
  loop.stop();
});

test("a cursor that the gateway cannot read starts a new loop with a resync", async () => {
  const script = new Script(polled([], { cursor: "old" }), answer({ code: "invalid-request" }, 400));
  const { loop, seen } = loopOn(script);
  loop.start();
  await script.until(3);
  assert.deepEqual(script.asked.map((query) => query.get("cursor")), ["", "old", ""]);
  assert.equal(seen.resyncs, 1);
  loop.stop();
});

for (const [status, name] of [[401, "signed-out"], [403, "refused"], [409, "superseded"]]) {
  test(`${status} ends the loop as ${name}`, async () => {
    const script = new Script(answer({ detail: "why" }, status));
    const { loop, seen } = loopOn(script);
    loop.start();
    await script.until(1);
    await settle();
    await settle();
    assert.equal(seen.states.at(-1), name);
    assert.equal(loop.running, false);
    assert.equal(script.asked.length, 1);
  });
}

test("a poll that takes too long is given up and asked again", async () => {
  const script = new Script();
  const { loop, seen } = loopOn(script, { deadlineMs: 5 });
  const alive = setInterval(() => {}, 1000); // the deadline's own timer does not keep Node running
  loop.start();
  await script.until(2);
  clearInterval(alive);
  assert.equal(seen.pauses.length, 1);
  assert.equal(script.most, 1);
  loop.stop();
});
