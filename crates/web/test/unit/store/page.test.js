/** What the page around the library tells, and that nothing of it is left after stop. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { Page } from "../../../client/page.js";

const before = { document: globalThis.document, addEventListener: globalThis.addEventListener };
let listeners;

class Target extends EventTarget {
  addEventListener(type, listener, options) {
    super.addEventListener(type, listener, options);
    listeners += 1;
    options.signal.addEventListener("abort", () => (listeners -= 1));
  }
}

beforeEach(() => {
  listeners = 0;
  globalThis.document = Object.assign(new Target(), { visibilityState: "visible", hasFocus: () => true });
  const window = new Target();
  globalThis.addEventListener = window.addEventListener.bind(window);
  globalThis.fire = (type) => window.dispatchEvent(new Event(type));
});
afterEach(() => {
  Object.assign(globalThis, before);
  delete globalThis.fire;
});

test("it tells while it is open, once, and leaves nothing behind", () => {
  const page = new Page();
  const told = [];
  for (const type of ["visibility", "focus", "hide", "online"]) page.addEventListener(type, () => told.push(type));
  globalThis.fire("online");
  assert.deepEqual([told, listeners], [[], 0]);
  page.open();
  page.open();
  globalThis.fire("online");
  globalThis.fire("pagehide");
  globalThis.fire("focus");
  document.dispatchEvent(new Event("visibilitychange"));
  assert.deepEqual(told, ["online", "hide", "focus", "visibility"]);
  page.close();
  globalThis.fire("online");
  assert.deepEqual([told.length, listeners], [4, 0]);
});

test("seen and focused", () => {
  const page = new Page();
  assert.deepEqual([page.visible, page.focused], [true, true]);
  document.hasFocus = () => false;
  assert.deepEqual([page.visible, page.focused], [true, false]);
  document.hasFocus = () => true;
  document.visibilityState = "hidden";
  assert.deepEqual([page.visible, page.focused], [false, false]);
  globalThis.document = undefined;
  assert.deepEqual([page.visible, page.focused], [true, true], "without a document nobody can look away");
});
