DROP TABLE attachment_uses;
DROP TABLE attachments;
