/** Which conversation is open stands in the address, so that a reload and the back button find it. */

/** @typedef {{room?: string, to?: string}} Place */

export class Route extends EventTarget {
  constructor() {
    super();
    addEventListener("popstate", () => this.dispatchEvent(new Event("change")));
  }

  get #query() {
    return new URL(location.href).searchParams;
  }

  get room() {
    return this.#query.get("room") ?? undefined;
  }

  /** Somebody with whom there is no room yet. */
  get to() {
    return this.#query.get("to") ?? undefined;
  }

  /** @param {Place} place nothing: the list */
  go(place) {
    if (place.room === this.room && place.to === this.to) return;
    // From one conversation to the next, back leads to the list, not through all that were looked at.
    const inside = Boolean(this.room ?? this.to);
    this.#write(place, inside ? "replaceState" : "pushState");
    this.dispatchEvent(new Event("change"));
  }

  /** The same conversation has got its room. @param {string} room */
  settle(room) {
    this.#write({ room }, "replaceState");
  }

  /** @param {Place} place @param {"pushState" | "replaceState"} how */
  #write(place, how) {
    const url = new URL(location.href);
    for (const name of /** @type {const} */ (["room", "to"])) {
      const value = place[name];
      if (value) url.searchParams.set(name, value);
      else url.searchParams.delete(name);
    }
    history[how](null, "", url.pathname + url.search);
  }
}
