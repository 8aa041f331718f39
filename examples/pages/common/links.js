/** Finds the addresses in a text, so that a page can show them as links. No markup is made of a text, ever. */

const ADDRESS = /\b(?:https?:\/\/|www\.)[^\s<>"'`{}|\\^]+/giu;
const TRAILING = /[.,;:!?…'"»”’]+$/u;

/** @typedef {{text: string, href?: string}} Piece */

/** A closing bracket belongs to the address only when it was opened there. @param {string} address */
function withoutTrailing(address) {
  let end = address;
  for (;;) {
    const cut = end.replace(TRAILING, "");
    const closed = /[)\]]$/.exec(cut)?.[0];
    const opener = closed === ")" ? "(" : "[";
    const unbalanced = closed && cut.split(closed).length > cut.split(opener).length;
    const next = unbalanced ? cut.slice(0, -1) : cut;
    if (next === end) return end;
    end = next;
  }
}

/** @param {string} text @returns {Piece[]} the text in pieces, in order; nothing is lost */
export function pieces(text) {
  /** @type {Piece[]} */ const found = [];
  let done = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = withoutTrailing(match[0]);
    const href = /^www\./i.test(address) ? `https://${address}` : address;
    if (!URL.canParse(href)) continue;
    if (match.index > done) found.push({ text: text.slice(done, match.index) });
    found.push({ text: address, href });
    done = match.index + address.length;
  }
  if (done < text.length) found.push({ text: text.slice(done) });
  return found;
}
