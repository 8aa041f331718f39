/** Server-Sent Events out of a stream of text, by the rules of the HTML standard. */

const MOST_CHARS = 16 * 1024 * 1024;

/** @typedef {{id: string|undefined, event: string, data: string, retry: number|undefined}} Frame */

export class Frames {
  #rest = "";
  #first = true;
  #frame = empty();

  /** @param {string} text @returns {Frame[]} those that are complete by now; also such as have no data */
  push(text) {
    if (this.#first && text) {
      this.#first = false;
      if (text.startsWith("\uFEFF")) text = text.slice(1);
    }
    this.#rest += text;
    if (this.#rest.length > MOST_CHARS) throw new RangeError("A frame without an end");
    /** @type {Frame[]} */
    const complete = [];
    // A carriage return at the very end may be half of a line's end: it waits for what follows.
    const lines = this.#rest.split(/\r\n|\n|\r(?!$)/);
    this.#rest = /** @type {string} */ (lines.pop());
    for (const line of lines) {
      if (line !== "") this.#take(line);
      else if (this.#frame.some) {
        const { id, event, data, retry } = this.#frame;
        complete.push({ id, event, data: data.join("\n"), retry });
        this.#frame = empty();
      }
    }
    return complete;
  }

  /** @param {string} line */
  #take(line) {
    const colon = line.indexOf(":");
    if (colon === 0) return; // a comment: a heartbeat
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    const frame = this.#frame;
    if (name === "data") frame.data.push(value);
    else if (name === "id") frame.id = value;
    else if (name === "event") frame.event = value;
    else if (name === "retry" && /^\d+$/.test(value)) frame.retry = Number(value);
    else return;
    frame.some = true;
  }
}

function empty() {
  return {
    some: false,
    id: /** @type {string|undefined} */ (undefined),
    event: "message",
    data: /** @type {string[]} */ ([]),
    retry: /** @type {number|undefined} */ (undefined),
  };
}
