-- Since when each value was known: a policy is told what was recorded when its trigger was, and the
-- most it may be told is counted among that.

DROP INDEX views.lookups_by_key_newest;
-- The view begins again; policies wait for it where they stand.
DELETE FROM views.lookups;
UPDATE views.positions SET position = 0 WHERE view = 'lookups';

ALTER TABLE views.lookups
    ADD COLUMN ledger_position bigint      NOT NULL,
    ADD COLUMN known_at        timestamptz NOT NULL;
COMMENT ON COLUMN views.lookups.ledger_position IS
    'Position of the event that first made the stream known by the value.';
COMMENT ON COLUMN views.lookups.known_at IS 'When that event was recorded.';
-- All that was ever known by a value, the newest first.
CREATE INDEX lookups_by_key_newest ON views.lookups (key, received_at DESC, stream_id)
    INCLUDE (partition, ledger_position, known_at);
