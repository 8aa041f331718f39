/** The real gateway, in a folder of its own, on either pair. Its address stays over restarts. */

import { spawn } from "node:child_process";
import { createHmac, randomInt, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { backends } from "./backends.js";
import { leaves } from "./leftovers.js";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
const BINARY = resolve(ROOT, process.env.POLLGATE_BIN ?? "target/debug/pollgate");
const START_MS = 30_000;
/** Below what the system gives to outgoing connections: one of those could hold the port of a gateway that restarts. */
const PORTS = [15_000, 31_000];

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort() {
  for (;;) {
    const port = randomInt(...PORTS);
    const server = createServer().listen(port, "127.0.0.1");
    const free = await Promise.race([once(server, "listening").then(() => true), once(server, "error").then(() => false)]);
    if (!free) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}

/** The environment without the gateway's own settings: what is set for another one must not reach this one. */
function foreign(environment) {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith("POLLGATE_")));
}

export class Gateway {
  /** @type {import("node:child_process").ChildProcess|null} */ #child = null;
  #secret = randomUUID() + randomUUID();
  #env = {};
  #backends;
  /** @type {() => void} */ #removed = () => {};

  /**
   * @param {{pair?: string, env?: Record<string, string>}} [options] `env`: settings, such as `POLLGATE_POLL__HOLD_MS`
   */
  static async make({ pair = "embedded", env = {} } = {}) {
    const gateway = new Gateway();
    gateway.pair = pair;
    gateway.home = await mkdtemp(join(tmpdir(), "pollgate-web-"));
    gateway.address = `127.0.0.1:${await freePort()}`;
    gateway.operator = `127.0.0.1:${await freePort()}`;
    gateway.url = `http://${gateway.address}`;
    gateway.#backends = await backends(pair, gateway.home);
    gateway.#removed = leaves(() => gateway.remove());
    gateway.#env = {
      POLLGATE_HTTP__LISTEN: gateway.address,
      POLLGATE_HTTP__OPERATOR_LISTEN: gateway.operator,
      POLLGATE_AUTH__JWT__HS256_SECRET: gateway.#secret,
      ...gateway.#backends.env,
      ...env,
    };
    return gateway;
  }

  /** Makes one and starts it. @param {Parameters<typeof Gateway.make>[0]} [options] */
  static async started(options) {
    for (;;) {
      const gateway = await Gateway.make(options);
      try {
        await gateway.start();
        return gateway;
      } catch (error) {
        await gateway.remove();
        // somebody else took the port after we had looked
        if (!String(error).includes("Address already in use")) throw error;
      }
    }
  }

  /** Starts it, and comes back when it is ready. @param {Record<string, string>} [more] settings from now on */
  async start(more = {}) {
    Object.assign(this.#env, more);
    const env = { ...foreign(process.env), ...this.#env };
    const child = spawn(BINARY, ["serve"], { cwd: this.home, stdio: ["ignore", "pipe", "pipe"], env });
    this.#child = child;
    const log = createWriteStream(join(this.home, "log"), { flags: "a" });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    await once(child, "spawn");
    const deadline = Date.now() + START_MS;
    while (!(await this.#ready())) {
      if (child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`the gateway did not start:\n${await this.log()}`);
      }
      await pause(50);
    }
  }

  async #ready() {
    try {
      return (await fetch(`http://${this.operator}/readyz`, { signal: AbortSignal.timeout(1000) })).ok;
    } catch {
      return false;
    }
  }

  /** What it has written so far. */
  log() {
    return readFile(join(this.home, "log"), "utf8");
  }

  /** As a crash would: no farewell. */
  kill() {
    return this.#end("SIGKILL");
  }

  /** As an operator would: it drains, and ends within its grace time. */
  stop() {
    return this.#end("SIGTERM");
  }

  async #end(signal) {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  async remove() {
    await this.kill();
    await this.#backends.remove();
    await rm(this.home, { recursive: true, force: true });
    this.#removed();
  }

  /**
   * A token of this gateway's own.
   * @param {string} user
   * @param {{scope?: string, seconds?: number}} [options]
   */
  token(user, { scope = "user", seconds = 3600 } = {}) {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const exp = Math.floor(Date.now() / 1000) + seconds;
    const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: user, exp, scope })}`;
    return `${signed}.${createHmac("sha256", this.#secret).update(signed).digest("base64url")}`;
  }

  /** A request in a user's name; throws unless it is answered 2xx. */
  async call(user, method, path, body, options) {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token(user, options)}`, "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }

  /** A request of a back end: it acts in a user's name by `from`, and nothing throttles it. */
  backend(method, path, body) {
    return this.call("backend", method, path, body, { scope: "publish" });
  }

  /** `count` messages that were said before, oldest first; `text` makes each. Many at once: their order is their `seq`. */
  async said(from, to, count, text = (n) => `Message ${n}`) {
    const target = typeof to === "string" ? { to } : to;
    let last;
    for (let n = 1; n <= count; n += 1) last = await this.backend("POST", "/v1/messages", { ...target, from, body: text(n) });
    return last;
  }
}
