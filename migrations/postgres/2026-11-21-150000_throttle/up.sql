-- Token buckets that gateways share: when each is full again, by this database's clock. A bucket that is full has no row.
-- The other columns are the terms of the last settlement: an upsert can compute only with columns.
-- Unlogged: a crash of the database makes all buckets full, and nothing else; that is not worth a write to the log.
CREATE UNLOGGED TABLE throttle (
    bucket TEXT PRIMARY KEY NOT NULL,
    full_at_us BIGINT NOT NULL,
    step_us BIGINT NOT NULL,
    size BIGINT NOT NULL,
    spent BIGINT NOT NULL,
    returned BIGINT NOT NULL,
    wanted BIGINT NOT NULL,
    granted BIGINT NOT NULL
) WITH (fillfactor = 50);
