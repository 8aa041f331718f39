/** The two calls besides the poll: sending, and reading a room's history. */

const PATIENCE_MS = 10_000;

/** A refusal, with the gateway's own words. */
export class Refusal extends Error {
  /** @param {number} status @param {any} problem */
  constructor(status, problem) {
    super(problem?.detail ?? problem?.title ?? `HTTP ${status}`);
    this.status = status;
    this.code = problem?.code ?? null;
  }
}

async function call(token, path, init = {}) {
  const response = await fetch(path, {
    ...init,
    headers: { authorization: `Bearer ${token}`, ...init.headers },
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new Refusal(response.status, body);
  return body;
}

/** @param {string} token @param {{to: string, body: string, client_id: string}} message */
export function send(token, message) {
  return call(token, "/v1/messages", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(message),
  });
}

/**
 * A page of a room's messages, oldest first: the latest, or those after a `seq`.
 * @param {string} token @param {string} room @param {number} [after]
 */
export async function history(token, room, after) {
  const query = new URLSearchParams({ limit: "100" });
  if (after !== undefined) query.set("after", String(after));
  const page = await call(token, `/v1/rooms/${encodeURIComponent(room)}/messages?${query}`);
  return page.messages;
}
