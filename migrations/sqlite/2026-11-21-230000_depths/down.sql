DROP TABLE mailbox_purges;
DROP TABLE mailbox_depths;
