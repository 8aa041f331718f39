import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { FakeGateway, Refusal, freezeTime, gateOf, heard, pass, settle, tab, thawTime } from "./fakes.js";

let gateway;
beforeEach(() => {
  freezeTime();
  gateway = new FakeGateway();
});
afterEach(thawTime);

const LIST = "GET /v1/rooms {";

test("a list is read once for all who ask, and again only when it is not fresh", async () => {
  gateway.room(["ann", "bob"]);
  const { gate, link } = tab(gateway);
  link.state("waiting");
  await Promise.all([gate.loadRooms(), gate.loadRooms({}), gate.loadRooms()]);
  assert.deepEqual([gateway.count(LIST), link.asked], [1, 1], "in flight: shared");
  await pass(9_900);
  await gate.loadRooms();
  assert.equal(gateway.count(LIST), 1, "fresh for 10 s");
  await pass(200);
  await gate.loadRooms();
  assert.equal(gateway.count(LIST), 2);
  await gate.loadRooms({}, { force: true });
  assert.equal(gateway.count(LIST), 3, "force reads");
  await Promise.all([gate.loadRooms({ kind: "group", status: "open" }), gate.loadRooms({ status: "open", kind: "group" })]);
  assert.equal(gateway.count(LIST), 4, "one filter, however it is written");
});

test("events keep a list good for longer", async () => {
  gateway.room(["ann", "bob"]);
  const { gate } = tab(gateway);
  await pass(100);
  await gate.loadRooms();
  await pass(59_000);
  await gate.loadRooms();
  assert.equal(gateway.count(LIST), 1);
  await pass(2_000);
  await gate.loadRooms();
  assert.equal(gateway.count(LIST), 2, "once in a minute all the same");
});

test("what messages do to a room: last message, order, unread", async () => {
  const [bob, cyd] = [gateway.room(["ann", "bob"]), gateway.room(["ann", "cyd"])];
  const { gate } = tab(gateway);
  await gate.loadRooms();
  await pass(100);
  const before = gate.rooms();
  assert.equal(gate.rooms(), before, "the same array while nothing changes");
  const told = heard(gate, "unread");
  gateway.say(bob, "bob", "é".repeat(250));
  assert.deepEqual(gate.rooms().map(({ id }) => id), [bob.id, cyd.id]);
  const [room] = gate.rooms();
  assert.deepEqual([room.last_seq, room.unread, [...room.last_message.text].length], [1, 1, 200]);
  assert.notEqual(room, before.find(({ id }) => id === room.id), "replaced, not changed");
  assert.deepEqual(gate.unread(), { total: 1, rooms: 1 });
  await pass(100);
  assert.deepEqual(told, [{ total: 1, rooms: 1 }]);
  gateway.say(bob, "ann", "hi");
  assert.equal(gate.room(bob.id).unread, 0, "who sends has read");
  const message = gateway.messages.get(bob.id)[1];
  gateway.tell("message.updated", bob.id, { ...message, body: "ho", edited_at: "x" });
  assert.equal(gate.room(bob.id).last_message.text, "ho");
  gateway.tell("message.deleted", bob.id, { ...message, body: "", deleted_at: "x" });
  assert.equal(gate.room(bob.id).last_message.text, "");
  gateway.tell("message.updated", bob.id, { ...gateway.messages.get(bob.id)[0], body: "old" });
  assert.equal(gate.room(bob.id).last_message.text, "", "not the last one");
  assert.equal(gateway.count("GET"), 1, "without any request");
});

test("rooms come, change and go by events", async () => {
  const { gate } = tab(gateway);
  await gate.loadRooms();
  const room = gateway.room(["ann", "bob", "cyd"], { name: "Trip" });
  gateway.tell("room.created", room.id, gateway.seen(room, "ann"));
  assert.deepEqual(gate.rooms().map(({ name }) => name), ["Trip"]);
  gateway.tell("room.updated", room.id, { ...gateway.seen(room, "ann"), name: "Tour", last_read_seq: undefined, unread: undefined });
  assert.deepEqual([gate.rooms()[0].name, gate.rooms()[0].unread], ["Tour", 0], "large rooms come without unread");
  gateway.tell("member.added", room.id, { user: "dan" });
  assert.deepEqual(gate.rooms()[0].members, ["ann", "bob", "cyd", "dan"]);
  gateway.tell("member.removed", room.id, { user: "bob" });
  assert.deepEqual(gate.rooms()[0].members, ["ann", "cyd", "dan"]);
  gateway.tell("member.removed", room.id, { user: "ann" });
  assert.deepEqual(gate.rooms(), []);
  assert.deepEqual(gate.unread(), { total: 0, rooms: 0 });
});

test("who comes into a room of many members is not told how far it is read: that is asked for", async () => {
  const { gate } = tab(gateway);
  await gate.loadRooms();
  const room = gateway.room(["bob", "cyd"], { kind: "group", name: "All" });
  for (let n = 0; n < 9; n += 1) gateway.message(room, "bob", `${n}`);
  const large = () => ({ ...gateway.seen(room, "ann"), last_read_seq: undefined, unread: undefined });
  const comesIn = async (read) => {
    room.members = ["ann", "bob", "cyd"];
    room.reads.set("ann", read);
    gateway.tell("room.created", room.id, large());
    await settle();
  };
  await comesIn(9);
  assert.deepEqual([gate.room(room.id).unread, gate.unread().total], [0, 0]);
  gateway.tell("room.updated", room.id, large());
  assert.equal(gateway.count(`GET /v1/rooms/${room.id} `), 1, "who is in it knows");
  room.members = ["bob", "cyd"];
  gateway.tell("member.removed", room.id, { user: "ann" });
  for (let n = 0; n < 5; n += 1) gateway.message(room, "bob", `later ${n}`);
  await comesIn(14);
  assert.deepEqual([gate.room(room.id).unread, gate.rooms().length], [0, 1], "also who comes back");
  const empty = gateway.room(["ann", "bob", "cyd"]);
  gateway.tell("room.created", empty.id, { ...gateway.seen(empty, "ann"), last_read_seq: undefined, unread: undefined });
  await settle();
  assert.deepEqual([gate.room(empty.id).unread, gateway.count(`GET /v1/rooms/${empty.id} `)], [0, 0], "nothing was said there");
});

test("a message of a room outside of the list brings the room with one request", async () => {
  const { gate } = tab(gateway);
  await gate.loadRooms();
  const room = gateway.room(["ann", "bob"]);
  gateway.say(room, "bob", "1");
  gateway.say(room, "bob", "2");
  await settle();
  assert.equal(gateway.count(`GET /v1/rooms/${room.id} `), 1);
  assert.equal(gate.rooms()[0].last_message.text, "2");
});

test("an answer that was on its way does not undo what events said", async () => {
  const room = gateway.room(["ann", "bob"]);
  const { gate } = tab(gateway);
  const gone = gateway.room(["ann", "bob", "cyd"]);
  await gate.loadRooms();
  const held = gateOf();
  gateway.late = () => held.promise;
  const loading = gate.loadRooms({}, { force: true });
  await settle();
  await pass(50);
  gateway.say(room, "bob", "news");
  const made = gateway.room(["ann", "dan"]);
  gateway.tell("room.created", made.id, gateway.seen(made, "ann"));
  gateway.tell("member.removed", gone.id, { user: "ann" });
  held.open();
  await loading;
  assert.equal(gate.room(room.id).last_message?.text, "news");
  assert.deepEqual(gate.rooms().map(({ id }) => id).sort(), [room.id, made.id].sort());
});

test("an event from before the reading does not take a room back", async () => {
  const room = gateway.room(["ann", "bob", "cyd"], { name: "old" });
  const old = gateway.seen(room, "ann");
  await pass(1_000);
  Object.assign(room, { name: "new", updated_at: new Date().toISOString() });
  const { gate } = tab(gateway);
  await gate.loadRooms();
  gateway.tell("room.updated", room.id, old);
  assert.equal(gate.room(room.id).name, "new");
});

test("errors leave the last good list; without one they are told", async () => {
  const { gate } = tab(gateway);
  gateway.trouble = async () => {
    throw new Refusal(503, "store-unavailable");
  };
  await assert.rejects(gate.loadRooms(), { code: "store-unavailable" });
  gateway.trouble = async () => {};
  gateway.room(["ann", "bob"]);
  await gate.loadRooms();
  assert.equal(gate.roomsError(), null);
  gateway.trouble = async () => {
    throw new Refusal(503, "store-unavailable");
  };
  const told = heard(gate, "rooms");
  await pass(100);
  const before = told.length;
  assert.equal((await gate.loadRooms({}, { force: true })).length, 1);
  assert.equal(gate.roomsError().code, "store-unavailable");
  await pass(100);
  assert.ok(told.length > before, "the page hears of it");
});

test("pages of older rooms stay when the beginning is read again", async () => {
  for (let n = 0; n < 120; n += 1) {
    gateway.room(["ann", `user${n}`]);
    await pass(1, 1);
  }
  const { gate } = tab(gateway);
  await gate.loadRooms();
  assert.deepEqual([gate.rooms().length, gate.hasMoreRooms()], [50, true]);
  await Promise.all([gate.loadMoreRooms(), gate.loadMoreRooms()]);
  assert.equal(gate.rooms().length, 100, "two calls at once are one page");
  await gate.loadRooms({}, { force: true });
  assert.equal(gate.rooms().length, 100);
  await gate.loadMoreRooms();
  assert.deepEqual([gate.rooms().length, gate.hasMoreRooms()], [120, false]);
});

test("when more has changed than a page holds, what stood behind it is read again", async () => {
  const rooms = [];
  for (let n = 0; n < 120; n += 1) {
    rooms.push(gateway.room(["ann", `user${n}`]));
    await pass(1, 1);
  }
  const { gate, link } = tab(gateway);
  await gate.loadRooms();
  await gate.loadMoreRooms();
  for (const room of rooms.slice(0, 70)) gateway.message(room, room.members[1], "missed");
  await pass(1, 1);
  gate.addEventListener("rooms", () => gate.rooms());
  await link.resync();
  assert.deepEqual([gate.rooms().length, gate.hasMoreRooms()], [50, true]);
  while (gate.hasMoreRooms()) await gate.loadMoreRooms();
  assert.deepEqual([gate.rooms().length, gate.unread().total], [120, 70]);
});

test("a list that could not be read at first is read by the refresh", async () => {
  gateway.room(["ann", "bob"]);
  const { gate } = tab(gateway);
  gate.addEventListener("rooms", () => gate.rooms());
  gateway.trouble = async () => {
    throw new Refusal(503, "overloaded");
  };
  await assert.rejects(gate.loadRooms());
  gateway.trouble = async () => {};
  await pass(30_000, 250);
  assert.deepEqual([gate.rooms().length, gate.roomsError()], [1, null]);
});

test("a conversation that could not be read at first is read by the refresh", async () => {
  const room = gateway.room(["ann", "bob"]);
  const { gate } = tab(gateway);
  gateway.trouble = async () => {
    throw new Refusal(503, "overloaded");
  };
  const talk = gate.conversation({ to: "bob" });
  talk.addEventListener("change", () => {});
  await assert.rejects(talk.load());
  gateway.trouble = async () => {};
  await pass(30_000, 250);
  assert.deepEqual([talk.error, talk.id], [null, room.id]);
});

test("a desk: what waits is listed for its agents, what another took is gone, what is given back is there again", async () => {
  gateway.desks = ["billing"];
  const room = gateway.room(["visitor"], { kind: "group", category: "billing" });
  const { gate } = tab(gateway, { user: "una" });
  assert.deepEqual(await gate.desks(), ["billing"]);
  const queue = () => gate.rooms({ category: "billing", assignee: "" }).map(({ id }) => id);
  await Promise.all([gate.loadRooms(), gate.loadRooms({ category: "billing", assignee: "" }), gate.loadRooms({ assignee: "una" })]);
  assert.deepEqual([queue(), gate.rooms()], [[room.id], []]);
  gateway.tell("room.updated", room.id, { ...gateway.seen(room, "una"), assignee: "vic", members: ["vic", "visitor"] });
  assert.deepEqual([queue(), gate.rooms({ category: "billing" })], [[], []]);
  gateway.tell("room.updated", room.id, gateway.seen(room, "una"));
  assert.deepEqual(queue(), [room.id]);
  room.members.push("una");
  await gate.changeRoom(room.id, { assignee: "una" });
  assert.deepEqual([queue(), gate.rooms({ assignee: "una" }).length, gate.rooms().length], [[], 1, 1]);
  gateway.tell("room.updated", room.id, { ...gateway.seen(room, "una"), category: "sales", assignee: null, members: ["visitor"] });
  assert.deepEqual([gate.rooms({ category: "sales" }), gate.rooms()], [[], []], "not her desk");
});

test("one refresh for all who listen, only while somebody does and the page is seen", async () => {
  gateway.room(["ann", "bob"]);
  const { gate, page, link } = tab(gateway, { cache: { liveMs: 10_000 } });
  await gate.loadRooms();
  await pass(30_000);
  assert.equal(gateway.count(LIST), 1, "nobody listens");
  const stop = new AbortController();
  for (let n = 0; n < 3; n += 1) gate.addEventListener("rooms", () => gate.rooms(), { signal: stop.signal });
  await pass(30_000);
  const shown = gateway.count(LIST);
  assert.ok(shown === 3 || shown === 4, `${shown} requests`);
  page.show(false);
  await pass(60_000);
  assert.equal(gateway.count(LIST), shown, "hidden");
  page.show(true);
  await settle();
  assert.equal(gateway.count(LIST), shown + 1, "seen again: at once");
  link.state("waiting");
  await pass(60_000);
  assert.equal(gateway.count(LIST), shown + 1, "the gateway is away");
  link.state("live");
  stop.abort();
  await pass(60_000);
  assert.ok(gateway.count(LIST) <= shown + 1, "nobody listens any more");
});

test("a refresh that fails comes back less and less often", async () => {
  gateway.room(["ann", "bob"]);
  const { gate } = tab(gateway, { cache: { liveMs: 0, roomsMs: 1_000, messagesMs: 1_000 } });
  gate.addEventListener("rooms", () => gate.rooms());
  await gate.loadRooms();
  gateway.trouble = async () => {
    throw new Refusal(503, "overloaded");
  };
  const before = gateway.count(LIST);
  await pass(60_000);
  const tries = gateway.count(LIST) - before;
  assert.ok(tries >= 4 && tries <= 7, `${tries} attempts in a minute`);
});

test("after stop nothing is told, whatever was on its way", async () => {
  gateway.room(["ann", "bob"]);
  const { gate, link } = tab(gateway);
  const told = ["rooms", "room", "unread", "event", "connection", "presence"].map((type) => heard(gate, type));
  await pass(100);
  const held = gateOf();
  gateway.late = () => held.promise;
  void gate.loadRooms().catch(() => {});
  void gate.loadPresence(["bob"]);
  await settle();
  const before = told.map((events) => events.length);
  gate.stop();
  held.open();
  link.info = { ...link.info, state: "live" };
  gateway.say([...gateway.rooms.values()][0], "bob", "late");
  await pass(70_000, 1_000);
  assert.deepEqual(told.map((events) => events.length), before);
});

test("a list that holds as many rooms as it may says that there are no more, and who stands behind is still found", async () => {
  const bob = gateway.room(["ann", "bob"]);
  await pass(1, 1);
  for (let n = 0; n < 2_010; n += 1) gateway.room(["ann", `user${n}`, "cyd"]);
  const { gate } = tab(gateway);
  await gate.loadRooms();
  for (let page = 1; page < 60 && gate.hasMoreRooms(); page += 1) await gate.loadMoreRooms();
  assert.deepEqual([gate.rooms().length, gate.hasMoreRooms()], [2_000, false]);
  const before = gateway.requests.length;
  await gate.loadMoreRooms();
  assert.equal(gateway.requests.length, before);
  const talk = gate.conversation({ to: "bob" });
  await talk.load();
  assert.equal(talk.id, bob.id);
});
