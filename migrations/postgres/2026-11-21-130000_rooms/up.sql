-- None of the columns that a message changes in its room's row stands in an index: such updates stay heap-only.
ALTER TABLE rooms
    ADD COLUMN context_kind TEXT,
    ADD COLUMN context_id TEXT,
    ADD COLUMN category TEXT,
    ADD COLUMN status TEXT,
    ADD COLUMN assignee TEXT,
    ADD COLUMN created_by TEXT;
CREATE INDEX rooms_by_context ON rooms (context_kind, context_id) WHERE context_kind IS NOT NULL;
-- what waits at a desk
CREATE INDEX rooms_unassigned ON rooms (category, status) WHERE assignee IS NULL AND category IS NOT NULL;

-- the agents of each desk; a desk is a category of rooms
CREATE TABLE desk_agents (
    category TEXT NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (category, user_id)
);
CREATE INDEX desk_agents_by_user ON desk_agents (user_id);

ALTER TABLE messages
    -- JSON [{"id":…,"name":…,"media_type":…,"size":…}, …]
    ADD COLUMN attachments TEXT,
    ADD COLUMN edited_at_ms BIGINT,
    -- when its sender took it back: the row stays, without its text, so that seq has no holes
    ADD COLUMN deleted_at_ms BIGINT;
