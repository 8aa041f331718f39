-- mailboxes in which more waits than usual, as gateways found them; at most some ten thousand
CREATE TABLE mailbox_depths (
    user_id TEXT NOT NULL,
    -- empty: the user's main mailbox
    session TEXT NOT NULL,
    ready BIGINT NOT NULL,
    -- null where the broker does not say
    unacked BIGINT,
    consumers BIGINT NOT NULL,
    -- 1: an alarm stands
    alarm BIGINT NOT NULL,
    -- when somebody was last seen to consume it, or it was noted
    used_at_ms BIGINT NOT NULL,
    looked_at_ms BIGINT NOT NULL,
    -- when it is to be looked at again
    due_at_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id, session)
) WITHOUT ROWID;
CREATE INDEX mailbox_depths_by_due ON mailbox_depths (due_at_ms);
CREATE INDEX mailbox_depths_by_ready ON mailbox_depths (ready);

-- mailboxes that were deleted by an operator, so that every gateway tells their readers
CREATE TABLE mailbox_purges (
    user_id TEXT NOT NULL,
    session TEXT NOT NULL,
    -- whoever was answered last before this may have missed something; some seconds after the deletion, when every
    -- gateway knows
    missed_at_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id, session)
) WITHOUT ROWID;
CREATE INDEX mailbox_purges_by_time ON mailbox_purges (missed_at_ms);
