/**
 * The support widget: a shop embeds this module with one script tag, whose attributes README.md describes. It looks for
 * its own tag, puts one element at the end of the page, and touches nothing else.
 */

import { Misuse, ownTag, read } from "./widget/options.js";
import { mount } from "./widget/element.js";

const tag = ownTag(import.meta.url, document);
if (tag) {
  try {
    await mount(read(tag.dataset, import.meta.url, document.baseURI));
  } catch (error) {
    // A shop goes on without its chat; whoever embedded it finds the reason in the console.
    console.error(error instanceof Misuse ? `pollgate support: ${error.message}` : error);
  }
}

export { mount };
