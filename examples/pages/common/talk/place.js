/**
 * Keeps the reader's place in a scroller whose content changes above and below: older messages come in on top, pictures
 * get their height, the composer grows. At the end it stays at the end; anywhere else, the first message that shows whole does
 * not move by a pixel. The browser's own anchoring is off (`overflow-anchor: none`): it gives up at the very top, where older
 * messages come in, and not every browser has it.
 */

const NEAR_END_PX = 48;

export class Place {
  #scroller;
  #content;
  #items;
  /** @type {{element: Element, offset: number} | null} */ #anchor = null;
  #atEnd = true;
  #top = 0;
  #moved;
  /** @type {ResizeObserver} */ #sizes;

  /**
   * @param {HTMLElement} scroller @param {HTMLElement} content what is in it
   * @param {{items: string, moved?: () => void}} options `items` selects what may hold the place
   */
  constructor(scroller, content, { items, moved = () => {} }) {
    this.#scroller = scroller;
    this.#content = content;
    this.#items = items;
    this.#moved = moved;
    scroller.addEventListener("scroll", this.#scrolled, { passive: true });
    this.#sizes = new ResizeObserver(() => this.restore());
    this.#sizes.observe(scroller);
    this.#sizes.observe(content);
  }

  get atEnd() {
    return this.#atEnd;
  }

  end() {
    this.#scroller.removeEventListener("scroll", this.#scrolled);
    this.#sizes.disconnect();
  }

  /** To be called before the content changes: a scroll may have happened whose event has not come yet. */
  note() {
    if (Math.abs(this.#scroller.scrollTop - this.#top) >= 1) this.#look();
  }

  /** Puts the reader back to where they were. */
  restore() {
    const { scrollHeight, clientHeight } = this.#scroller;
    if (this.#atEnd) this.#scrollTo(scrollHeight - clientHeight);
    else if (this.#anchor?.element.isConnected) {
      // The reader may have gone on since the last look, whose event is still to come.
      const gone = this.#scroller.scrollTop - this.#top;
      const shift = this.#offset(this.#anchor.element) - (this.#anchor.offset - gone);
      if (Math.abs(shift) >= 0.5) this.#scrollTo(this.#scroller.scrollTop + shift);
    }
    this.#top = this.#scroller.scrollTop;
    this.#anchor = this.#find();
    this.#moved();
  }

  /** @param {{smooth?: boolean}} [options] */
  toEnd({ smooth = false } = {}) {
    this.#atEnd = true;
    const top = this.#scroller.scrollHeight - this.#scroller.clientHeight;
    if (smooth) this.#scroller.scrollTo({ top, behavior: "smooth" });
    else this.#scrollTo(top);
    this.#moved();
  }

  /** Shows an element at a part of the height. @param {Element} element @param {number} [part] 0 is the upper edge */
  show(element, part = 0.3) {
    const wanted = this.#scroller.scrollTop + this.#offset(element) - this.#scroller.clientHeight * part;
    this.#atEnd = false;
    this.#scrollTo(wanted);
    this.#look();
    this.#moved();
  }

  #scrolled = () => {
    this.#look();
    this.#moved();
  };

  /** @param {number} top */
  #scrollTo(top) {
    this.#scroller.scrollTop = top;
    this.#top = this.#scroller.scrollTop;
  }

  #look() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const towardsEnd = scrollTop >= this.#top;
    this.#top = scrollTop;
    const left = scrollHeight - scrollTop - clientHeight;
    // A smooth way down to the end passes through the middle; a step upwards leaves the end at once.
    this.#atEnd = left < (towardsEnd ? NEAR_END_PX : 2) || (this.#atEnd && towardsEnd);
    this.#anchor = this.#find();
  }

  /** @param {Element} element */
  #offset(element) {
    return element.getBoundingClientRect().top - this.#scroller.getBoundingClientRect().top;
  }

  /**
   * The first item that begins below the upper edge: one that is cut by it may still grow (a picture), and what is read is
   * below. Found by halving, as they stand in order.
   */
  #find() {
    const items = this.#content.querySelectorAll(this.#items);
    const { top, bottom } = this.#scroller.getBoundingClientRect();
    let low = 0;
    let high = items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (items[middle].getBoundingClientRect().top >= top) high = middle;
      else low = middle + 1;
    }
    // One that is taller than all that shows has to do itself.
    const whole = items[low] && items[low].getBoundingClientRect().top < bottom;
    const element = items[whole ? low : Math.max(0, low - 1)];
    return element ? { element, offset: this.#offset(element) } : null;
  }
}
