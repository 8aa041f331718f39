DROP TABLE tokens;
DROP TABLE instances;
DROP TABLE outbox;
DROP TABLE messages;
DROP TABLE members;
DROP TABLE rooms;
