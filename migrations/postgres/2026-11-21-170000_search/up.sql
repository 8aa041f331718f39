-- How far each room is indexed: its messages up to this seq can be found. Rooms without a row are not indexed at all.
CREATE TABLE search_marks (
    room_id UUID PRIMARY KEY NOT NULL,
    seq BIGINT NOT NULL
);

-- The words of each message, each with its room in front: a search reads the postings of its own rooms only.
CREATE TABLE search_words (
    message_id UUID PRIMARY KEY NOT NULL,
    words TSVECTOR NOT NULL
);
-- no list of pending entries: a search would read it once for each room
CREATE INDEX search_words_by_word ON search_words USING GIN (words) WITH (fastupdate = off);
