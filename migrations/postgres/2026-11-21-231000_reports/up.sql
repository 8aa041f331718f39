-- What a gateway says of itself with each renewal of its lease, for operators. NULL: one of a version before.
ALTER TABLE instances ADD COLUMN report TEXT;
