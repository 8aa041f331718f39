-- Token buckets that gateways share. SQLite serves one gateway, which counts in memory: the table is here so that both
-- trees make the same ones.
CREATE TABLE throttle (
    bucket TEXT PRIMARY KEY NOT NULL,
    full_at_us BIGINT NOT NULL,
    step_us BIGINT NOT NULL,
    size BIGINT NOT NULL,
    spent BIGINT NOT NULL,
    returned BIGINT NOT NULL,
    wanted BIGINT NOT NULL,
    granted BIGINT NOT NULL
) WITHOUT ROWID;
