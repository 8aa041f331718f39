/** The visitor's widget and the agents' dashboard, by what a user finds there. */

import { photograph as picture } from "../people.js";

export const DESK = "demo-support";

export class Visitor {
  /** @param {import("playwright-core").Page} page */
  constructor(page) {
    this.page = page;
    this.host = page.locator("pollgate-support");
    this.dialog = page.getByRole("dialog", { name: "Halden help" });
    this.log = this.dialog.getByRole("log");
    this.text = this.dialog.getByRole("textbox", { name: "Write a message" });
    this.launcher = page.getByRole("button", { name: /^Open chat: Halden help/ });
  }

  /** @param {import("../people.js").Person} person */
  static async of(person) {
    return new Visitor(await person.opens(`/demo/support/#${person.user}=${person.token}`));
  }

  async opens() {
    await this.launcher.click();
    await this.dialog.waitFor();
  }

  async write(body) {
    await this.text.fill(body);
    await this.text.press("Enter");
  }

  /** The room of the conversation that is open, once there is one. */
  async room() {
    await this.page.waitForFunction(() => document.querySelector("pollgate-support")?.dataset.room);
    return this.host.getAttribute("data-room");
  }

  says(text) {
    return this.log.getByText(text).first();
  }

  photograph(title, sizes) {
    return picture(this.page, `support-visitor-${title}`, sizes);
  }
}

export class Agent {
  /** @param {import("../people.js").Person} person @param {import("playwright-core").Page} page */
  constructor(person, page) {
    this.person = person;
    this.page = page;
    this.main = page.getByRole("main");
    this.queue = page.getByRole("navigation", { name: "Queue" });
    this.list = page.getByRole("list", { name: "Conversations" });
    this.text = page.getByRole("textbox", { name: "Write an answer" });
  }

  /** Somebody who serves the desk, at the dashboard. @param {import("../people.js").Person} person */
  static async of(person) {
    await person.gateway.backend("PUT", `/v1/desks/${DESK}/agents/${person.user}`);
    return new Agent(person, await person.opens(`/demo/support/agents.html#${person.user}=${person.token}`));
  }

  item(room) {
    return this.list.locator(`li[data-room="${room}"]`);
  }

  async looksAt(room) {
    await this.item(room).getByRole("button").first().click();
  }

  async views(which) {
    await this.queue.getByRole("button", { name: new RegExp(`^${which}`) }).click();
  }

  button(name) {
    return this.page.getByRole("button", { name, exact: true });
  }

  async write(body) {
    await this.text.fill(body);
    await this.text.press("Enter");
  }

  says(text) {
    return this.page.getByRole("log").getByText(text).first();
  }

  photograph(title, sizes) {
    return picture(this.page, `support-agent-${title}`, sizes);
  }
}
