/** The real gateway on the embedded pair, in a folder of its own. */

import { spawn } from "node:child_process";
import { createHmac, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const ROOT = resolve(import.meta.dirname ?? ".", "../../../..");
const BINARY = resolve(ROOT, process.env.POLLGATE_BIN ?? "target/debug/pollgate");
const START_MS = 30_000;

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** The environment without the gateway's own settings: what is set for another one must not reach this one. */
function foreign(environment) {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith("POLLGATE_")));
}

export class Gateway {
  #child = null;
  #secret = randomUUID() + randomUUID();

  static async make() {
    const gateway = new Gateway();
    gateway.home = await mkdtemp(join(tmpdir(), "pollgate-web-"));
    gateway.address = `127.0.0.1:${await freePort()}`;
    gateway.operator = `127.0.0.1:${await freePort()}`;
    gateway.url = `http://${gateway.address}`;
    return gateway;
  }

  /** Starts it, and comes back when it is ready. */
  async start() {
    const child = spawn(BINARY, ["serve"], {
      cwd: this.home,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...foreign(process.env),
        POLLGATE_HTTP__LISTEN: this.address,
        POLLGATE_HTTP__OPERATOR_LISTEN: this.operator,
        POLLGATE_STORE__URL: `sqlite://${join(this.home, "pollgate.db")}`,
        POLLGATE_BROKER__KIND: "memory",
        POLLGATE_AUTH__JWT__HS256_SECRET: this.#secret,
      },
    });
    this.#child = child;
    const log = createWriteStream(join(this.home, "log"), { flags: "a" });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    await once(child, "spawn");
    const deadline = Date.now() + START_MS;
    while (!(await this.#ready())) {
      if (child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`the gateway did not start:\n${await readFile(join(this.home, "log"), "utf8")}`);
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

  /** As a crash would: no farewell. */
  async kill() {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  async remove() {
    await this.kill();
    await rm(this.home, { recursive: true, force: true });
  }

  token(user) {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const exp = Math.floor(Date.now() / 1000) + 3600;
    const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: user, exp, scope: "user" })}`;
    return `${signed}.${createHmac("sha256", this.#secret).update(signed).digest("base64url")}`;
  }
}
