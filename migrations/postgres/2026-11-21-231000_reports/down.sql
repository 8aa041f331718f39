ALTER TABLE instances DROP COLUMN report;
