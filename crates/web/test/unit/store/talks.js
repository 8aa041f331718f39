/** Ann and Bob, and a room of theirs that a tab shows: for the tests of conversations. */

import { FakeGateway, freezeTime, heard, pass, tab } from "./fakes.js";

/** The gateway and the room of the test that runs. */
export let gateway;
export let room;

/** Before each test. */
export function begin() {
  freezeTime();
  gateway = new FakeGateway();
  room = gateway.room(["ann", "bob"]);
}

/** Bob says so much more, and nobody is told. */
export function fill(count) {
  for (let n = 0; n < count; n += 1) gateway.message(room, "bob", `m${room.last_seq + 1}`);
}

export const seqs = (talk) => talk.entries.map(({ seq }) => seq);

/** A tab that shows the room. */
export async function shown(options) {
  const one = tab(gateway, options);
  const talk = one.gate.conversation(room.id);
  const changes = heard(talk, "change");
  await talk.load();
  await pass(50);
  return { ...one, talk, changes };
}
