/** A face for a user or a group: initials on a colour of its own, a dot for who is online. */

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { ifDefined } from "../vendor/lit-html/directives/if-defined.js";

import { icon } from "./icons.js";
import { hueOf, initials, nameOf } from "./names.js";

/** @typedef {{size?: "tiny" | "small" | "large" | "", online?: boolean, group?: boolean, title?: string}} AvatarOptions */

/**
 * Decoration: the name stands beside it, or the caller gives it a title.
 * @param {string} id whose colour @param {AvatarOptions} [options]
 */
export function avatar(id, { size = "", online, group = false, title } = {}) {
  const inside = group ? icon("group") : initials(nameOf(id));
  const dot = online === undefined ? undefined : String(online);
  return html`<span class="avatar ${size}" data-hue=${hueOf(id)} data-online=${ifDefined(dot)}
    title=${title ?? nothing} aria-hidden="true">${inside}</span>`;
}
