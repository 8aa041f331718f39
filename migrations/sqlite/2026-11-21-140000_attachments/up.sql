-- files that were uploaded; their bytes are in the attachment storage, under a key made from the id
CREATE TABLE attachments (
    id BINARY PRIMARY KEY NOT NULL,
    -- who uploaded it
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size BIGINT NOT NULL,
    created_at_ms BIGINT NOT NULL
) WITHOUT ROWID;

-- the messages that a file goes with; a file without one is removed after a while
CREATE TABLE attachment_uses (
    attachment_id BINARY NOT NULL REFERENCES attachments (id),
    room_id BINARY NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (attachment_id, room_id, seq)
) WITHOUT ROWID;
-- for what removes messages
CREATE INDEX attachment_uses_by_message ON attachment_uses (room_id, seq);
