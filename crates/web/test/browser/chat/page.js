/** The chat page, by what a user finds on it. */

import { photograph as picture } from "../people.js";

export class Chat {
  /** @param {import("../people.js").Person} person @param {import("playwright-core").Page} page */
  constructor(person, page) {
    this.person = person;
    this.page = page;
    this.rooms = page.getByRole("navigation", { name: "Conversations" });
    this.log = page.getByRole("log");
    this.scroller = page.locator("[data-scroller]");
    this.text = page.getByRole("textbox", { name: "Message", exact: true });
    this.connection = page.locator("[data-connection]").first();
  }

  /** The page of somebody, signed in. @param {import("../people.js").Person} person @param {string} [query] such as `&room=…` */
  static async of(person, query = "") {
    const page = await person.context.newPage();
    await page.addInitScript(stopwatch);
    await page.goto(`${person.gateway.url}/demo/chat/?as=${person.user}${query}#${person.user}=${person.token}`);
    return new Chat(person, page);
  }

  live() {
    return this.page.locator('[data-connection][data-state="live"]').first().waitFor({ state: "attached" });
  }

  state(name) {
    return this.page.locator(`[data-connection][data-state="${name}"]`).first().waitFor({ state: "attached" });
  }

  /** A room's button in the list. @param {string} id */
  room(id) {
    return this.rooms.locator(`[data-room="${id}"]`);
  }

  async opens(id) {
    await this.room(id).click();
    await this.log.waitFor();
  }

  async write(body) {
    await this.text.fill(body);
    await this.text.press("Enter");
  }

  /** A message in the log. @param {string|RegExp} body */
  message(body, state = "sent") {
    return this.log.locator(`[data-key][data-state="${state}"]`, { hasText: body });
  }

  /** `seq` of the messages shown, from the top. */
  seqs() {
    return this.log.locator("[data-key][data-seq]").evaluateAll((all) => all.map((one) => Number(one.dataset.seq)).filter(Boolean));
  }

  /** When this page first showed a message, by the clock that all pages share. */
  async shownAt(body) {
    await this.page.waitForFunction((text) => globalThis.shown.has(text), body, { polling: 20 });
    return this.page.evaluate((text) => globalThis.shown.get(text), body);
  }

  /** When the last Enter was pressed here, by the same clock. */
  enteredAt() {
    return this.page.evaluate(() => globalThis.entered);
  }

  photograph(title, sizes) {
    return picture(this.page, `chat-${title}`, sizes);
  }
}

/** In the page, before anything else: notes when Enter was pressed, and when each message stood in the page. */
function stopwatch() {
  const now = () => performance.timeOrigin + performance.now();
  const shown = new Map();
  Object.assign(globalThis, { shown, entered: 0 });
  addEventListener("keydown", (event) => {
    if (event.key === "Enter") globalThis.entered = performance.timeOrigin + event.timeStamp;
  }, true);
  const look = () => {
    for (const message of [...document.querySelectorAll("[role=log] [data-key]")].slice(-3)) {
      const body = message.textContent?.match(/#\d+#/)?.[0];
      if (body && !shown.has(body)) shown.set(body, now());
    }
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true });
}

/** Two people with the chat page open, and a direct room of theirs, which has one message. */
export async function two(t, where, { Person, name }, options = {}) {
  const [ann, bob] = await Promise.all(["ann", "bob"].map((base) => Person.at(t, where, name(base), options)));
  const first = await where.gateway.backend("POST", "/v1/messages", { from: ann.user, to: bob.user, body: "Good morning" });
  const [hers, his] = await Promise.all([ann, bob].map((person) => Chat.of(person, options.query)));
  await Promise.all([hers, his].map((chat) => chat.live()));
  return { ann, bob, hers, his, room: first.room };
}
