import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { cast } from "../../../../../examples/pages/cast.js";
import { connectionWords, knowsPresence, secondsLeft } from "../../../../../examples/pages/chat/connection-words.js";
import { belongsTo, markHits, matches, nextUnread, otherOf, presenceWords, previewOf, titleOf, typingIn } from "../../../../../examples/pages/chat/room-words.js";
import { MessageSearch } from "../../../../../examples/pages/chat/search.js";
import { shortcutOf } from "../../../../../examples/pages/chat/shortcuts.js";
import { TypingList } from "../../../../../examples/pages/chat/typing.js";
import { parse } from "../../../../../examples/pages/common/signin.js";

const direct = (other, more = {}) => ({ id: other, kind: "direct", name: null, members: ["ann", other], last_message: null, unread: 0, ...more });
const group = (name, members, more = {}) => ({ id: name ?? "group", kind: "group", name, members, last_message: null, unread: 0, ...more });

test("a room is called by its name or by who is in it", () => {
  assert.equal(titleOf(direct("bob"), "ann"), "Bob");
  assert.equal(titleOf(direct("ann", { members: ["ann"] }), "ann"), "Notes to yourself");
  assert.equal(titleOf(group("Trip", ["ann", "bob"]), "ann"), "Trip");
  assert.equal(titleOf(group(null, ["ann", "bob", "cleo"]), "ann"), "Bob and Cleo");
  assert.equal(titleOf(group(null, ["ann"]), "ann"), "Only you");
  assert.equal(otherOf(group("Trip", ["ann", "bob"]), "ann"), undefined);
});

test("who was sent away belongs to the room no more, though it is still known", () => {
  assert.ok(belongsTo(group("Trip", ["ann", "bob"]), "ann"));
  assert.ok(!belongsTo(group("Trip", ["bob"]), "ann"));
  assert.ok(!belongsTo(undefined, "ann"));
});

test("the list says who wrote last, in groups and of oneself", () => {
  const last = (sender, text) => ({ last_message: { id: "m", seq: 1, sender, text, created_at: "" } });
  assert.equal(previewOf(direct("bob", last("bob", "hi\n there")), "ann"), "hi there");
  assert.equal(previewOf(direct("bob", last("ann", "hi")), "ann"), "You: hi");
  assert.equal(previewOf(group("Trip", ["ann", "bob"], last("bob", "hi")), "ann"), "Bob: hi");
  assert.equal(previewOf(direct("bob", last("bob", "")), "ann"), "Attachment or deleted message");
  assert.equal(previewOf(direct("bob", last("bob", "")), "ann", "Picture"), "Picture");
  assert.equal(typingIn(direct("bob"), ["bob"]), "typing …");
  assert.equal(typingIn(group("Trip", ["ann", "bob", "cleo"]), ["bob", "cleo"]), "Bob and Cleo are typing …");
});

test("rooms are found by all words, without case and accents", () => {
  const room = group("Café crème", ["ann", "bob"]);
  assert.ok(matches(room, "ann", "CREME bo"));
  assert.ok(!matches(room, "ann", "creme cleo"));
  assert.ok(matches(room, "ann", ""));
});

test("hits are marked at the beginning of words, whatever the case and the accents", () => {
  const marked = (text, query) => markHits(text, query).map(({ text: part, hit }) => (hit ? `[${part}]` : part)).join("");
  assert.equal(marked("The Crème brûlée", "creme"), "The [Crème] brûlée");
  assert.equal(marked("Lakeside, not Flake", "lake"), "[Lake]side, not Flake");
  assert.equal(marked("order-4711", '"order 4711"'), "[order]-[4711]");
  assert.equal(marked("nothing here", "zebra"), "nothing here");
  const long = marked(`${"word ".repeat(60)}needle ${"word ".repeat(60)}`, "needle");
  assert.ok(long.startsWith("… ") && long.includes("[needle]") && long.length < 200, long);
});

test("the next unread room is looked for from the open one on, around the end", () => {
  const rooms = [direct("a", { unread: 1 }), direct("b"), direct("c", { unread: 2 })];
  assert.equal(nextUnread(rooms, "b")?.id, "c");
  assert.equal(nextUnread(rooms, "c")?.id, "a");
  assert.equal(nextUnread(rooms, undefined)?.id, "a");
  assert.equal(nextUnread([direct("a", { unread: 1 })], "a"), undefined);
});

test("presence in words", () => {
  assert.equal(presenceWords(undefined), "");
  assert.equal(presenceWords({ online: true, since: null }), "Online");
  assert.equal(presenceWords({ online: false, since: null }), "Offline");
  assert.equal(presenceWords({ online: false, since: new Date(1_000_000).toISOString() }, 1_000_000 + 5 * 60_000), "Last seen 5 min ago");
});

test("each state of the connection has words, and a way out where there is one", () => {
  const action = (state) => connectionWords({ state }).action;
  assert.equal(action("live"), "");
  assert.equal(action("connecting"), "");
  assert.equal(action("waiting"), "now");
  assert.equal(action("offline"), "now");
  assert.equal(action("superseded"), "here");
  assert.equal(action("signed-out"), "sign-in");
  assert.equal(action("refused"), "sign-in");
  assert.equal(connectionWords({ state: "waiting", reason: "HTTP 502" }).long, "HTTP 502.");
  assert.deepEqual(["live", "connecting", "waiting", "offline", "superseded"].map(knowsPresence), [true, true, false, false, false]);
  assert.equal(secondsLeft(2001, 1000), 2);
  assert.equal(secondsLeft(500, 1000), 0);
});

test("keys", () => {
  const key = (name, more = {}) => shortcutOf({ key: name, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, isComposing: false, defaultPrevented: false, ...more });
  assert.equal(key("k", { ctrlKey: true }), "search");
  assert.equal(key("K", { metaKey: true }), "search");
  assert.equal(key("ArrowDown", { altKey: true }), "next");
  assert.equal(key("ArrowDown", { altKey: true, shiftKey: true }), "unread");
  assert.equal(key("Escape"), "back");
  assert.equal(key("Escape", { defaultPrevented: true }), undefined, "somebody nearer has taken it");
  assert.equal(key("k", { ctrlKey: true, isComposing: true }), undefined);
  assert.equal(key("k"), undefined);
});

test("typing in the list is forgotten by itself, and at once when the message comes", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
  const list = new TypingList();
  let changes = 0;
  list.addEventListener("change", () => (changes += 1));
  const word = (typing, ageMs = 0) => list.take({ room: "r", at: new Date(Date.now() - ageMs).toISOString(), data: { user: "bob", typing } });
  word(true);
  assert.deepEqual(list.in("r"), ["bob"]);
  t.mock.timers.tick(3000);
  word(true);
  assert.equal(changes, 1, "the same word again changes nothing that is shown");
  t.mock.timers.tick(4999);
  assert.deepEqual(list.in("r"), ["bob"]);
  t.mock.timers.tick(1);
  assert.deepEqual(list.in("r"), []);
  word(true, 3000);
  t.mock.timers.tick(2000);
  assert.deepEqual(list.in("r"), [], "it counts from when it was said");
  word(true);
  list.forget("r", "bob");
  assert.deepEqual(list.in("r"), []);
});

test("a search waits for a pause in typing, and an older answer never replaces a newer one", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const answers = [];
  const gate = { search: mock.fn(() => new Promise((done) => answers.push(done))) };
  const search = new MessageSearch(gate);
  search.ask("l");
  search.ask("la");
  search.ask("lak");
  t.mock.timers.tick(299);
  assert.equal(gate.search.mock.callCount(), 0);
  t.mock.timers.tick(1);
  assert.equal(gate.search.mock.callCount(), 1);
  search.ask("lake");
  t.mock.timers.tick(300);
  const found = (id) => ({ messages: [{ id }], has_more: false, next: null });
  answers[1](found("new"));
  await Promise.resolve();
  await Promise.resolve();
  answers[0](found("old"));
  await Promise.resolve();
  await Promise.resolve();
  assert.deepEqual(search.messages, [{ id: "new" }]);
  assert.equal(search.busy, false);
  search.ask("");
  assert.deepEqual(search.messages, []);
});

test("everybody in the fragment, each once; agents and visitors have their own places", () => {
  assert.deepEqual(parse("#ann=a&bob=b&ann=c&x=&=y"), [{ user: "ann", token: "c" }, { user: "bob", token: "b" }]);
  assert.deepEqual(parse(""), []);
  const people = parse("#ann=1&bob=2&cleo=3&dora=4&emil=5&guest=6");
  const parts = cast(people);
  assert.deepEqual(parts.chatters.map(({ user }) => user), ["ann", "bob", "cleo"]);
  assert.deepEqual(parts.pair?.map(({ user }) => user), ["ann", "bob"]);
  assert.deepEqual(parts.agents.map(({ user }) => user), ["dora", "emil"]);
  assert.equal(parts.guest?.user, "guest");
  assert.equal(cast(parse("#dora=1")).chatters[0].user, "dora", "a lone agent may chat as well");
  assert.equal(cast(parse("#ann=1")).pair, undefined);
});
