-- By what policies find streams, and the receipts that govern the clocks of a survivor.

CREATE TABLE views.lookups (
    partition   smallint NOT NULL,
    stream_id   uuid     NOT NULL,
    key         text     NOT NULL,
    received_at timestamptz,
    PRIMARY KEY (partition, stream_id, key)
);
COMMENT ON TABLE views.lookups IS
    'Grain: one row per stream and value it was ever known by (as a keyed hash). Folded by projections/lookups.py.';
-- All that was ever known by a value, the newest first.
CREATE INDEX lookups_by_key_newest ON views.lookups (key, received_at DESC, stream_id);

-- Policies keep their positions beside the views.
COMMENT ON VIEW bi.watermarks IS
    'Grain: one row per view or policy and partition of the ledger: how far it has come.';
COMMENT ON COLUMN bi.watermarks.view_name IS 'Permanent name of the view or the policy.';
COMMENT ON COLUMN bi.watermarks.watermark_id IS 'Unique key: view or policy, and partition.';

ALTER TABLE views.sla_complaints ADD COLUMN merged_receipts jsonb;
COMMENT ON COLUMN views.sla_complaints.merged_receipts IS
    'When the complaints merged into this one had been received (microseconds), by their ids.';
