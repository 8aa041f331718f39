-- who is online, as it was told; a row goes when its user was not seen for a month
CREATE TABLE presence (
    user_id TEXT PRIMARY KEY NOT NULL,
    -- 1: online
    online BIGINT NOT NULL,
    -- since when online, or since when not
    since_at_ms BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX presence_offline ON presence (since_at_ms) WHERE online = 0;

-- gateways that say who is there
CREATE TABLE presence_gateways (
    instance BINARY PRIMARY KEY NOT NULL,
    seen_at_ms BIGINT NOT NULL,
    -- it has stopped, or its lease ran out: what it said is taken back some time later
    gone_at_ms BIGINT
) WITHOUT ROWID;

-- who is there, as each gateway says; a user is online while any of them says so
CREATE TABLE presence_seats (
    user_id TEXT NOT NULL,
    instance BINARY NOT NULL,
    -- 1: a session of the user at this gateway wants to hear of others
    watching BIGINT NOT NULL,
    PRIMARY KEY (user_id, instance)
) WITHOUT ROWID;
CREATE INDEX presence_seats_by_instance ON presence_seats (instance, user_id);
CREATE INDEX presence_seats_watching ON presence_seats (user_id) WHERE watching = 1;
