ALTER TABLE messages DROP COLUMN deleted_at_ms, DROP COLUMN edited_at_ms, DROP COLUMN attachments;
DROP TABLE desk_agents;
DROP INDEX rooms_unassigned;
DROP INDEX rooms_by_context;
ALTER TABLE rooms
    DROP COLUMN created_by,
    DROP COLUMN assignee,
    DROP COLUMN status,
    DROP COLUMN category,
    DROP COLUMN context_id,
    DROP COLUMN context_kind;
