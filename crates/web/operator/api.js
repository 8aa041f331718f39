/** What the page asks of the gateway besides: mailboxes, and their end. */

import { authorization } from "./credential.js";

const PATIENCE_MS = 15_000;

/** @typedef {{user: string, session: string | null, ready: number, unacked: number | null, consumers: number, alarm: boolean}} Mailbox */
/** @typedef {{mailboxes: Mailbox[], total_ready: number}} Mailboxes */

/** An answer that is no success. */
export class Refused extends Error {
  /** @param {number} status @param {string} detail */
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }

  /** Another credential may do. */
  get wantsCredential() {
    return this.status === 401 || this.status === 403;
  }
}

/** @param {string} method @param {string} path @param {AbortSignal} [signal] */
async function ask(method, path, signal) {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const response = await fetch(path, {
    method,
    headers: authorization(),
    signal: signal ? AbortSignal.any([signal, patience]) : patience,
    cache: "no-store",
  }).catch(() => {
    throw new Refused(0, "The gateway does not answer.");
  });
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  throw new Refused(response.status, problem.detail ?? problem.title ?? `The gateway answered ${response.status}.`);
}

/** @param {{user: string, most: number}} wanted @param {AbortSignal} [signal] @returns {Promise<Mailboxes>} */
export async function deepest({ user, most }, signal) {
  const query = new URLSearchParams({ limit: String(most) });
  if (user) query.set("user", user);
  return (await ask("GET", `/v1/mailboxes?${query}`, signal)).json();
}

/** @param {Mailbox} mailbox */
export async function purge({ user, session }) {
  const query = session === null ? "" : `?session=${encodeURIComponent(session)}`;
  await ask("DELETE", `/v1/mailboxes/${encodeURIComponent(user)}${query}`);
}
