-- What one gateway does for all of them: nobody else begins with it before this time.
CREATE TABLE chores (
    name TEXT PRIMARY KEY NOT NULL,
    instance BINARY NOT NULL,
    until_ms BIGINT NOT NULL
) WITHOUT ROWID;
