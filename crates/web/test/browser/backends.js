/** What a gateway keeps its data in: the embedded pair in its folder, or a schema and a virtual host of its own. */

import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";

import { leaves } from "./leftovers.js";

const run = promisify(execFile);
const DATABASE = process.env.POLLGATE_TEST_POSTGRES || "postgres://root@127.0.0.1:5432/test";
const BROKER = process.env.POLLGATE_TEST_RABBITMQ || "amqp://guest:guest@127.0.0.1:5672";

/** The pairs that the browser tests run on; `POLLGATE_WEB_PAIRS=embedded` for one of them. */
export const PAIRS = (process.env.POLLGATE_WEB_PAIRS || "embedded,production").split(",");

/**
 * @param {string} pair `"embedded"` or `"production"`
 * @param {string} home the gateway's folder
 * @returns {Promise<{env: Record<string, string>, remove: () => Promise<void>}>}
 */
export async function backends(pair, home) {
  if (pair === "embedded") return embedded(home);
  if (pair === "production") return production();
  throw new Error(`there is no pair ${pair}`);
}

function embedded(home) {
  const env = { POLLGATE_STORE__URL: `sqlite://${join(home, "pollgate.db")}`, POLLGATE_BROKER__KIND: "memory" };
  return { env, remove: async () => {} };
}

async function production() {
  const name = `t${randomUUID().replaceAll("-", "")}`;
  const joint = DATABASE.includes("?") ? "&" : "?";
  const broker = new URL(BROKER);
  broker.pathname = `/${name}`;
  const made = Promise.all([
    sql(`create schema ${name}`),
    rabbitmqctl("add_vhost", name).then(() =>
      rabbitmqctl("set_permissions", "-p", name, broker.username || "guest", ".*", ".*", ".*")),
  ]);
  let removing;
  const remove = () => (removing ??= removed(name, made).finally(forget));
  const forget = leaves(remove);
  await made;
  const env = {
    POLLGATE_STORE__URL: `${DATABASE}${joint}options=-csearch_path%3D${name}`,
    POLLGATE_BROKER__KIND: "rabbitmq",
    POLLGATE_BROKER__URL: broker.href,
  };
  return { env, remove };
}

/** @param {string} name @param {Promise<unknown>} made what is still being made cannot be removed yet */
async function removed(name, made) {
  await made.catch(() => {});
  await Promise.all([
    sql(`set client_min_messages = error; drop schema if exists ${name} cascade`),
    rabbitmqctl("delete_vhost", name),
  ]);
}

const sql = (statement) => run("psql", [DATABASE, "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", statement]);
const rabbitmqctl = (...command) => run("rabbitmqctl", ["--silent", ...command]);
