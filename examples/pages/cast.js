/** Who plays which part in the examples. Pure. */

/** @typedef {import("./common/signin.js").Person} Person */

const AGENTS = ["dora", "emil"];
const GUESTS = ["guest", "vera"];

/**
 * Agents and visitors are known by name; when nobody has such a name, everybody may try everything.
 * @param {Person[]} people
 * @returns {{chatters: Person[], pair: [Person, Person] | undefined, guest: Person | undefined, agents: Person[]}}
 */
export function cast(people) {
  const agents = people.filter(({ user }) => AGENTS.includes(user));
  const guests = people.filter(({ user }) => GUESTS.includes(user));
  const others = people.filter((person) => !agents.includes(person) && !guests.includes(person));
  const chatters = others.length > 0 ? others : people;
  return { chatters, pair: chatters.length > 1 ? [chatters[0], chatters[1]] : undefined, guest: guests[0] ?? others[0], agents };
}
