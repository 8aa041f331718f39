/**
 * What the gateway's answers look like, and what the store makes of them. Types only.
 *
 * @typedef {{id: string, seq: number, sender: string, text: string, created_at: string}} LastMessage
 *
 * @typedef {object} Room                as its reader sees it
 * @property {string} id
 * @property {"direct"|"group"} kind
 * @property {string|null} name
 * @property {{kind: string, id: string}|null} context
 * @property {string|null} category
 * @property {string|null} status
 * @property {string|null} assignee
 * @property {string[]} members
 * @property {LastMessage|null} last_message
 * @property {number} last_seq
 * @property {number} last_read_seq
 * @property {number} unread
 * @property {string} updated_at
 *
 * @typedef {{kind?: string, context_kind?: string, context_id?: string, category?: string, status?: string, assignee?: string}} RoomFilter
 *   `assignee: ""` means nobody's.
 *
 * @typedef {{id: string, name: string, media_type: string, size: number}} FileInfo
 *
 * @typedef {object} Message
 * @property {string} id
 * @property {string} room
 * @property {number} seq
 * @property {string} sender
 * @property {string} body
 * @property {string|null} client_id
 * @property {string[]} attachments
 * @property {FileInfo[]} [files]
 * @property {string|null} reply_to
 * @property {string} created_at
 * @property {string|null} [edited_at]
 * @property {string|null} [deleted_at]
 *
 * @typedef {{messages: Message[], has_more: boolean, count: number, oldest_id: number|null, newest_id: number|null}} HistoryPage
 *
 * @typedef {object} Entry               a message as a page shows it; never changed, only replaced
 * @property {string} key                never changes, also when the message gets its id
 * @property {string|null} id
 * @property {number|null} seq
 * @property {"sending"|"sent"|"failed"} state
 * @property {string} sender
 * @property {boolean} mine
 * @property {string} body
 * @property {string} at
 * @property {string|null} editedAt
 * @property {boolean} deleted
 * @property {FileInfo[]} files
 * @property {string|null} replyTo
 * @property {string|null} reason        why it failed, or what it waits for
 * @property {string|null} clientId
 *
 * @typedef {{user: string, online: boolean, since: string|null}} Presence
 *
 * @typedef {{id: string, type: string, at: string, room?: string, data: any}} GateEvent
 */

export {};
