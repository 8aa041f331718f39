/** The token: had from its source when it is needed, renewed once at a time. */

import { Problem } from "./problem.js";

/** A hook that has not answered by then is taken to have failed; what it brings later is not waited for. */
const HOOK_MS = 20_000;

export class Token {
  #source;
  #lost;
  /** @type {string|null} */ #value = null;
  /** @type {Promise<string>|null} */ #coming = null;
  #said = false;

  /**
   * @param {import("./types.js").TokenSource} source
   * @param {() => void} lost  called when there is no good token any more
   */
  constructor(source, lost) {
    this.#source = source;
    this.#lost = lost;
    if (typeof source === "string") this.#value = source;
  }

  /**
   * Does the work with the token; once more, with another token, when the gateway does not take it.
   * @template T
   * @param {(token: string) => Promise<T>} work  rejects with a `Problem` of status 401 when the token is not good
   * @param {AbortSignal} [signal]
   * @returns {Promise<T>}
   */
  async use(work, signal) {
    const token = this.#value ?? (await this.#ask(false, signal));
    signal?.throwIfAborted();
    try {
      return await work(token);
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 401) throw error;
      if (typeof this.#source === "string") return this.#lose(error);
      // Another request may have brought a new one meanwhile.
      const fresh = this.#value !== null && this.#value !== token ? this.#value : await this.#ask(error.code === "token-expired", signal);
      signal?.throwIfAborted();
      return await work(fresh).catch((again) => {
        if (again instanceof Problem && again.status === 401) return this.#lose(again);
        throw again;
      });
    }
  }

  /** @param {boolean} expired @param {AbortSignal} [signal] whoever asks may give up before it is there @returns {Promise<string>} */
  #ask(expired, signal) {
    if (this.#coming === null) {
      this.#coming = this.#fetch(expired).finally(() => (this.#coming = null));
      // All who wait for it may have given up by the time it fails.
      this.#coming.catch(() => {});
    }
    return unlessAborted(this.#coming, signal);
  }

  /** @param {boolean} expired */
  async #fetch(expired) {
    const source = this.#source;
    if (typeof source === "string") return source;
    this.#value = null;
    /** @type {unknown} */
    let token;
    try {
      token = await inTime(async () => source({ expired }));
    } catch (cause) {
      // The page's own server cannot be reached: no reason to give up, and nothing to do but to try later.
      throw cause instanceof Problem ? cause : new Problem({ code: "token", detail: "The token could not be renewed", cause });
    }
    if (typeof token !== "string" || token === "") {
      return this.#lose(new Problem({ status: 401, code: "unauthenticated", detail: "There is no token" }));
    }
    this.#value = token;
    this.#said = false;
    return token;
  }

  /** @param {Problem} problem @returns {never} */
  #lose(problem) {
    if (typeof this.#source !== "string") this.#value = null;
    if (!this.#said) {
      this.#said = true;
      this.#lost();
    }
    throw problem;
  }
}

/** @param {() => Promise<unknown>} work @returns {Promise<unknown>} */
function inTime(work) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Problem({ code: "token", detail: `No token in ${HOOK_MS / 1000} s` })),
      HOOK_MS,
    );
    work().then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/**
 * @template T
 * @param {Promise<T>} promise @param {AbortSignal} [signal] @returns {Promise<T>}
 */
function unlessAborted(promise, signal) {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    if (signal.aborted) return leave();
    signal.addEventListener("abort", leave, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}
