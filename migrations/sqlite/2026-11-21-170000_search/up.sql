-- How far each room is indexed: its messages up to this seq can be found. Rooms without a row are not indexed at all.
CREATE TABLE search_marks (
    room_id BINARY PRIMARY KEY NOT NULL,
    seq BIGINT NOT NULL
) WITHOUT ROWID;

-- The number of each message in the index; numbers go up with time, so that the newest are found first.
CREATE TABLE search_rows (
    number INTEGER PRIMARY KEY NOT NULL,
    message_id BINARY NOT NULL UNIQUE
);
-- The words of each message, each with its room in front: a search reads the postings of its own rooms only. The words come
-- folded and separated by blanks, and this tokenizer does nothing else to them.
CREATE VIRTUAL TABLE search_words USING fts5 (words, content = '', contentless_delete = 1, tokenize = 'ascii');
