import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { Api, Problem } from "../../../client/api.js";
import { answer, held, pass, problem, settle } from "./fakes.js";

const { timers } = mock;
beforeEach(() => timers.enable({ apis: ["setTimeout", "Date"] }));
afterEach(() => timers.reset());

/** An api whose requests are answered by the test. */
function apiOn(respond, token = "t") {
  const asked = [];
  const fetch = async (address, init) => {
    asked.push({ address, ...init });
    return respond(asked.length, init);
  };
  const api = new Api({ user: "ann", token, url: "http://gateway/", fetch });
  let signedOut = 0;
  api.addEventListener("signed-out", () => (signedOut += 1));
  return { api, asked, signedOut: () => signedOut };
}

test("a request bears the token, its query and its body", async () => {
  const { api, asked } = apiOn(() => answer({ ok: 1 }));
  const query = { user: ["a", "b"], assignee: "", none: undefined, limit: 5 };
  assert.deepEqual(await api.request("POST", "/v1/x", { query, body: { a: 1 }, keepalive: true, headers: { "idempotency-key": "k" } }), { ok: 1 });
  assert.equal(asked[0].address, "http://gateway/v1/x?user=a&user=b&assignee=&limit=5");
  assert.deepEqual(asked[0].headers, { "content-type": "application/json", "idempotency-key": "k", authorization: "Bearer t" });
  assert.equal(asked[0].body, '{"a":1}');
  assert.equal(asked[0].keepalive, true);
});

test("204 is null", async () => {
  const { api } = apiOn(() => new Response(null, { status: 204 }));
  assert.equal(await api.request("POST", "/v1/x"), null);
});

test("a refusal is a Problem with the gateway's words and times", async () => {
  const { api } = apiOn(() => problem(429, "throttled", { "retry-after": "7" }));
  await assert.rejects(api.request("GET", "/v1/x"), (error) => {
    assert.ok(error instanceof Problem);
    assert.deepEqual(error.toJSON(), { status: 429, code: "throttled", detail: "throttled", retryAfterMs: 7000 });
    return true;
  });
});

test("Retry-After may be a date, and is bounded", async () => {
  const dates = [new Date(Date.now() + 5_000).toUTCString(), new Date(Date.now() + 3_600_000).toUTCString(), "soon"];
  const found = [];
  for (const date of dates) {
    const { api } = apiOn(() => problem(503, "overloaded", { "retry-after": date }));
    await api.request("GET", "/v1/x").catch(({ retryAfterMs }) => found.push(retryAfterMs));
  }
  assert.deepEqual(found, [5000, 120_000, undefined]);
});

test("a balancer's own error page is a Problem of its status", async () => {
  const { api } = apiOn(() => new Response("<h1>Bad Gateway</h1>", { status: 502 }));
  await assert.rejects(api.request("GET", "/v1/x"), { status: 502, code: "http-502", detail: "HTTP 502" });
});

test("what is no answer of the gateway's, and no answer at all, are network", async () => {
  for (const respond of [() => Promise.reject(new TypeError("fetch failed")), () => new Response("<h1>hotel</h1>")]) {
    const { api } = apiOn(respond);
    await assert.rejects(api.request("GET", "/v1/x"), { name: "Problem", code: "network", status: 0 });
  }
});

test("a request without an answer is given up after 20 s", async () => {
  const { api } = apiOn((_, { signal }) => held(signal));
  const refused = assert.rejects(api.request("GET", "/v1/x"), { code: "network", detail: "No answer in 20 s" });
  await pass(timers, 20_000, 1_000);
  await refused;
});

test("the caller's own abort is no Problem", async () => {
  const { api } = apiOn((_, { signal }) => held(signal));
  const leave = new AbortController();
  const refused = assert.rejects(api.request("GET", "/v1/x", { signal: leave.signal }), { name: "AbortError" });
  await settle();
  leave.abort();
  await refused;
});

test("the token is renewed once for all requests that need it, and each is tried once more", async () => {
  let give;
  const asked = [];
  const token = ({ expired }) => {
    asked.push(expired);
    return asked.length === 1 ? "old" : new Promise((resolve) => (give = () => resolve("new")));
  };
  const { api, asked: requests, signedOut } = apiOn(
    (_, { headers }) => (headers.authorization === "Bearer new" ? answer({}) : problem(401, "token-expired")),
    token,
  );
  const all = Promise.all(Array.from({ length: 5 }, () => api.request("GET", "/v1/x")));
  await settle();
  const late = api.request("GET", "/v1/late");
  await settle();
  give();
  await all;
  await late;
  assert.deepEqual(asked, [false, true]);
  assert.equal(requests.length, 11, "five, again, and the late one once");
  assert.equal(signedOut(), 0);
});

test("a 401 that comes when another request has brought a new token needs no third one", async () => {
  let answerOld;
  const tokens = ["old", "new"];
  const { api } = apiOn((n, { headers }) => {
    if (headers.authorization === "Bearer new") return answer({});
    return n === 1 ? new Promise((resolve) => (answerOld = () => resolve(problem(401, "token-expired")))) : problem(401, "token-expired");
  }, () => tokens.shift());
  const slow = api.request("GET", "/v1/slow");
  await settle();
  await api.request("GET", "/v1/quick");
  answerOld();
  await slow;
  assert.deepEqual(tokens, []);
});

test("a new token that is not taken either: signed out, said once, and asked anew the next time", async () => {
  let good = false;
  let asked = 0;
  const { api, signedOut } = apiOn(() => (good ? answer({}) : problem(401, "unauthenticated")), () => `t${(asked += 1)}`);
  await assert.rejects(Promise.all([api.request("GET", "/v1/x"), api.request("GET", "/v1/y")]), { status: 401 });
  await settle();
  assert.equal(signedOut(), 1);
  good = true;
  await api.request("GET", "/v1/x");
  assert.equal(signedOut(), 1);
});

test("a token that is a text cannot be renewed", async () => {
  const { api, asked, signedOut } = apiOn(() => problem(401, "token-expired"));
  await assert.rejects(api.request("GET", "/v1/x"), { status: 401, code: "token-expired" });
  assert.equal(asked.length, 1);
  assert.equal(signedOut(), 1);
});

test("a hook that has none to give: signed out, and nothing is asked", async () => {
  const { api, asked, signedOut } = apiOn(() => answer({}), () => "");
  await assert.rejects(api.request("GET", "/v1/x"), { status: 401 });
  assert.equal(asked.length, 0);
  assert.equal(signedOut(), 1);
});

test("a hook that fails is no sign-out", async () => {
  const { api, signedOut } = apiOn(() => answer({}), () => Promise.reject(new Error("shop")));
  await assert.rejects(api.request("GET", "/v1/x"), { code: "token", status: 0 });
  assert.equal(signedOut(), 0);
});

test("a hook that does not answer holds nobody longer than they wait", async () => {
  let hooks = 0;
  const { api, signedOut } = apiOn(() => answer({ ok: 1 }), () => ((hooks += 1) === 1 ? new Promise(() => {}) : "good"));
  const short = assert.rejects(api.request("GET", "/v1/x", { patienceMs: 500 }), { code: "network" });
  const leave = new AbortController();
  const left = assert.rejects(api.open("GET", "/v1/poll", { signal: leave.signal }), { name: "AbortError" });
  const loop = assert.rejects(api.open("GET", "/v1/poll"), { code: "token", status: 0 });
  await pass(timers, 500, 100);
  await short;
  leave.abort();
  await left;
  await pass(timers, 19_000, 1_000);
  assert.equal(hooks, 1, "it is asked once at a time");
  await pass(timers, 1_000, 100);
  await loop;
  assert.deepEqual(await api.request("GET", "/v1/x"), { ok: 1 });
  assert.deepEqual([hooks, signedOut()], [2, 0]);
});

test("a hook that fails when nobody waits for it any more troubles nobody", async () => {
  let fail;
  const { api } = apiOn(() => answer({}), () => new Promise((_, reject) => (fail = reject)));
  const refused = assert.rejects(api.request("GET", "/v1/x", { patienceMs: 500 }), { code: "network" });
  await pass(timers, 500, 100);
  await refused;
  fail(new Error("shop"));
  await settle();
});

test("what is left of a throttle class is known", async () => {
  const { api } = apiOn(() => answer({}, 200, { ratelimit: '"messages";r=59;t=1, "rooms";r=2;t=30' }));
  await api.request("GET", "/v1/x");
  assert.deepEqual(api.rate("rooms"), { remaining: 2, resetMs: 30_000, at: Date.now() });
  assert.equal(api.rate("messages").remaining, 59);
  assert.equal(api.rate("other"), undefined);
});

test("blob gives the file", async () => {
  const { api } = apiOn(() => new Response("data"));
  assert.equal(await (await api.blob("/v1/attachments/1")).text(), "data");
});

/** An XMLHttpRequest as far as an upload uses it. */
class FakeXhr {
  upload = {};
  headers = {};
  open(method, address) {
    Object.assign(this, { method, address });
  }
  setRequestHeader(name, value) {
    this.headers[name] = value;
  }
  send(form) {
    this.form = form;
  }
  abort() {
    this.onabort();
  }
  getResponseHeader() {
    return "3";
  }
  finish(status, body) {
    Object.assign(this, { status, responseText: JSON.stringify(body) });
    this.onload();
  }
}

function uploading(token = "t") {
  const sent = [];
  const xhr = () => (sent.push(new FakeXhr()), sent.at(-1));
  return { api: new Api({ user: "ann", token, fetch: () => {}, xhr }), sent };
}

test("an upload tells how far it is, and renews the token", async () => {
  const tokens = ["old", "new"];
  const { api, sent } = uploading(() => tokens.shift());
  const progress = [];
  const upload = api.upload(new File(["abc"], "a.txt"), { onProgress: (one) => progress.push(one) });
  await settle();
  sent[0].upload.onprogress({ loaded: 1, total: 3 });
  sent[0].finish(401, { code: "token-expired" });
  await settle();
  assert.equal(sent[1].headers.authorization, "Bearer new");
  assert.equal(sent[1].address, "/v1/attachments");
  assert.equal(sent[1].form.get("file").name, "a.txt");
  sent[1].finish(201, { id: "1" });
  assert.deepEqual(await upload, { id: "1" });
  assert.deepEqual(progress, [{ loaded: 1, total: 3 }]);
});

test("an upload's failures are Problems; its abort is not, and no progress follows it", async () => {
  const { api, sent } = uploading();
  const refused = assert.rejects(api.upload(new Blob(["x"])), { status: 429, code: "throttled", retryAfterMs: 3000 });
  await settle();
  sent[0].finish(429, { code: "throttled" });
  await refused;
  const lost = assert.rejects(api.upload(new Blob(["x"])), { code: "network" });
  await settle();
  sent[1].onerror();
  await lost;
  const leave = new AbortController();
  const progress = [];
  const left = assert.rejects(api.upload(new Blob(["x"]), { signal: leave.signal, onProgress: (one) => progress.push(one) }), { name: "AbortError" });
  await settle();
  leave.abort();
  sent[2].upload.onprogress({ loaded: 1, total: 1 });
  await left;
  assert.deepEqual(progress, []);
});
