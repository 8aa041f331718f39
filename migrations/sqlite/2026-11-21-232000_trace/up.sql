-- Where an event stands in a trace (W3C Trace Context), when it is sampled. NULL also in rows of a gateway of before.
ALTER TABLE outbox ADD COLUMN trace TEXT;
