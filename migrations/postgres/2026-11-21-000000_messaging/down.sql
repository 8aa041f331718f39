DROP TABLE tokens;
DROP TABLE instances;
DROP TABLE outbox;
DROP SEQUENCE outbox_tickets;
DROP TABLE messages;
DROP TABLE members;
DROP TABLE rooms;
