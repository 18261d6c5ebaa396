-- Pauses of clocks: what stands in the view, and what bi makes of it at the present.

ALTER TABLE views.sla_clocks
    ADD COLUMN paused_microseconds    bigint,
    ADD COLUMN pause_cap_microseconds bigint,
    ADD COLUMN paused_since           timestamptz,
    ADD COLUMN pauses                 jsonb,
    ADD COLUMN grades                 jsonb;
COMMENT ON COLUMN views.sla_clocks.paused_microseconds IS
    'Time paused that counts, as far as it is over; due_at and breach_after include it. NULL: it never pauses.';
COMMENT ON COLUMN views.sla_clocks.pause_cap_microseconds IS
    'As much of its pauses as counts in the cycle. NULL: it never pauses.';
COMMENT ON COLUMN views.sla_clocks.paused_since IS
    'Since when it stands still without interruption; due_at and breach_after do not include that.';
COMMENT ON COLUMN views.sla_clocks.pauses IS
    'Its pauses: the request or by_hand, since when, until when (microseconds since 1970).';
COMMENT ON COLUMN views.sla_clocks.grades IS
    'The severities it had: since when (microseconds since 1970), which, the target promised (microseconds), whether somebody had named it.';

-- Clocks folded before have no grades to go on from: the view begins again.
DELETE FROM views.sla_clocks;
DELETE FROM views.sla_complaints;
UPDATE views.positions SET position = 0 WHERE view = 'sla';

CREATE FUNCTION bi.still_paused(paused_since timestamptz, left_microseconds bigint,
                                present timestamptz)
    RETURNS interval LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(least(greatest(present - paused_since, interval '0'),
                          left_microseconds * interval '1 microsecond'), interval '0')
$$;
COMMENT ON FUNCTION bi.still_paused IS
    'How long a clock that stands still has done so by the present, as far as its cap goes.';
GRANT EXECUTE ON FUNCTION bi.still_paused TO closedloop_bi;

-- A clock that stands still moves its due with the present, until its cap is used up.
CREATE OR REPLACE VIEW bi.sla_clocks AS
WITH r AS MATERIALIZED (SELECT bi.reporting_zone() AS zone, bi.present() AS present),
paused AS (
    SELECT s.partition, s.complaint_id, s.clock, s.cycle, s.ledger_position, s.source_system,
           s.recorded_at, s.is_late_recorded, s.started_at, s.severity, s.is_provisional,
           s.is_in_rates, s.is_breached_by_reclassification, s.disputed_later, s.holder_unit,
           s.holder_person, s.target_microseconds, s.stopped_at, s.stop_reason,
           s.stop_recorded_at, s.elapsed_microseconds, s.paused_since, s.verdict,
           s.verdict_as_occurred, s.verdict_as_recorded,
           CASE WHEN s.paused_since < s.due_at THEN s.due_at + p.still ELSE s.due_at END AS due_at,
           CASE WHEN s.paused_since <= s.breach_after THEN s.breach_after + p.still
                ELSE s.breach_after END AS breach_after,
           coalesce(s.paused_microseconds, 0) + extract(epoch FROM p.still) * 1000000
               AS paused_microseconds,
           r.zone, r.present
    FROM views.sla_clocks AS s CROSS JOIN r
    CROSS JOIN LATERAL (SELECT bi.still_paused(
        s.paused_since, s.pause_cap_microseconds - s.paused_microseconds, r.present) AS still) AS p
),
judged AS (
    SELECT s.partition, s.complaint_id, s.clock, s.cycle, s.ledger_position, s.source_system,
           s.recorded_at, s.is_late_recorded, s.started_at, s.severity, s.is_provisional,
           s.is_in_rates, s.is_breached_by_reclassification, s.disputed_later, s.holder_unit,
           s.holder_person, s.due_at, s.breach_after, s.target_microseconds, s.stopped_at,
           s.stop_reason, s.stop_recorded_at, s.paused_since, s.paused_microseconds,
           CASE WHEN s.stopped_at IS NULL
                THEN extract(epoch FROM s.present - s.started_at) * 1000000 - s.paused_microseconds
                ELSE s.elapsed_microseconds END AS elapsed_microseconds,
           CASE WHEN s.due_at IS NULL THEN 'none'
                WHEN s.stopped_at IS NOT NULL THEN coalesce(s.verdict, 'unknown')
                WHEN s.breach_after < s.present THEN 'overdue'
                ELSE 'open' END AS verdict,
           CASE WHEN s.due_at IS NULL THEN 'none'
                WHEN s.stopped_at IS NULL THEN 'open'
                ELSE coalesce(s.verdict_as_occurred, 'unknown') END AS verdict_as_occurred,
           CASE WHEN s.due_at IS NULL THEN 'none'
                WHEN s.stopped_at IS NULL THEN 'open'
                ELSE coalesce(s.verdict_as_recorded, 'unknown') END AS verdict_as_recorded,
           s.zone, s.present
    FROM paused AS s
)
SELECT j.complaint_id::text || ':' || j.clock || ':' || j.cycle AS clock_id,
       j.complaint_id::text AS complaint_id,
       j.clock,
       coalesce(clock.name_en, j.clock) AS clock_name_en,
       coalesce(clock.name_zh, j.clock) AS clock_name_zh,
       j.cycle,
       j.severity,
       coalesce(severity.name_en, j.severity) AS severity_name_en,
       coalesce(severity.name_zh, j.severity) AS severity_name_zh,
       j.is_provisional,
       j.verdict,
       coalesce(official.name_en, j.verdict) AS verdict_name_en,
       coalesce(official.name_zh, j.verdict) AS verdict_name_zh,
       j.verdict_as_occurred,
       coalesce(occurred.name_en, j.verdict_as_occurred) AS verdict_as_occurred_name_en,
       coalesce(occurred.name_zh, j.verdict_as_occurred) AS verdict_as_occurred_name_zh,
       j.verdict_as_recorded,
       coalesce(recorded.name_en, j.verdict_as_recorded) AS verdict_as_recorded_name_en,
       coalesce(recorded.name_zh, j.verdict_as_recorded) AS verdict_as_recorded_name_zh,
       j.stopped_at IS NULL AS is_open,
       j.verdict = 'overdue' AS is_overdue,
       j.is_in_rates,
       j.disputed_later AS is_disputed_later,
       j.is_breached_by_reclassification,
       coalesce(j.stop_reason, 'none') AS stop_reason,
       j.holder_unit,
       coalesce(j.holder_person, 'unknown') AS holder_person,
       round(j.target_microseconds / 60000000.0, 6) AS target_minutes,
       round(j.elapsed_microseconds / 60000000.0, 6) AS elapsed_minutes,
       CASE WHEN j.breach_after IS NULL OR j.verdict IN ('met', 'open', 'cancelled') THEN NULL
            ELSE round((j.elapsed_microseconds - j.target_microseconds) / 60000000.0, 6) END
           AS late_minutes,
       j.started_at,
       (j.started_at AT TIME ZONE j.zone)::date AS started_date,
       bi.hour_at(j.started_at, j.zone) AS started_hour,
       j.due_at,
       (j.due_at AT TIME ZONE j.zone)::date AS due_date,
       bi.hour_at(j.due_at, j.zone) AS due_hour,
       j.breach_after AS breach_after_at,
       (j.breach_after AT TIME ZONE j.zone)::date AS breach_after_date,
       bi.hour_at(j.breach_after, j.zone) AS breach_after_hour,
       j.stopped_at,
       (j.stopped_at AT TIME ZONE j.zone)::date AS stopped_date,
       bi.hour_at(j.stopped_at, j.zone) AS stopped_hour,
       j.stop_recorded_at,
       (j.stop_recorded_at AT TIME ZONE j.zone)::date AS stop_recorded_date,
       bi.hour_at(j.stop_recorded_at, j.zone) AS stop_recorded_hour,
       j.source_system,
       j.recorded_at,
       (j.recorded_at AT TIME ZONE j.zone)::date AS recorded_date,
       bi.hour_at(j.recorded_at, j.zone) AS recorded_hour,
       j.is_late_recorded,
       j.partition::integer AS ledger_partition,
       j.ledger_position,
       j.paused_since IS NOT NULL AS is_paused,
       round(j.paused_microseconds / 60000000.0, 6) AS paused_minutes
FROM judged AS j
LEFT JOIN bi.dim_codes AS clock ON clock.dimension = 'clock' AND clock.code = j.clock
LEFT JOIN bi.dim_codes AS severity ON severity.dimension = 'severity' AND severity.code = j.severity
LEFT JOIN bi.dim_codes AS official ON official.dimension = 'verdict' AND official.code = j.verdict
LEFT JOIN bi.dim_codes AS occurred
    ON occurred.dimension = 'verdict' AND occurred.code = j.verdict_as_occurred
LEFT JOIN bi.dim_codes AS recorded
    ON recorded.dimension = 'verdict' AND recorded.code = j.verdict_as_recorded;

CREATE OR REPLACE VIEW bi.sla_attainment AS
WITH r AS MATERIALIZED (SELECT bi.reporting_zone() AS zone, bi.present() AS present),
due AS (
    SELECT s.clock, s.severity, s.verdict, s.verdict_as_occurred, s.verdict_as_recorded,
           s.is_in_rates, s.disputed_later, s.stopped_at, r.present, r.zone,
           CASE WHEN s.paused_since < s.due_at THEN s.due_at + p.still ELSE s.due_at END AS due_at,
           CASE WHEN s.paused_since <= s.breach_after THEN s.breach_after + p.still
                ELSE s.breach_after END AS breach_after
    FROM views.sla_clocks AS s CROSS JOIN r
    CROSS JOIN LATERAL (SELECT bi.still_paused(
        s.paused_since, s.pause_cap_microseconds - s.paused_microseconds, r.present) AS still) AS p
    WHERE s.due_at IS NOT NULL
),
counted AS (
    SELECT d.clock, d.severity,
           date_trunc('month', d.due_at AT TIME ZONE d.zone)::date AS due_month_date,
           count(*) AS clock_count,
           count(*) FILTER (WHERE d.is_in_rates AND d.verdict = 'met') AS met_count,
           count(*) FILTER (WHERE d.is_in_rates AND d.verdict = 'missed') AS missed_count,
           count(*) FILTER (WHERE d.is_in_rates AND d.stopped_at IS NULL
                                  AND d.breach_after < d.present) AS overdue_count,
           count(*) FILTER (WHERE d.is_in_rates AND d.stopped_at IS NULL
                                  AND d.breach_after >= d.present) AS open_count,
           count(*) FILTER (WHERE d.is_in_rates AND d.verdict = 'cancelled') AS cancelled_count,
           count(*) FILTER (WHERE NOT d.is_in_rates) AS out_of_rates_count,
           count(*) FILTER (WHERE d.is_in_rates AND d.verdict = 'met' AND d.disputed_later)
               AS disputed_later_count,
           count(*) FILTER (WHERE d.is_in_rates
                                  AND d.verdict_as_occurred <> d.verdict_as_recorded)
               AS differing_verdict_count
    FROM due AS d
    GROUP BY 1, 2, 3
),
rated AS (
    SELECT clock, severity, due_month_date, clock_count, met_count, missed_count, overdue_count,
           open_count, cancelled_count, out_of_rates_count, disputed_later_count,
           differing_verdict_count,
           met_count + missed_count + overdue_count AS judged_count
    FROM counted
)
SELECT a.clock || ':' || a.severity || ':' || to_char(a.due_month_date, 'YYYY-MM') AS attainment_id,
       a.clock,
       coalesce(clock.name_en, a.clock) AS clock_name_en,
       coalesce(clock.name_zh, a.clock) AS clock_name_zh,
       a.severity,
       coalesce(severity.name_en, a.severity) AS severity_name_en,
       coalesce(severity.name_zh, a.severity) AS severity_name_zh,
       a.due_month_date,
       a.met_count,
       a.missed_count,
       a.overdue_count,
       a.judged_count,
       round(a.met_count::numeric / nullif(a.judged_count, 0), 6) AS gross_attainment,
       a.disputed_later_count,
       round((a.met_count - a.disputed_later_count)::numeric / nullif(a.judged_count, 0), 6)
           AS net_attainment,
       a.open_count,
       a.cancelled_count,
       a.out_of_rates_count,
       a.clock_count,
       a.differing_verdict_count
FROM rated AS a
LEFT JOIN bi.dim_codes AS clock ON clock.dimension = 'clock' AND clock.code = a.clock
LEFT JOIN bi.dim_codes AS severity ON severity.dimension = 'severity' AND severity.code = a.severity;

COMMENT ON COLUMN bi.sla_clocks.is_paused IS 'It runs and stands still; beyond its cap it counts on all the same.';
COMMENT ON COLUMN bi.sla_clocks.paused_minutes IS
    'Paused and counted as such, at most the cap; while it runs, to the present. elapsed_minutes and paused_minutes are the time from start to stop.';
COMMENT ON COLUMN bi.sla_clocks.elapsed_minutes IS
    'From start to stop as occurred, without what was paused; while it runs, to the present.';
COMMENT ON COLUMN bi.sla_clocks.late_minutes IS
    'What elapsed beyond the target; NULL unless missed or overdue.';
COMMENT ON COLUMN bi.sla_clocks.due_at IS
    'First instant at which the target has elapsed; of one that stands still, if it ran on at the present.';
COMMENT ON COLUMN bi.sla_clocks.breach_after_at IS
    'Last instant at which no more than the target has elapsed: a later stop is a miss; of one that stands still, if it ran on at the present.';
