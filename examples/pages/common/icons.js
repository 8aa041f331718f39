/** Icons as inline SVG, 24 by 24, drawn with the colour of the text around them. Decoration: a button says its name itself. */

import { svg, html } from "../vendor/lit-html/lit-html.js";

const SHAPES = {
  send: svg`<path d="M4.5 12 3.6 5.2c-.1-.9.8-1.6 1.6-1.2l15 7.1c.8.4.8 1.5 0 1.9l-15 7.1c-.8.4-1.7-.3-1.6-1.2L4.5 12Zm0 0h7"/>`,
  attach: svg`<path d="m20 11.5-7.8 7.8a5 5 0 0 1-7-7l8.3-8.4a3.3 3.3 0 0 1 4.7 4.7l-8.3 8.3a1.7 1.7 0 0 1-2.4-2.3l7.2-7.2"/>`,
  search: svg`<circle cx="11" cy="11" r="6.5"/><path d="m20 20-4.2-4.2"/>`,
  close: svg`<path d="M6 6l12 12M18 6 6 18"/>`,
  back: svg`<path d="M15 5l-7 7 7 7"/>`,
  down: svg`<path d="M12 5v14M6 13l6 6 6-6"/>`,
  more: svg`<circle cx="12" cy="5.5" r=".6" fill="currentColor"/><circle cx="12" cy="12" r=".6" fill="currentColor"/><circle cx="12" cy="18.5" r=".6" fill="currentColor"/>`,
  chevron: svg`<path d="M7 10l5 5 5-5"/>`,
  plus: svg`<path d="M12 5v14M5 12h14"/>`,
  compose: svg`<path d="M12 5H6.5A2.5 2.5 0 0 0 4 7.5v10A2.5 2.5 0 0 0 6.5 20h10a2.5 2.5 0 0 0 2.5-2.5V12"/><path d="M17.7 3.8a1.770 1.770 0 0 1 2.5 2.5L13 13.5l-3.3.8.8-3.3 7.2-7.2Z"/>`,
  edit: svg`<path d="M4 20l.9-4L16.3 4.6a1.9 1.9 0 0 1 2.7 0l.4.4a1.9 1.9 0 0 1 0 2.7L8 19.1 4 20ZM14.5 6.5l3 3"/>`,
  reply: svg`<path d="M10 7 4.5 12.5 10 18M5 12.5h8.5A6 6 0 0 1 19.5 18.5"/>`,
  copy: svg`<rect x="8.5" y="8.5" width="11.5" height="11.5" rx="2.5"/><path d="M15.5 8.5V6.5A2.5 2.5 0 0 0 13 4H6.5A2.5 2.5 0 0 0 4 6.5V13a2.5 2.5 0 0 0 2.5 2.5h2"/>`,
  trash: svg`<path d="M4.5 7h15M9.5 7V5a1 1 0 0 1 1-1h3a1 1 0 0 1 1 1v2M6.5 7l.8 11.2A2 2 0 0 0 9.3 20h5.4a2 2 0 0 0 2-1.8L17.5 7M10.2 11v5M13.8 11v5"/>`,
  group: svg`<circle cx="9" cy="8.5" r="3.3"/><path d="M3 19c.4-3.3 2.9-5.2 6-5.2s5.6 1.9 6 5.2"/><path d="M15.6 5.6a3.1 3.1 0 0 1 0 5.8M17.7 14.5c1.8.7 3 2.3 3.3 4.5"/>`,
  person: svg`<circle cx="12" cy="8" r="3.7"/><path d="M5 19.5c.5-3.7 3.4-5.7 7-5.7s6.5 2 7 5.7"/>`,
  "person-plus": svg`<circle cx="10" cy="8" r="3.5"/><path d="M3.5 19.5c.5-3.5 3.2-5.4 6.5-5.4 1.3 0 2.5.3 3.5.8M18 13.5v6M15 16.5h6"/>`,
  info: svg`<circle cx="12" cy="12" r="8.3"/><path d="M12 11.2v5M12 7.9v.1"/>`,
  bell: svg`<path d="M6.5 10a5.5 5.5 0 0 1 11 0c0 4.5 2 6 2 6h-15s2-1.5 2-6ZM10 19.2a2.2 2.2 0 0 0 4 0"/>`,
  "bell-off": svg`<path d="M8.3 5.9A5.5 5.5 0 0 1 17.5 10c0 1.9.4 3.3.8 4.2M15.5 16h-11s2-1.5 2-6c0-.5.1-1 .2-1.4M10 19.2a2.2 2.2 0 0 0 4 0M4 4l16 16"/>`,
  sun: svg`<circle cx="12" cy="12" r="3.8"/><path d="M12 3v1.8M12 19.2V21M3 12h1.8M19.2 12H21M5.6 5.6l1.3 1.3M17.1 17.1l1.3 1.3M18.4 5.6l-1.3 1.3M6.9 17.1l-1.3 1.3"/>`,
  moon: svg`<path d="M19.5 14.3A8 8 0 0 1 9.7 4.5a8 8 0 1 0 9.8 9.8Z"/>`,
  check: svg`<path d="m5 12.5 4.5 4.5L19 7.5"/>`,
  checks: svg`<path d="m2.5 12.5 4.3 4.5 8.7-9.5M11.8 16l1 1 8.7-9.5"/>`,
  clock: svg`<circle cx="12" cy="12" r="8"/><path d="M12 7.5V12l3 2"/>`,
  alert: svg`<circle cx="12" cy="12" r="8.3"/><path d="M12 7.8v5M12 16.1v.1"/>`,
  retry: svg`<path d="M19 12a7 7 0 1 1-2.2-5.1L19.5 9M19.5 4.5V9H15"/>`,
  file: svg`<path d="M13.5 3.5H7.5A2.5 2.5 0 0 0 5 6v12a2.5 2.5 0 0 0 2.5 2.5h9A2.5 2.5 0 0 0 19 18V9l-5.5-5.5ZM13.5 3.5V9H19"/>`,
  image: svg`<rect x="3.5" y="4.5" width="17" height="15" rx="2.5"/><circle cx="9" cy="10" r="1.6"/><path d="m4.5 17.5 4.7-4.2 3 2.7 3.8-3.8 4 3.9"/>`,
  download: svg`<path d="M12 4v11M7 10.5l5 5 5-5M5 19.5h14"/>`,
  door: svg`<path d="M13.5 4H7.5A1.5 1.5 0 0 0 6 5.5v13A1.5 1.5 0 0 0 7.5 20h6M10.5 12H20M16.5 8.5 20 12l-3.5 3.5"/>`,
  keyboard: svg`<rect x="3" y="6" width="18" height="12" rx="2.5"/><path d="M7 10h.01M11 10h.01M15 10h.01M8 14h8"/>`,
  chat: svg`<path d="M4 6.5A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.5v7a2.5 2.5 0 0 1-2.5 2.5H11l-4.5 4v-4A2.5 2.5 0 0 1 4 13.5v-7Z"/>`,
  columns: svg`<rect x="3.5" y="5" width="7.5" height="14" rx="2"/><rect x="13" y="5" width="7.5" height="14" rx="2"/>`,
  shop: svg`<path d="M5 10.5V19a1 1 0 0 0 1 1h12a1 1 0 0 0 1-1v-8.5M3.5 9 5.5 4h13l2 5a2.8 2.8 0 0 1-5.6.2A2.9 2.9 0 0 1 12 11.5a2.9 2.9 0 0 1-2.9-2.3A2.8 2.8 0 0 1 3.5 9ZM10 20v-4.5h4V20"/>`,
  headset: svg`<path d="M4.5 15v-3a7.5 7.5 0 0 1 15 0v3M4.5 14.5A1.5 1.5 0 0 1 6 13h.5a1 1 0 0 1 1 1v3.5a1 1 0 0 1-1 1H6a1.5 1.5 0 0 1-1.5-1.5v-2.5ZM19.5 14.5A1.5 1.5 0 0 0 18 13h-.5a1 1 0 0 0-1 1v3.5a1 1 0 0 0 1 1h.5a1.5 1.5 0 0 0 1.5-1.5M19.5 17c0 2-1.5 3.5-3.5 3.5h-2.5"/>`,
  tag: svg`<path d="M11.3 4H5.5A1.5 1.5 0 0 0 4 5.5v5.8c0 .7.3 1.3.7 1.8l6.6 6.5a2 2 0 0 0 2.8 0l5.5-5.5a2 2 0 0 0 0-2.8L13.1 4.7c-.5-.4-1.1-.7-1.8-.7ZM8.3 8.3v.1"/>`,
};

/** @typedef {keyof typeof SHAPES} IconName */

/** @param {IconName} name @param {string} [more] further classes */
export function icon(name, more = "") {
  return html`<svg class="icon ${more}" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${SHAPES[name]}</svg>`;
}
