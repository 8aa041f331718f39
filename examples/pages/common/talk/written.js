/**
 * What becomes of what was written. Nothing of it leaves the composer before somebody else has it: a correction stays
 * until the gateway took it, files until they stand in a message.
 */

/** @typedef {import("./rows.js").Entry} Entry */

/** A message that is being corrected, and the text it has displaced from the field. */
export class Correction {
  /** It is on its way to the gateway. */
  saving = false;

  /** @param {Entry} entry @param {string} before */
  constructor(entry, before) {
    this.entry = entry;
    this.before = before;
  }

  /** Done when this resolves; when it rejects, the words are still needed. @param {{edit: (id: string, body: string) => Promise<unknown>}} conversation @param {string} body */
  async save(conversation, body) {
    if (body === this.entry.body) return;
    this.saving = true;
    try {
      await conversation.edit(/** @type {string} */ (this.entry.id), body);
    } finally {
      this.saving = false;
    }
  }
}

/**
 * Sends a text with the files that are uploaded. Those that could not be uploaded stay, to be tried again or taken away.
 * @param {{send: (draft: {body: string, attachments: any[], reply_to?: string}) => unknown}} conversation
 * @param {import("./uploads.js").Uploads} uploads
 * @param {{body: string, reply_to?: string}} draft
 * @returns {string[]} names of the files that stayed
 */
export function post(conversation, uploads, draft) {
  conversation.send({ ...draft, attachments: uploads.results });
  uploads.take();
  return uploads.items.map(({ file }) => file.name);
}
