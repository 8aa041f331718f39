CREATE TABLE rooms (
    id UUID PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('direct', 'group')),
    name TEXT,
    -- both users of a direct room in one text, so that there is one room per pair
    direct_key TEXT UNIQUE,
    last_seq BIGINT NOT NULL,
    last_message_id UUID,
    last_message_sender TEXT,
    last_message_text TEXT,
    last_message_at_ms BIGINT,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL
) WITH (fillfactor = 60); -- every message updates its room: room for heap-only updates

CREATE TABLE members (
    room_id UUID NOT NULL REFERENCES rooms (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    last_read_seq BIGINT NOT NULL,
    joined_at_ms BIGINT NOT NULL,
    PRIMARY KEY (room_id, user_id)
);
CREATE INDEX members_by_user ON members (user_id);

CREATE TABLE messages (
    -- no foreign key: the writer holds the room's row, and a check per message would cost as much as the insert
    room_id UUID NOT NULL,
    seq BIGINT NOT NULL,
    id UUID NOT NULL,
    sender TEXT NOT NULL,
    body TEXT NOT NULL,
    client_id TEXT,
    reply_to UUID,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (room_id, seq)
);
CREATE UNIQUE INDEX messages_by_id ON messages (id);
CREATE UNIQUE INDEX messages_by_client_id ON messages (sender, client_id) WHERE client_id IS NOT NULL;

CREATE SEQUENCE outbox_tickets;
CREATE TABLE outbox (
    ticket BIGINT NOT NULL,
    instance UUID NOT NULL,
    event_id UUID NOT NULL,
    room_id UUID,
    -- of the message that the event is made from; NULL: the event stands in payload
    seq BIGINT,
    -- JSON [[user, make_mailbox], ...]; NULL: the members of the direct room
    recipients TEXT,
    payload BYTEA,
    accepted_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT,
    PRIMARY KEY (instance, ticket)
) WITH (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 10000); -- a queue: all of it is churn

-- leases of gateway processes: outbox rows of an instance that has none are anybody's
CREATE TABLE instances (
    id UUID PRIMARY KEY NOT NULL,
    heartbeat_ms BIGINT NOT NULL
);

CREATE TABLE tokens (
    id UUID PRIMARY KEY NOT NULL,
    hash BYTEA NOT NULL UNIQUE,
    user_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT,
    revoked_at_ms BIGINT
);
