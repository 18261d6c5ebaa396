-- Problems that call for prevention: the view `preventions`, and what bi shows of it.

CREATE TABLE views.preventions (
    partition         smallint    NOT NULL,
    stream_id         uuid        NOT NULL,
    version           integer     NOT NULL,
    ledger_position   bigint      NOT NULL,
    recorded_at       timestamptz NOT NULL,
    problem_key       text        NOT NULL,
    complaint_count   integer     NOT NULL,
    window_days       integer     NOT NULL,
    first_received_at timestamptz NOT NULL,
    last_received_at  timestamptz NOT NULL,
    PRIMARY KEY (partition, stream_id, version)
);
COMMENT ON TABLE views.preventions IS
    'Grain: one row per signal that a problem calls for prevention. Folded by projections/preventions.py.';

CREATE VIEW bi.preventions AS
WITH r AS MATERIALIZED (SELECT bi.reporting_zone() AS zone)
SELECT p.stream_id::text || ':' || p.version AS prevention_id,
       p.problem_key,
       p.complaint_count,
       p.window_days,
       p.first_received_at,
       (p.first_received_at AT TIME ZONE r.zone)::date AS first_received_date,
       bi.hour_at(p.first_received_at, r.zone) AS first_received_hour,
       p.last_received_at,
       (p.last_received_at AT TIME ZONE r.zone)::date AS last_received_date,
       bi.hour_at(p.last_received_at, r.zone) AS last_received_hour,
       'closedloop' AS source_system,
       p.recorded_at,
       (p.recorded_at AT TIME ZONE r.zone)::date AS recorded_date,
       bi.hour_at(p.recorded_at, r.zone) AS recorded_hour,
       false AS is_late_recorded,
       p.partition::integer AS ledger_partition,
       p.ledger_position
FROM views.preventions AS p
CROSS JOIN r;
COMMENT ON VIEW bi.preventions IS
    'Grain: one row per signal that a problem calls for prevention; a problem that comes back is signalled again.';
COMMENT ON COLUMN bi.preventions.prevention_id IS 'Unique key: the signal.';
COMMENT ON COLUMN bi.preventions.problem_key IS 'The problem, as in bi.complaints: category and product model.';
COMMENT ON COLUMN bi.preventions.complaint_count IS 'Complaints of the problem that the window held, duplicates not counted.';
COMMENT ON COLUMN bi.preventions.window_days IS 'Days of the window, as the rule had it.';
COMMENT ON COLUMN bi.preventions.first_received_at IS 'When the first of them was received.';
COMMENT ON COLUMN bi.preventions.first_received_date IS 'Its date in the reporting zone.';
COMMENT ON COLUMN bi.preventions.first_received_hour IS 'Its hour in the reporting zone.';
COMMENT ON COLUMN bi.preventions.last_received_at IS 'When the last of them was received.';
COMMENT ON COLUMN bi.preventions.last_received_date IS 'Its date in the reporting zone.';
COMMENT ON COLUMN bi.preventions.last_received_hour IS 'Its hour in the reporting zone.';
COMMENT ON COLUMN bi.preventions.source_system IS 'The system that signalled it: closedloop.';
COMMENT ON COLUMN bi.preventions.recorded_at IS 'When it was signalled.';
COMMENT ON COLUMN bi.preventions.recorded_date IS 'Its date in the reporting zone.';
COMMENT ON COLUMN bi.preventions.recorded_hour IS 'Its hour in the reporting zone.';
COMMENT ON COLUMN bi.preventions.is_late_recorded IS 'Never: a signal is recorded as soon as it is known.';
COMMENT ON COLUMN bi.preventions.ledger_partition IS 'Partition of the ledger the signal lives in.';
COMMENT ON COLUMN bi.preventions.ledger_position IS 'Position of its event; it never changes.';
