-- requests that were accepted under an Idempotency-Key, written in the transaction that accepted them
CREATE TABLE idempotency_keys (
    -- SHA-256 over caller, endpoint and key
    id BYTEA PRIMARY KEY NOT NULL,
    -- SHA-256 over the request's body
    fingerprint BYTEA NOT NULL,
    -- the ids that were answered, 16 bytes each
    event_ids BYTEA NOT NULL,
    created_at_ms BIGINT NOT NULL
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at_ms);
