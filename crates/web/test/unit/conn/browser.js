/** The tabs of one browser, each with its link, at a gateway whose held poll the test answers. */

import { Api } from "../../../client/api.js";
import { Link } from "../../../client/link.js";
import { FakeChannels, FakeGateway, FakeLocks, FakeShelf, FakeWorld, polled, problem, settle } from "./fakes.js";

/** A gateway whose held poll the test answers. */
class Pushing extends FakeGateway {
  holdMs = 5_500;
  #waiting = [];
  constructor() {
    super();
    const poll = this.fetch;
    this.fetch = async (url, init) => {
      const query = new URL(url).searchParams;
      if (!url.includes("/v1/poll") || query.get("wait") === "0" || this.answers.length > 0) return poll(url, init);
      const answered = new Promise((resolve) => this.#waiting.push(resolve));
      this.answers.push((signal) => Promise.race([answered, new Promise((_, refuse) => signal.addEventListener("abort", () => refuse(signal.reason)))]));
      return poll(url, init);
    };
  }
  /** Tells the first poll that another loop has the mailbox. */
  async supersede() {
    this.#waiting.shift()(problem(409, "superseded"));
    await settle();
  }
  /** Answers the last poll. */
  async push(events, more) {
    this.#waiting.pop()(polled(events, more));
    await settle();
  }
}

export function browser(gateway = new Pushing()) {
  const locks = new FakeLocks();
  const channels = new FakeChannels();
  const shelf = new FakeShelf();
  const all = [];
  const open = (options = {}) => {
    const lock = locks.tab();
    const { make, state } = channels.tab();
    const world = FakeWorld.make();
    const api = new Api({ user: "ann", token: "t", url: "http://gateway", fetch: (...request) => (state.open && !state.frozen ? gateway.fetch(...request) : new Promise(() => {})) });
    const link = new Link({ api, user: "ann", locks: lock, channel: make, world, shelf, random: () => 0.5, WebSocket: gateway.WebSocket, ...options });
    const told = { events: [], resyncs: [], states: [] };
    link.addEventListener("event", ({ detail }) => told.events.push(detail.id));
    link.addEventListener("state", ({ detail }) => told.states.push(detail.state));
    link.addEventListener("resync", ({ detail }) => {
      told.resyncs.push(detail.reason);
      if (options.resync) detail.wait(options.resync());
    });
    const freeze = (frozen) => {
      state.frozen = frozen;
      lock[frozen ? "freeze" : "thaw"]();
    };
    const crash = () => {
      state.open = false;
      lock.crash();
    };
    const tab = { link, told, world, state, freeze, crash };
    all.push(tab);
    link.start();
    return tab;
  };
  const end = () => all.forEach(({ link }) => link.stop());
  return { gateway, open, end, shelf, channels };
}
