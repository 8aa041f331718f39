-- Lists of broker clusters, and when a gateway used each last: by that a gateway knows whose place was another one.
CREATE TABLE placements (
    list TEXT PRIMARY KEY NOT NULL,
    used_at_ms BIGINT NOT NULL
);
