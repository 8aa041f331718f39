/** Puts the page together: two panes when there are two tokens, else a word on how to get them. */

import { Pane } from "./pane.js";
import { signIn } from "./tokens.js";

const panesElement = document.getElementById("panes");
const welcome = document.getElementById("welcome");
/** @type {Pane[]} */
let panes = [];

/** When each message was sent, by client id: both panes share one clock, so the way between them is measurable. */
const sentAt = new Map();

function open() {
  panes.forEach((pane) => pane.close());
  const people = signIn();
  panesElement.hidden = people.length === 0;
  welcome.hidden = people.length > 0;
  document.getElementById("example").textContent = `${location.origin}${location.pathname}#ann=TOKEN&bob=TOKEN`;
  panes = people.map((person, at) => new Pane({ ...person, other: people[1 - at].user, sentAt }));
  panesElement.replaceChildren(...panes.map((pane) => pane.element));
  panes.forEach((pane) => pane.open());
}

open();
addEventListener("hashchange", open);
addEventListener("online", () => panes.forEach((pane) => pane.wake()));
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) panes.forEach((pane) => pane.wake());
});
addEventListener("pagehide", () => panes.forEach((pane) => pane.close()));
addEventListener("pageshow", (event) => {
  if (event.persisted) open();
});
