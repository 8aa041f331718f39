/**
 * Server-Sent Events, read by `fetch`: unlike an `EventSource` it sends the token in a header, sees the heartbeats, and
 * hears the status of a refusal.
 *
 * A stream that is silent for longer than its heartbeat allows is dead. One whose first byte does not come is held back
 * by a proxy, and no stream.
 */

import { Silence, joined } from "../clock.js";
import { Problem } from "../problem.js";
import { Frames } from "./frames.js";

const HEARTBEAT_MS = 30_000;
const SILENT_MS = 1.2 * HEARTBEAT_MS;
const FIRST_BYTE_MS = 3_000;

/** @implements {Transport} @typedef {import("../types.js").Transport} Transport */
export class Sse {
  name = /** @type {const} */ ("sse");
  #api;
  #session;
  #presence;

  /** @param {{api: import("../api.js").Api, session: string, presence?: boolean}} options */
  constructor({ api, session, presence = false }) {
    this.#api = api;
    this.#session = session;
    this.#presence = presence;
  }

  /** @param {import("../types.js").LegOptions} leg @returns {Promise<import("../types.js").Ending>} */
  async run({ cursor, take, opened, signal }) {
    const both = joined([signal]);
    let isOpen = false;
    let silent = false;
    const silence = new Silence(() => {
      silent = true;
      both.abort();
    });
    const heard = () => {
      silence.within(SILENT_MS);
      if (isOpen) return;
      isOpen = true;
      opened();
    };
    silence.within(FIRST_BYTE_MS);
    try {
      const stream = await this.#open(cursor(), both.signal);
      return await this.#read(stream, { take, heard, signal });
    } catch (error) {
      if (signal.aborted) return { why: "closed" };
      if (silent && isOpen) return { why: "silent" };
      if (silent) throw new Problem({ code: "buffered", detail: "Nothing comes through: a proxy may hold it back" });
      if (error instanceof Problem || error instanceof Refused) throw error instanceof Refused ? error.cause : error;
      // The connection broke in the middle, which streams do.
      if (isOpen) return { why: "closed" };
      throw Problem.network(error);
    } finally {
      silence.stop();
      both.abort();
      both.release();
    }
  }

  /** @param {string} cursor @param {AbortSignal} signal */
  async #open(cursor, signal) {
    /** @type {Record<string, string>} */
    const headers = { accept: "text/event-stream" };
    if (cursor) headers["last-event-id"] = cursor;
    const query = { session: this.#session, presence: this.#presence || undefined };
    const response = await this.#api.open("GET", "/v1/stream", { query, headers, signal });
    if (!response.body || !(response.headers.get("content-type") ?? "").startsWith("text/event-stream")) {
      throw new Problem({ status: response.status, code: "no-stream", detail: "The answer is no stream" });
    }
    return response.body;
  }

  /**
   * @param {ReadableStream<Uint8Array>} stream
   * @param {{take: import("../types.js").LegOptions["take"], heard: () => void, signal: AbortSignal}} leg
   * @returns {Promise<import("../types.js").Ending>}
   */
  async #read(stream, { take, heard, signal }) {
    const frames = new Frames();
    const decoder = new TextDecoder();
    const reader = stream.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (signal.aborted || done) return { why: "closed" };
      heard();
      for (const frame of frames.push(decoder.decode(value, { stream: true }))) {
        const ending = await taken(frame, take);
        if (signal.aborted) return { why: "closed" };
        if (ending) return ending;
      }
    }
  }
}

/** What `take` rejected with: no fault of the stream. */
class Refused extends Error {
  /** @param {unknown} cause */
  constructor(cause) {
    super("", { cause });
  }
}

/**
 * @param {import("./frames.js").Frame} frame @param {import("../types.js").LegOptions["take"]} take
 * @returns {Promise<import("../types.js").Ending|null>}
 */
async function taken(frame, take) {
  if (frame.data === "") return null;
  const data = JSON.parse(frame.data);
  // An event of an application may be called `end` or `resync`, too; it has an id, the gateway's frames have none.
  if (data.id === undefined && typeof data.end === "string") return { why: data.end, pauseMs: data.pause_ms };
  const resync = data.id === undefined && data.resync === true;
  if (!resync && data.type === undefined) return null;
  try {
    await take({ events: resync ? [] : [data], resync, cursor: frame.id ?? "" });
  } catch (error) {
    throw new Refused(error);
  }
  return null;
}
