/**
 * Requests to the gateway, with the caller's token on each.
 *
 * Rules it lives by:
 * - the token's hook is called once at a time, whoever needs a token, and a request is tried once more with the new one;
 * - a token that cannot be renewed is said once, as `signed-out`, and the next request asks the hook anew;
 * - whatever goes wrong is a `Problem`, but for the caller's own abort, which is thrown as it is.
 */

import { joined } from "./clock.js";
import { Problem, retryAfter } from "./problem.js";
import { Token } from "./token.js";
import { send } from "./upload.js";

const PATIENCE_MS = 20_000;

/**
 * @typedef {object} ApiOptions
 * @property {string} user
 * @property {import("./types.js").TokenSource} token
 * @property {string} [url]   the gateway's origin; empty: the page's
 * @property {typeof globalThis.fetch} [fetch]
 * @property {() => XMLHttpRequest} [xhr]  makes the request of an upload
 *
 * @typedef {object} RequestOptions
 * @property {Record<string, string|number|boolean|undefined|null|string[]>|URLSearchParams} [query]  what is undefined or null is left out
 * @property {unknown} [body]          sent as JSON
 * @property {AbortSignal} [signal]
 * @property {boolean} [keepalive]     finish it also when the page goes away
 * @property {Record<string, string>} [headers]
 * @property {number} [patienceMs]     without an answer for so long it counts as lost
 */

export class Api extends EventTarget {
  #fetch;
  #xhr;
  #token;
  /** @type {Map<string, {remaining: number, resetMs: number, at: number}>} */ #rates = new Map();

  /** @param {ApiOptions} options */
  constructor({ user, token, url = "", fetch = globalThis.fetch, xhr = () => new XMLHttpRequest() }) {
    super();
    this.user = user;
    this.url = url.replace(/\/+$/, "");
    this.#fetch = fetch.bind(globalThis);
    this.#xhr = xhr;
    this.#token = new Token(token, () => this.dispatchEvent(new Event("signed-out")));
  }

  /**
   * @param {string} method @param {string} path  such as `/v1/rooms`
   * @param {RequestOptions} [options]
   * @returns {Promise<any>} the JSON of the answer; null where there is none
   */
  async request(method, path, { patienceMs = PATIENCE_MS, signal, ...options } = {}) {
    return this.#inTime(patienceMs, signal, async (both) => {
      const response = await this.open(method, path, { ...options, signal: both });
      if (response.status === 204) return null;
      const text = await response.text();
      try {
        return text === "" ? null : JSON.parse(text);
      } catch (cause) {
        // A captive portal's page, with status 200.
        throw Problem.network(cause, "The answer is not the gateway's");
      }
    });
  }

  /**
   * The answer itself, its body not read yet; for streams, whose end the caller's signal says.
   * @param {string} method @param {string} path @param {Omit<RequestOptions, "patienceMs">} [options]
   * @returns {Promise<Response>} with a status of success
   */
  async open(method, path, { query, body, signal, keepalive, headers } = {}) {
    const init = {
      method,
      signal,
      keepalive,
      cache: /** @type {RequestCache} */ ("no-store"),
      body: body === undefined ? undefined : JSON.stringify(body),
    };
    const fields = { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers };
    return this.#token.use(async (token) => {
      const authorization = `Bearer ${token}`;
      const response = await this.#reach(this.address(path, query), { ...init, headers: { ...fields, authorization } }, signal);
      this.#note(response.headers);
      if (!response.ok) throw await Problem.of(response);
      return response;
    }, signal);
  }

  /**
   * @param {File|Blob} file
   * @param {{onProgress?: (progress: {loaded: number, total: number}) => void, signal?: AbortSignal}} [options]
   * @returns {Promise<{id: string, name: string, media_type: string, size: number}>}
   */
  upload(file, { onProgress, signal } = {}) {
    return this.#token.use(
      (token) => send(this.#xhr(), this.address("/v1/attachments"), { file, token, onProgress, signal }),
      signal,
    );
  }

  /** @param {string} path @param {{signal?: AbortSignal}} [options] @returns {Promise<Blob>} */
  async blob(path, { signal } = {}) {
    const response = await this.open("GET", path, { signal });
    try {
      return await response.blob();
    } catch (cause) {
      throw signal?.aborted ? cause : Problem.network(cause);
    }
  }

  /** @param {string} path @param {RequestOptions["query"]} [query] */
  address(path, query) {
    const text = (query instanceof URLSearchParams ? query : encoded(query ?? {})).toString();
    return `${this.url}${path}${text ? `?${text}` : ""}`;
  }

  /**
   * What the gateway last said of a throttle class, such as `messages`.
   * @param {string} name @returns {{remaining: number, resetMs: number, at: number}|undefined}
   */
  rate(name) {
    return this.#rates.get(name);
  }

  /** @param {string} address @param {RequestInit} init @param {AbortSignal} [signal] */
  async #reach(address, init, signal) {
    try {
      return await this.#fetch(address, init);
    } catch (cause) {
      throw signal?.aborted ? cause : Problem.network(cause);
    }
  }

  /**
   * @template T
   * @param {number} ms @param {AbortSignal|undefined} signal @param {(signal: AbortSignal) => Promise<T>} work
   * @returns {Promise<T>}
   */
  async #inTime(ms, signal, work) {
    const both = joined([signal]);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      both.abort();
    }, ms);
    try {
      return await work(both.signal);
    } catch (error) {
      if (late) throw Problem.network(error, `No answer in ${Math.round(ms / 1000)} s`);
      if (error instanceof Problem || signal?.aborted) throw error;
      throw Problem.network(error);
    } finally {
      clearTimeout(timer);
      both.release();
    }
  }

  /** `RateLimit: "messages";r=59;t=1` @param {Headers} headers */
  #note(headers) {
    for (const [, name, r, t] of (headers.get("ratelimit") ?? "").matchAll(/"([^"]+)"\s*;\s*r=(\d+)\s*;\s*t=(\d+)/g)) {
      this.#rates.set(name, { remaining: Number(r), resetMs: Number(t) * 1000, at: Date.now() });
    }
  }
}

/** @param {Record<string, any>} query */
function encoded(query) {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null) continue;
    for (const one of Array.isArray(value) ? value : [value]) params.append(name, String(one));
  }
  return params;
}

export { Problem, retryAfter };
