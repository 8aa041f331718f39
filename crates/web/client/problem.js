/** Why a request failed, in the gateway's words where it has answered. */

const MOST_RETRY_AFTER_MS = 120_000;

/**
 * @typedef {object} ProblemOptions
 * @property {number} [status]         0: there was no answer
 * @property {string} [code]           of the gateway's list; `network`: it could not be reached; `token`: the hook failed
 * @property {string} [detail]
 * @property {number} [retryAfterMs]
 * @property {unknown} [cause]
 */

export class Problem extends Error {
  /** @param {ProblemOptions} options */
  constructor({ status = 0, code = "network", detail, retryAfterMs, cause }) {
    super(detail ?? (status ? `HTTP ${status}` : "The gateway cannot be reached"), cause === undefined ? {} : { cause });
    this.name = "Problem";
    this.status = status;
    this.code = code;
    this.detail = this.message;
    /** @type {number|undefined} */
    this.retryAfterMs = retryAfterMs;
  }

  /** As plain data, which passes from tab to tab. @returns {ProblemOptions} */
  toJSON() {
    const { status, code, detail, retryAfterMs } = this;
    return { status, code, detail, retryAfterMs };
  }

  /**
   * @param {Response} response  whose body is not read yet
   * @returns {Promise<Problem>}
   */
  static async of(response) {
    return Problem.from(response.status, await response.json().catch(() => null), retryAfter(response.headers));
  }

  /** @param {number} status @param {any} body @param {number} [retryAfterMs] */
  static from(status, body, retryAfterMs) {
    const seconds = Number(body?.retry_after);
    return new Problem({
      status,
      // A balancer's own error page has no code: the status says enough.
      code: typeof body?.code === "string" ? body.code : `http-${status}`,
      detail: body?.detail ?? body?.title,
      retryAfterMs: retryAfterMs ?? (body?.retry_after !== undefined && seconds >= 0 ? bounded(seconds * 1000) : undefined),
    });
  }

  /** The gateway has not answered. @param {unknown} cause @param {string} [detail] */
  static network(cause, detail) {
    return new Problem({ code: "network", detail, cause });
  }
}

/**
 * Seconds or an HTTP date, as milliseconds from now.
 * @param {{get(name: string): string|null}} headers
 * @returns {number|undefined}
 */
export function retryAfter(headers) {
  const text = headers.get("retry-after");
  if (!text) return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) ? bounded(ms) : undefined;
}

/** @param {number} ms */
const bounded = (ms) => Math.min(Math.max(ms, 0), MOST_RETRY_AFTER_MS);
