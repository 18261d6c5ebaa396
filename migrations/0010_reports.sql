-- The views `repeats` and `satisfaction`: their tables, and what bi makes of them.

CREATE TABLE views.repeats (
    partition            smallint NOT NULL,
    complaint_id         uuid     NOT NULL,
    ledger_position      bigint   NOT NULL,
    holder_unit          text     NOT NULL,
    holder_person        text,
    is_owned             boolean  NOT NULL,
    judgement_count      integer  NOT NULL,
    repeat_class         text,
    rule_version         text,
    earlier_id           uuid,
    days_since_close     bigint,
    is_external          boolean  NOT NULL,
    after_verified_close boolean  NOT NULL,
    classified_by        text,
    classified_by_kind   text,
    classified_at        timestamptz,
    PRIMARY KEY (partition, complaint_id)
) WITH (fillfactor = 70);
COMMENT ON TABLE views.repeats IS
    'Grain: one row per complaint: its repeat class as last recorded, and who holds it. Folded by projections/repeats.py.';

CREATE TABLE views.closings (
    partition             smallint    NOT NULL,
    complaint_id          uuid        NOT NULL,
    number                integer     NOT NULL,
    ledger_position       bigint      NOT NULL,
    reason                text        NOT NULL,
    closed_at             timestamptz NOT NULL,
    closed_at_precision   text        NOT NULL,
    closed_on             date,
    recorded_at           timestamptz NOT NULL,
    is_late_recorded      boolean     NOT NULL,
    holder_unit           text        NOT NULL,
    holder_person         text,
    window_days           integer     NOT NULL,
    reopened_at           timestamptz,
    reopened_at_precision text,
    reopened_on           date,
    PRIMARY KEY (partition, complaint_id, number)
);
COMMENT ON TABLE views.closings IS
    'Grain: one row per closing of a complaint, but for merges that were undone. Folded by projections/repeats.py.';
CREATE TABLE views.survey_holders (
    partition     smallint NOT NULL,
    complaint_id  uuid     NOT NULL,
    holder_unit   text     NOT NULL,
    holder_person text,
    is_owned      boolean  NOT NULL,
    PRIMARY KEY (partition, complaint_id)
) WITH (fillfactor = 70);
COMMENT ON TABLE views.survey_holders IS
    'Grain: one row per complaint: who holds it. Folded by projections/satisfaction.py.';

CREATE TABLE views.resolutions (
    partition             smallint    NOT NULL,
    complaint_id          uuid        NOT NULL,
    cycle                 integer     NOT NULL,
    ledger_position       bigint      NOT NULL,
    resolved_at           timestamptz NOT NULL,
    resolved_at_precision text        NOT NULL,
    resolved_on           date,
    recorded_at           timestamptz NOT NULL,
    is_late_recorded      boolean     NOT NULL,
    resolved_by           text        NOT NULL,
    holder_unit           text        NOT NULL,
    holder_person         text,
    expires_at            timestamptz NOT NULL,
    PRIMARY KEY (partition, complaint_id, cycle)
);
COMMENT ON TABLE views.resolutions IS
    'Grain: one row per resolved cycle of a complaint. Folded by projections/satisfaction.py.';

CREATE TABLE views.survey_answers (
    partition             smallint    NOT NULL,
    complaint_id          uuid        NOT NULL,
    version               integer     NOT NULL,
    cycle                 integer     NOT NULL,
    ledger_position       bigint      NOT NULL,
    answered_at           timestamptz NOT NULL,
    answered_at_precision text        NOT NULL,
    answered_on           date,
    recorded_at           timestamptz NOT NULL,
    is_late_recorded      boolean     NOT NULL,
    score                 smallint    NOT NULL,
    result_score          smallint,
    process_score         smallint,
    answered_by           text        NOT NULL,
    channel               text        NOT NULL,
    is_by_handler         boolean     NOT NULL,
    is_expired            boolean     NOT NULL,
    is_about_resolution   boolean     NOT NULL,
    PRIMARY KEY (partition, complaint_id, version)
);
COMMENT ON TABLE views.survey_answers IS
    'Grain: one row per answer. Folded by projections/satisfaction.py.';

-- --- codes ---------------------------------------------------------------------------------

INSERT INTO bi.dim_codes (dimension, code, sort_order, name_en, name_zh) VALUES
    ('repeat_class', 'initial', 1, 'Initial', '初次投诉'),
    ('repeat_class', 'escalated_recomplaint', 2, 'Escalated', '转化投诉'),
    ('repeat_class', 'repeat', 3, 'Repeat', '重复投诉'),
    ('repeat_class', 'related', 4, 'Related', '关联投诉'),
    ('repeat_class', 'unclassified', 5, 'Not classed yet', '尚未分类'),
    ('repeat_class', 'unknown', 9, 'Customer not identified', '客户未识别'),
    ('return_kind', 'reopened', 1, 'Reopened', '重开'),
    ('return_kind', 'repeat', 2, 'Repeat', '重复投诉'),
    ('return_kind', 'escalated_recomplaint', 3, 'Escalated', '转化投诉'),
    ('return_kind', 'unknown', 9, 'Unknown', '未知'),
    ('metric', 'repeat_share', 1, 'Repeat share', '重复投诉率'),
    ('metric', 'return_rate', 2, 'Return rate', '回流率'),
    ('metric', 'unknown', 9, 'Unknown', '未知'),
    ('exclusion', 'none', 0, 'Counted', '计入'),
    ('exclusion', 'non_complaint', 1, 'No complaint', '非投诉'),
    ('exclusion', 'declined', 2, 'Declined', '不予受理'),
    ('exclusion', 'withdrawn', 3, 'Withdrawn', '撤诉'),
    ('exclusion', 'merged', 4, 'Merged', '重复登记'),
    ('exclusion', 'customer_unknown', 5, 'Customer not identified', '客户未识别'),
    ('exclusion', 'unclassified', 6, 'Not classed yet', '尚未分类'),
    ('exclusion', 'undated', 7, 'Nobody told when', '时间不详'),
    ('exclusion', 'unresolved', 8, 'Nothing was resolved', '尚未办结'),
    ('exclusion', 'by_handler', 9, 'Collected by the handler', '由处理人收集'),
    ('exclusion', 'expired', 10, 'Too late', '已过有效期'),
    ('exclusion', 'superseded', 11, 'A later answer counts', '已被后续评价取代'),
    ('answered_by', 'customer', 1, 'Customer', '客户'),
    ('answered_by', 'representative', 2, 'Representative', '授权代表'),
    ('answered_by', 'unknown', 9, 'Unknown', '未知'),
    ('exclusion', 'unknown', 99, 'Unknown', '未知');

-- --- what several relations say in the same way --------------------------------------------

-- Why a complaint is in no rate (requirements, section 10), or none.
CREATE FUNCTION bi.out_of_rates(nature text, close_reason text)
    RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN nature <> 'complaint' THEN 'non_complaint'
                WHEN close_reason IN ('declined', 'withdrawn') THEN close_reason
                WHEN close_reason = 'duplicate' THEN 'merged'
                ELSE 'none' END
$$;
-- The local date of a time: as told where no time of day was told.
CREATE FUNCTION bi.date_of(told_at timestamptz, told_precision text, told_on date, zone text)
    RETURNS date LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN told_precision IN ('instant', 'minute') OR told_on IS NULL
                THEN (told_at AT TIME ZONE zone)::date ELSE told_on END
$$;
CREATE FUNCTION bi.hour_of(told_at timestamptz, told_precision text, zone text)
    RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN told_precision IN ('instant', 'minute') THEN bi.hour_at(told_at, zone) END
$$;

-- --- facts ---------------------------------------------------------------------------------

CREATE VIEW bi.repeats AS
WITH r AS MATERIALIZED (SELECT bi.reporting_zone() AS zone),
judged AS (
    SELECT p.partition, p.complaint_id, p.judgement_count, p.is_external, p.after_verified_close,
           p.rule_version, p.earlier_id, p.days_since_close, p.classified_by, p.classified_by_kind,
           p.classified_at, c.received_at, c.received_at_precision, c.received_on, c.received_unit,
           c.source_system, c.recorded_at, c.is_late_recorded, r.zone,
           greatest(p.ledger_position, c.ledger_position) AS ledger_position,
           coalesce(p.repeat_class, 'unclassified') AS repeat_class,
           CASE WHEN bi.out_of_rates(c.nature, c.close_reason) <> 'none'
                THEN bi.out_of_rates(c.nature, c.close_reason)
                WHEN p.repeat_class IS NULL THEN 'unclassified'
                WHEN p.repeat_class = 'unknown' THEN 'customer_unknown'
                ELSE 'none' END AS excluded_for
    FROM views.repeats AS p
    JOIN views.complaints AS c USING (partition, complaint_id)
    CROSS JOIN r
)
SELECT j.complaint_id::text AS complaint_id,
       j.repeat_class,
       coalesce(class.name_en, j.repeat_class) AS repeat_class_name_en,
       coalesce(class.name_zh, j.repeat_class) AS repeat_class_name_zh,
       coalesce(j.earlier_id::text, 'none') AS earlier_complaint_id,
       j.days_since_close::integer AS days_since_close,
       j.is_external,
       j.after_verified_close AS is_after_verified_close,
       coalesce(j.rule_version, 'none') AS rule_version,
       coalesce(j.classified_by, 'none') AS classified_by,
       coalesce(j.classified_by_kind, 'none') AS classified_by_kind,
       greatest(j.judgement_count - 1, 0) AS correction_count,
       j.excluded_for,
       coalesce(exclusion.name_en, j.excluded_for) AS excluded_for_name_en,
       coalesce(exclusion.name_zh, j.excluded_for) AS excluded_for_name_zh,
       j.excluded_for = 'none' AS is_counted,
       coalesce(j.received_unit, 'unknown') AS received_unit,
       j.received_at,
       bi.date_of(j.received_at, j.received_at_precision, j.received_on, j.zone) AS received_date,
       bi.hour_of(j.received_at, j.received_at_precision, j.zone) AS received_hour,
       j.classified_at,
       (j.classified_at AT TIME ZONE j.zone)::date AS classified_date,
       bi.hour_at(j.classified_at, j.zone) AS classified_hour,
       j.source_system,
       j.recorded_at,
       (j.recorded_at AT TIME ZONE j.zone)::date AS recorded_date,
       bi.hour_at(j.recorded_at, j.zone) AS recorded_hour,
       j.is_late_recorded,
       j.partition::integer AS ledger_partition,
       j.ledger_position
FROM judged AS j
LEFT JOIN bi.dim_codes AS class
    ON class.dimension = 'repeat_class' AND class.code = j.repeat_class
LEFT JOIN bi.dim_codes AS exclusion
    ON exclusion.dimension = 'exclusion' AND exclusion.code = j.excluded_for;

-- Each closing by its own reason: what a reopened complaint ended with later changes none before.
CREATE VIEW bi.closings AS
WITH r AS MATERIALIZED (SELECT bi.reporting_zone() AS zone, bi.present() AS present),
judged AS (
    SELECT k.partition, k.complaint_id, k.number, k.reason, k.closed_at, k.closed_at_precision,
           k.recorded_at, k.is_late_recorded, k.holder_unit, k.holder_person, k.window_days,
           k.reopened_at, c.source_system, r.zone, r.present,
           greatest(k.ledger_position, p.ledger_position, c.ledger_position) AS ledger_position,
           bi.date_of(k.closed_at, k.closed_at_precision, k.closed_on, r.zone) AS closed_date,
           bi.date_of(k.reopened_at, k.reopened_at_precision, k.reopened_on, r.zone)
               AS reopened_date,
           bi.hour_of(k.reopened_at, k.reopened_at_precision, r.zone) AS reopened_hour,
           CASE WHEN bi.out_of_rates(c.nature, k.reason) <> 'none'
                THEN bi.out_of_rates(c.nature, k.reason)
                WHEN p.repeat_class = 'unknown' THEN 'customer_unknown'
                WHEN p.repeat_class IS NULL AND c.customer_id IS NULL THEN 'customer_unknown'
                WHEN k.closed_at_precision = 'unknown' THEN 'undated'
                ELSE 'none' END AS excluded_for
    FROM views.closings AS k
    JOIN views.complaints AS c USING (partition, complaint_id)
    JOIN views.repeats AS p USING (partition, complaint_id)
    CROSS JOIN r
)
SELECT j.complaint_id::text || ':' || j.number AS closing_id,
       j.complaint_id::text AS complaint_id,
       j.number AS closing_number,
       j.reason AS close_reason,
       coalesce(close_reason.name_en, j.reason) AS close_reason_name_en,
       coalesce(close_reason.name_zh, j.reason) AS close_reason_name_zh,
       j.excluded_for,
       coalesce(exclusion.name_en, j.excluded_for) AS excluded_for_name_en,
       coalesce(exclusion.name_zh, j.excluded_for) AS excluded_for_name_zh,
       j.excluded_for = 'none' AS is_counted,
       j.holder_unit,
       coalesce(j.holder_person, 'unknown') AS holder_person,
       j.closed_at,
       j.closed_date,
       bi.hour_of(j.closed_at, j.closed_at_precision, j.zone) AS closed_hour,
       j.closed_at_precision,
       j.reopened_at IS NOT NULL AS is_reopened,
       j.reopened_at,
       j.reopened_date,
       j.reopened_hour,
       j.window_days,
       j.closed_date + j.window_days < (j.present AT TIME ZONE j.zone)::date AS is_mature,
       j.source_system,
       j.recorded_at,
       (j.recorded_at AT TIME ZONE j.zone)::date AS recorded_date,
       bi.hour_at(j.recorded_at, j.zone) AS recorded_hour,
       j.is_late_recorded,
       j.partition::integer AS ledger_partition,
       j.ledger_position
FROM judged AS j
LEFT JOIN bi.dim_codes AS close_reason
    ON close_reason.dimension = 'close_reason' AND close_reason.code = j.reason
LEFT JOIN bi.dim_codes AS exclusion
    ON exclusion.dimension = 'exclusion' AND exclusion.code = j.excluded_for;

-- --- what followed a closing ---------------------------------------------------------------

-- A reopening and a later complaint are judged alike: what came to nothing (withdrawn, declined,
-- merged) is no return, and what comes after that follows the closing before it. The two
-- complaints may live in different partitions: joined here, never in a fold.
CREATE VIEW bi.returns AS
WITH RECURSIVE r AS MATERIALIZED (SELECT bi.reporting_zone() AS zone),
named AS (
    SELECT p.complaint_id AS later_id, p.earlier_id
    FROM views.repeats AS p
    WHERE p.repeat_class IN ('repeat', 'escalated_recomplaint') AND p.earlier_id IS NOT NULL
    UNION
    SELECT n.later_id, p.earlier_id
    FROM named AS n
    JOIN views.repeats AS p ON p.complaint_id = n.earlier_id
    JOIN views.complaints AS c ON c.partition = p.partition AND c.complaint_id = p.complaint_id
    WHERE p.repeat_class IN ('repeat', 'escalated_recomplaint') AND p.earlier_id IS NOT NULL
          AND c.close_reason IN ('declined', 'withdrawn', 'duplicate')
),
arrived AS (
    SELECT k.complaint_id AS later_id, k.number AS reopening, k.complaint_id AS earlier_id,
           'reopened' AS kind, k.reopened_at AS returned_at,
           k.reopened_at_precision AS returned_at_precision, k.reopened_on AS returned_on,
           bi.out_of_rates(c.nature, again.reason) AS excluded_for,
           false AS is_external, NULL::boolean AS after_verified_close
    FROM views.closings AS k
    JOIN views.complaints AS c USING (partition, complaint_id)
    LEFT JOIN views.closings AS again
        ON again.partition = k.partition AND again.complaint_id = k.complaint_id
           AND again.number = k.number + 1
    WHERE k.reopened_at IS NOT NULL
    UNION ALL
    SELECT p.complaint_id, 0, n.earlier_id,
           p.repeat_class, c.received_at, c.received_at_precision, c.received_on,
           bi.out_of_rates(c.nature, c.close_reason), p.is_external, p.after_verified_close
    FROM named AS n
    JOIN views.repeats AS p ON p.complaint_id = n.later_id
    JOIN views.complaints AS c ON c.partition = p.partition AND c.complaint_id = p.complaint_id
),
followed AS (
    -- the last closing before it that ended some work
    SELECT DISTINCT ON (a.later_id, a.reopening)
           k.complaint_id, k.number, a.later_id, a.reopening, a.kind, a.returned_at,
           a.returned_at_precision, a.returned_on, a.excluded_for, a.is_external,
           coalesce(a.after_verified_close, k.reason = 'verified') AS after_verified_close,
           k.closed_at, k.closed_at_precision, k.closed_on, k.window_days
    FROM arrived AS a
    JOIN views.closings AS k ON k.complaint_id = a.earlier_id
    WHERE k.reason NOT IN ('declined', 'withdrawn', 'duplicate')
          AND CASE WHEN a.reopening > 0 THEN k.number <= a.reopening
                   ELSE k.closed_at <= a.returned_at END
    ORDER BY a.later_id, a.reopening, CASE WHEN a.reopening > 0 THEN k.number END DESC,
             k.closed_at DESC, k.number DESC, k.complaint_id
),
dated AS (
    SELECT f.complaint_id, f.number, f.later_id, f.reopening, f.kind, f.returned_at, f.returned_at_precision,
           f.excluded_for, f.is_external, f.after_verified_close, f.window_days, r.zone,
           bi.date_of(f.returned_at, f.returned_at_precision, f.returned_on, r.zone)
               AS returned_date,
           greatest(
               bi.date_of(f.returned_at, f.returned_at_precision, f.returned_on, r.zone)
               - bi.date_of(f.closed_at, f.closed_at_precision, f.closed_on, r.zone), 0)
               AS days_since_close
    FROM followed AS f CROSS JOIN r
),
ordered AS (
    SELECT d.complaint_id, d.number, d.later_id, d.reopening, d.kind, d.returned_at, d.returned_at_precision,
           d.excluded_for, d.is_external, d.after_verified_close, d.window_days, d.zone,
           d.returned_date, d.days_since_close,
           d.excluded_for = 'none' AND d.days_since_close <= d.window_days AS is_counted,
           row_number() OVER (
               PARTITION BY d.complaint_id, d.number,
                            d.excluded_for = 'none' AND d.days_since_close <= d.window_days
               ORDER BY d.returned_at, d.kind, d.later_id, d.reopening) AS place
    FROM dated AS d
)
SELECT o.complaint_id::text || ':' || o.number || ':' || o.later_id::text || ':' || o.reopening
           AS return_id,
       o.complaint_id::text || ':' || o.number AS closing_id,
       o.complaint_id::text AS complaint_id,
       o.later_id::text AS later_complaint_id,
       o.kind AS return_kind,
       coalesce(kind.name_en, o.kind) AS return_kind_name_en,
       coalesce(kind.name_zh, o.kind) AS return_kind_name_zh,
       o.excluded_for,
       coalesce(exclusion.name_en, o.excluded_for) AS excluded_for_name_en,
       coalesce(exclusion.name_zh, o.excluded_for) AS excluded_for_name_zh,
       o.days_since_close,
       o.window_days,
       o.is_counted,
       o.is_counted AND o.place = 1 AS is_first_counted,
       o.is_external,
       o.after_verified_close AS is_after_verified_close,
       o.returned_at,
       o.returned_date,
       bi.hour_of(o.returned_at, o.returned_at_precision, o.zone) AS returned_hour
FROM ordered AS o
LEFT JOIN bi.dim_codes AS kind ON kind.dimension = 'return_kind' AND kind.code = o.kind
LEFT JOIN bi.dim_codes AS exclusion
    ON exclusion.dimension = 'exclusion' AND exclusion.code = o.excluded_for;

-- --- the report ----------------------------------------------------------------------------

CREATE VIEW bi.repeat_rate AS
WITH shares AS (
    SELECT 'repeat_share' AS metric,
           date_trunc('month', p.received_date)::date AS month_date, p.received_unit AS unit,
           p.repeat_class = 'repeat' AS is_in_numerator, p.repeat_class AS kind,
           p.is_external, p.excluded_for, true AS is_mature
    FROM bi.repeats AS p
),
returned AS (
    SELECT 'return_rate' AS metric,
           date_trunc('month', k.closed_date)::date AS month_date, k.holder_unit AS unit,
           f.closing_id IS NOT NULL AS is_in_numerator, coalesce(f.return_kind, 'none') AS kind,
           coalesce(f.is_external, false) AS is_external, k.excluded_for, k.is_mature
    FROM bi.closings AS k
    LEFT JOIN bi.returns AS f ON f.closing_id = k.closing_id AND f.is_first_counted
),
counted AS (
    SELECT i.metric, i.month_date, i.unit,
           count(*) AS all_count,
           count(*) FILTER (WHERE i.excluded_for = 'none' AND i.is_in_numerator)
               AS numerator_count,
           count(*) FILTER (WHERE i.excluded_for = 'none') AS denominator_count,
           count(*) FILTER (WHERE i.excluded_for = 'none' AND i.kind = 'initial')
               AS initial_count,
           count(*) FILTER (WHERE i.excluded_for = 'none' AND i.kind = 'related')
               AS related_count,
           count(*) FILTER (WHERE i.excluded_for = 'none' AND i.kind = 'repeat')
               AS repeat_count,
           count(*) FILTER (WHERE i.excluded_for = 'none' AND i.kind = 'escalated_recomplaint')
               AS escalated_count,
           count(*) FILTER (WHERE i.excluded_for = 'none' AND i.is_external)
               AS external_count,
           count(*) FILTER (WHERE i.excluded_for = 'none' AND i.kind = 'reopened')
               AS reopened_count,
           count(*) FILTER (WHERE i.excluded_for = 'non_complaint') AS non_complaint_count,
           count(*) FILTER (WHERE i.excluded_for = 'declined') AS declined_count,
           count(*) FILTER (WHERE i.excluded_for = 'withdrawn') AS withdrawn_count,
           count(*) FILTER (WHERE i.excluded_for = 'merged') AS merged_count,
           count(*) FILTER (WHERE i.excluded_for = 'customer_unknown') AS customer_unknown_count,
           count(*) FILTER (WHERE i.excluded_for = 'unclassified') AS unclassified_count,
           count(*) FILTER (WHERE i.excluded_for = 'undated') AS undated_count,
           coalesce(bool_and(i.is_mature) FILTER (WHERE i.excluded_for = 'none'), true)
               AS is_mature
    FROM (SELECT metric, month_date, unit, is_in_numerator, kind, is_external, excluded_for,
                 is_mature FROM shares
          UNION ALL
          SELECT metric, month_date, unit, is_in_numerator, kind, is_external, excluded_for,
                 is_mature FROM returned) AS i
    GROUP BY i.metric, i.month_date, i.unit
)
SELECT n.metric || ':' || to_char(n.month_date, 'YYYY-MM') || ':' || n.unit AS repeat_rate_id,
       n.metric,
       metric.name_en AS metric_name_en,
       metric.name_zh AS metric_name_zh,
       n.month_date,
       n.unit,
       n.numerator_count,
       n.denominator_count,
       round(n.numerator_count::numeric / nullif(n.denominator_count, 0), 6) AS rate,
       n.is_mature,
       n.initial_count + n.related_count AS initial_count,
       n.related_count,
       n.escalated_count,
       n.repeat_count,
       n.reopened_count,
       n.external_count,
       n.non_complaint_count,
       n.declined_count,
       n.withdrawn_count,
       n.merged_count,
       n.customer_unknown_count,
       n.unclassified_count,
       n.undated_count,
       n.all_count
FROM counted AS n
LEFT JOIN bi.dim_codes AS metric ON metric.dimension = 'metric' AND metric.code = n.metric;

-- --- satisfaction --------------------------------------------------------------------------

CREATE VIEW bi.surveys AS
WITH r AS MATERIALIZED (SELECT bi.reporting_zone() AS zone),
judged AS (
    SELECT a.partition, a.complaint_id, a.version, a.cycle, a.ledger_position, a.answered_at,
           a.answered_at_precision, a.answered_on, a.recorded_at, a.is_late_recorded, a.score,
           a.result_score, a.process_score, a.answered_by, a.channel, a.is_by_handler,
           a.is_expired, a.is_about_resolution, c.source_system,
           c.ledger_position AS complaint_position, r.zone,
           bi.out_of_rates(c.nature, c.close_reason) AS out_of_rates,
           s.resolved_at, s.resolved_at_precision, s.resolved_on, s.holder_unit, s.holder_person,
           s.expires_at,
           row_number() OVER (
               PARTITION BY a.partition, a.complaint_id, a.cycle,
                            a.is_by_handler OR a.is_expired OR NOT a.is_about_resolution
               ORDER BY a.answered_at DESC, a.version DESC) AS place
    FROM views.survey_answers AS a
    JOIN views.complaints AS c USING (partition, complaint_id)
    CROSS JOIN r
    LEFT JOIN views.resolutions AS s
        ON a.is_about_resolution AND s.partition = a.partition
           AND s.complaint_id = a.complaint_id AND s.cycle = a.cycle
),
excluded AS (
    SELECT j.partition, j.complaint_id, j.version, j.cycle, j.answered_at,
           j.answered_at_precision, j.answered_on, j.recorded_at, j.is_late_recorded, j.score,
           j.result_score, j.process_score, j.answered_by, j.channel, j.source_system, j.zone,
           j.resolved_at, j.resolved_at_precision, j.resolved_on, j.holder_unit, j.holder_person,
           j.expires_at, greatest(j.ledger_position, j.complaint_position) AS ledger_position,
           CASE WHEN j.out_of_rates <> 'none' THEN j.out_of_rates
                WHEN NOT j.is_about_resolution THEN 'unresolved'
                WHEN j.resolved_at_precision = 'unknown' THEN 'undated'
                WHEN j.is_by_handler THEN 'by_handler'
                WHEN j.is_expired THEN 'expired'
                WHEN j.place > 1 THEN 'superseded'
                ELSE 'none' END AS excluded_for
    FROM judged AS j
)
SELECT e.complaint_id::text || ':' || e.version AS survey_id,
       e.complaint_id::text AS complaint_id,
       e.cycle,
       e.score::integer AS score,
       e.result_score::integer AS result_score,
       e.process_score::integer AS process_score,
       e.answered_by,
       coalesce(answered_by.name_en, e.answered_by) AS answered_by_name_en,
       coalesce(answered_by.name_zh, e.answered_by) AS answered_by_name_zh,
       e.channel,
       coalesce(channel.name_en, e.channel) AS channel_name_en,
       coalesce(channel.name_zh, e.channel) AS channel_name_zh,
       e.excluded_for,
       coalesce(exclusion.name_en, e.excluded_for) AS excluded_for_name_en,
       coalesce(exclusion.name_zh, e.excluded_for) AS excluded_for_name_zh,
       e.excluded_for = 'none' AS is_counted,
       coalesce(e.holder_unit, 'unknown') AS holder_unit,
       coalesce(e.holder_person, 'unknown') AS holder_person,
       e.answered_at,
       bi.date_of(e.answered_at, e.answered_at_precision, e.answered_on, e.zone) AS answered_date,
       bi.hour_of(e.answered_at, e.answered_at_precision, e.zone) AS answered_hour,
       e.resolved_at,
       bi.date_of(e.resolved_at, e.resolved_at_precision, e.resolved_on, e.zone) AS resolved_date,
       bi.hour_of(e.resolved_at, e.resolved_at_precision, e.zone) AS resolved_hour,
       e.expires_at,
       (e.expires_at AT TIME ZONE e.zone)::date AS expires_date,
       bi.hour_at(e.expires_at, e.zone) AS expires_hour,
       e.source_system,
       e.recorded_at,
       (e.recorded_at AT TIME ZONE e.zone)::date AS recorded_date,
       bi.hour_at(e.recorded_at, e.zone) AS recorded_hour,
       e.is_late_recorded,
       e.partition::integer AS ledger_partition,
       e.ledger_position
FROM excluded AS e
LEFT JOIN bi.dim_codes AS answered_by
    ON answered_by.dimension = 'answered_by' AND answered_by.code = e.answered_by
LEFT JOIN bi.dim_codes AS channel ON channel.dimension = 'channel' AND channel.code = e.channel
LEFT JOIN bi.dim_codes AS exclusion
    ON exclusion.dimension = 'exclusion' AND exclusion.code = e.excluded_for;

CREATE VIEW bi.resolutions AS
WITH r AS MATERIALIZED (SELECT bi.reporting_zone() AS zone),
judged AS (
    SELECT s.partition, s.complaint_id, s.cycle, s.resolved_at, s.resolved_at_precision,
           s.resolved_on, s.recorded_at, s.is_late_recorded, s.holder_unit, s.holder_person,
           s.expires_at, c.source_system, r.zone,
           greatest(s.ledger_position, c.ledger_position) AS ledger_position,
           CASE WHEN bi.out_of_rates(c.nature, c.close_reason) <> 'none'
                THEN bi.out_of_rates(c.nature, c.close_reason)
                WHEN s.resolved_at_precision = 'unknown' THEN 'undated'
                ELSE 'none' END AS excluded_for
    FROM views.resolutions AS s
    JOIN views.complaints AS c USING (partition, complaint_id)
    CROSS JOIN r
)
SELECT j.complaint_id::text || ':' || j.cycle AS resolution_id,
       j.complaint_id::text AS complaint_id,
       j.cycle,
       j.excluded_for,
       coalesce(exclusion.name_en, j.excluded_for) AS excluded_for_name_en,
       coalesce(exclusion.name_zh, j.excluded_for) AS excluded_for_name_zh,
       j.excluded_for = 'none' AS is_counted,
       j.holder_unit,
       coalesce(j.holder_person, 'unknown') AS holder_person,
       j.resolved_at,
       bi.date_of(j.resolved_at, j.resolved_at_precision, j.resolved_on, j.zone) AS resolved_date,
       bi.hour_of(j.resolved_at, j.resolved_at_precision, j.zone) AS resolved_hour,
       j.expires_at,
       (j.expires_at AT TIME ZONE j.zone)::date AS expires_date,
       bi.hour_at(j.expires_at, j.zone) AS expires_hour,
       j.source_system,
       j.recorded_at,
       (j.recorded_at AT TIME ZONE j.zone)::date AS recorded_date,
       bi.hour_at(j.recorded_at, j.zone) AS recorded_hour,
       j.is_late_recorded,
       j.partition::integer AS ledger_partition,
       j.ledger_position
FROM judged AS j
LEFT JOIN bi.dim_codes AS exclusion
    ON exclusion.dimension = 'exclusion' AND exclusion.code = j.excluded_for;

CREATE VIEW bi.satisfaction AS
WITH items AS (
    SELECT date_trunc('month', s.resolved_date)::date AS month_date, s.holder_unit,
           s.holder_person, s.is_counted AS is_cycle_due, NULL AS excluded_for,
           NULL::integer AS score, NULL::integer AS result_score, NULL::integer AS process_score
    FROM bi.resolutions AS s
    UNION ALL
    SELECT date_trunc('month', coalesce(a.resolved_date, a.answered_date))::date, a.holder_unit,
           a.holder_person, false, a.excluded_for, a.score, a.result_score, a.process_score
    FROM bi.surveys AS a
),
counted AS (
    SELECT i.month_date, i.holder_unit, i.holder_person,
           count(*) FILTER (WHERE i.is_cycle_due) AS cycles_due_count,
           count(i.excluded_for) AS answer_count,
           count(*) FILTER (WHERE i.excluded_for = 'none') AS valid_count,
           count(*) FILTER (WHERE i.excluded_for = 'none' AND i.score >= 4) AS satisfied_count,
           count(*) FILTER (WHERE i.excluded_for = 'none' AND i.score = 5) AS top_count,
           coalesce(sum(i.score) FILTER (WHERE i.excluded_for = 'none'), 0) AS score_sum,
           count(i.result_score) FILTER (WHERE i.excluded_for = 'none') AS result_count,
           coalesce(sum(i.result_score) FILTER (WHERE i.excluded_for = 'none'), 0)
               AS result_score_sum,
           count(i.process_score) FILTER (WHERE i.excluded_for = 'none') AS process_count,
           coalesce(sum(i.process_score) FILTER (WHERE i.excluded_for = 'none'), 0)
               AS process_score_sum,
           count(*) FILTER (WHERE i.excluded_for = 'superseded') AS superseded_count,
           count(*) FILTER (WHERE i.excluded_for = 'expired') AS expired_count,
           count(*) FILTER (WHERE i.excluded_for = 'by_handler') AS by_handler_count,
           count(*) FILTER (WHERE i.excluded_for = 'unresolved') AS unresolved_count,
           count(*) FILTER (WHERE i.excluded_for = 'undated') AS undated_count,
           count(*) FILTER (WHERE i.excluded_for = 'non_complaint') AS non_complaint_count,
           count(*) FILTER (WHERE i.excluded_for = 'declined') AS declined_count,
           count(*) FILTER (WHERE i.excluded_for = 'withdrawn') AS withdrawn_count,
           count(*) FILTER (WHERE i.excluded_for = 'merged') AS merged_count
    FROM items AS i
    GROUP BY i.month_date, i.holder_unit, i.holder_person
)
SELECT to_char(n.month_date, 'YYYY-MM') || ':' || n.holder_unit || '/' || n.holder_person
           AS satisfaction_id,
       n.month_date,
       n.holder_unit,
       n.holder_person,
       n.satisfied_count,
       n.valid_count,
       round(n.satisfied_count::numeric / nullif(n.valid_count, 0), 6) AS csat,
       n.top_count,
       round(n.top_count::numeric / nullif(n.valid_count, 0), 6) AS top_rate,
       n.score_sum,
       round(n.score_sum::numeric / nullif(n.valid_count, 0), 6) AS mean_score,
       n.result_score_sum,
       n.result_count,
       round(n.result_score_sum::numeric / nullif(n.result_count, 0), 6) AS mean_result_score,
       n.process_score_sum,
       n.process_count,
       round(n.process_score_sum::numeric / nullif(n.process_count, 0), 6) AS mean_process_score,
       n.cycles_due_count,
       n.answer_count,
       n.superseded_count,
       n.expired_count,
       n.by_handler_count,
       n.unresolved_count,
       n.undated_count,
       n.non_complaint_count,
       n.declined_count,
       n.withdrawn_count,
       n.merged_count
FROM counted AS n;

-- --- what every relation and column means --------------------------------------------------

COMMENT ON VIEW bi.repeats IS
    'Grain: one row per complaint: its repeat class as last recorded, and whether it counts in the repeat share.';
COMMENT ON VIEW bi.closings IS
    'Grain: one row per closing of a complaint; one that was reopened and closed again has two. A merge that was undone never was a closing.';
COMMENT ON VIEW bi.returns IS
    'Grain: one row per reopening, or later complaint classed as a repeat or an escalation, with the closing it follows: the last one before it of the complaint reopened or named, but for withdrawals, declines and merges; of a complaint named that came to be one of these, the complaint it names itself as well. Worked out when read, across partitions: load it whole.';
COMMENT ON VIEW bi.repeat_rate IS
    'Grain: one row per metric, month and unit. repeat_share: complaints by month of receipt and unit that received them. return_rate: closings by month of the close and unit that held the complaint then.';
COMMENT ON VIEW bi.surveys IS
    'Grain: one row per answer to the question of satisfaction; all are kept, the last valid one of a cycle counts.';
COMMENT ON VIEW bi.resolutions IS
    'Grain: one row per resolved cycle of a complaint; those that count are due a survey.';
COMMENT ON VIEW bi.satisfaction IS
    'Grain: one row per month of the resolution, unit and person that held the complaint then. Response and coverage are not shown: invitations are not recorded yet.';

DO $$
DECLARE
    item record;
    beside text := 'Beside the rate: ';
BEGIN
    FOR item IN SELECT * FROM (VALUES
        ('repeats', 'complaint_id', 'Unique key: the complaint, as in bi.complaints.'),
        ('repeats', 'repeat_class', 'Class as last recorded: initial, escalated_recomplaint, repeat, related; unknown: its customer is not identified; unclassified: not judged yet.'),
        ('repeats', 'earlier_complaint_id', 'The earlier complaint the class names, as in bi.complaints; none where it names none.'),
        ('repeats', 'days_since_close', 'Days since the close of the earlier one, as recorded with the class; NULL where none were.'),
        ('repeats', 'is_external', 'It came through a regulator, a consumer body or the media.'),
        ('repeats', 'is_after_verified_close', 'The earlier one had been closed as verified.'),
        ('repeats', 'rule_version', 'Version of the rule the class was judged by; none before.'),
        ('repeats', 'classified_by', 'Who judged last: the id of a person or of a policy; none before.'),
        ('repeats', 'classified_by_kind', 'What kind of being judged last: person, system ...; none before.'),
        ('repeats', 'correction_count', 'How often a class was recorded after the first one.'),
        ('repeats', 'excluded_for', 'Why it is not in the repeat share; none: it is.'),
        ('repeats', 'is_counted', 'Counts in the repeat share.'),
        ('repeats', 'received_unit', 'Unit that received it.'),
        ('repeats', 'received_at', 'When the organisation received it.'),
        ('repeats', 'classified_at', 'When it was classed last; NULL before.'),
        ('closings', 'closing_id', 'Unique key: complaint and number of the closing.'),
        ('closings', 'complaint_id', 'The complaint, as in bi.complaints.'),
        ('closings', 'closing_number', 'Number of the closing, from 1.'),
        ('closings', 'close_reason', 'Why it was closed then.'),
        ('closings', 'excluded_for', 'Why it is not in the return rate: by its own reason, whatever came later; none: it is.'),
        ('closings', 'is_counted', 'Counts in the return rate.'),
        ('closings', 'holder_unit', 'Unit that held the complaint when it was closed: a return is charged to it.'),
        ('closings', 'holder_person', 'Person who held the complaint when it was closed.'),
        ('closings', 'closed_at', 'When it was closed; of unknown precision: the latest date its source tells.'),
        ('closings', 'closed_at_precision', 'How exactly closed_at was told: instant, minute, day or unknown.'),
        ('closings', 'is_reopened', 'It was reopened after this closing.'),
        ('closings', 'reopened_at', 'When it was reopened after this closing; NULL where it was not.'),
        ('closings', 'window_days', 'Days after the local date of the close within which what follows is a return.'),
        ('closings', 'is_mature', 'The window has passed at the present: no further return can come.'),
        ('returns', 'return_id', 'Unique key: the closing, the complaint that followed it and, of itself, the number of the closing it was reopened from (else 0).'),
        ('returns', 'closing_id', 'The closing that was followed, as in bi.closings.'),
        ('returns', 'complaint_id', 'The complaint closed then, as in bi.complaints.'),
        ('returns', 'later_complaint_id', 'The complaint that followed, as in bi.complaints: the same where it was reopened.'),
        ('returns', 'return_kind', 'How it came back: reopened, or as a repeat or an escalation.'),
        ('returns', 'excluded_for', 'Why what followed is in no rate: it came to be withdrawn, declined or merged, or is no complaint; none: it is.'),
        ('returns', 'days_since_close', 'Days from the local date of the close to that of the reopening or of the later receipt.'),
        ('returns', 'window_days', 'Days within which it is a return.'),
        ('returns', 'is_counted', 'It is in the rates, and came within the window.'),
        ('returns', 'is_first_counted', 'The first of those counted after its closing: a closing counts once.'),
        ('returns', 'is_external', 'It came through a regulator, a consumer body or the media.'),
        ('returns', 'is_after_verified_close', 'The closing was verified: as recorded with the class of the later complaint, or by the reason of the closing that was reopened.'),
        ('returns', 'returned_at', 'When it was reopened, or the later complaint received.'),
        ('repeat_rate', 'repeat_rate_id', 'Unique key: metric, month and unit.'),
        ('repeat_rate', 'metric', 'repeat_share: repeat / (initial + escalated + repeat). return_rate: closings followed within the window / closings.'),
        ('repeat_rate', 'month_date', 'First day of the month: of the receipt for repeat_share, of the close for return_rate.'),
        ('repeat_rate', 'unit', 'repeat_share: unit that received the complaints. return_rate: unit that held them at the close.'),
        ('repeat_rate', 'numerator_count', 'repeat_share: repeats. return_rate: closings followed within the window.'),
        ('repeat_rate', 'denominator_count', 'repeat_share: initial, escalated and repeat complaints. return_rate: closings.'),
        ('repeat_rate', 'rate', 'numerator_count / denominator_count; NULL over nothing.'),
        ('repeat_rate', 'is_mature', 'The window of every closing counted has passed at the present; always true for repeat_share.'),
        ('repeat_rate', 'initial_count', 'repeat_share: initial complaints, related ones among them; 0 for return_rate.'),
        ('repeat_rate', 'related_count', 'repeat_share: related complaints, counted as initial; 0 for return_rate.'),
        ('repeat_rate', 'escalated_count', 'repeat_share: escalated complaints. return_rate: closings first followed by an escalation.'),
        ('repeat_rate', 'repeat_count', 'repeat_share: repeats. return_rate: closings first followed by a repeat.'),
        ('repeat_rate', 'reopened_count', 'return_rate: closings first followed by a reopening; 0 for repeat_share.'),
        ('repeat_rate', 'external_count', 'Of those counted: through a regulator, a consumer body or the media (return_rate: what first followed).'),
        ('repeat_rate', 'non_complaint_count', beside || 'what is no complaint.'),
        ('repeat_rate', 'declined_count', beside || 'declined.'),
        ('repeat_rate', 'withdrawn_count', beside || 'withdrawn.'),
        ('repeat_rate', 'merged_count', beside || 'merged.'),
        ('repeat_rate', 'customer_unknown_count', beside || 'no identified customer.'),
        ('repeat_rate', 'unclassified_count', beside || 'not classed yet (repeat_share).'),
        ('repeat_rate', 'undated_count', beside || 'closed nobody knows when (return_rate), in the month of the latest date told.'),
        ('repeat_rate', 'all_count', 'All complaints or closings: the denominator and those beside it.'),
        ('surveys', 'survey_id', 'Unique key: complaint and version of the answer.'),
        ('surveys', 'complaint_id', 'The complaint, as in bi.complaints.'),
        ('surveys', 'cycle', 'Cycle whose resolution was asked about.'),
        ('surveys', 'score', 'Satisfaction, 1 to 5.'),
        ('surveys', 'result_score', 'Satisfaction with the result, 1 to 5; NULL where nobody said.'),
        ('surveys', 'process_score', 'Satisfaction with the process, 1 to 5; NULL where nobody said.'),
        ('surveys', 'answered_by', 'Who answered: customer or representative.'),
        ('surveys', 'channel', 'Channel of the answer.'),
        ('surveys', 'excluded_for', 'Why it does not count; none: it does.'),
        ('surveys', 'is_counted', 'The last valid answer of its cycle, of a complaint in rates.'),
        ('surveys', 'holder_unit', 'Unit that held the complaint when the cycle was resolved.'),
        ('surveys', 'holder_person', 'Person who held the complaint when the cycle was resolved.'),
        ('surveys', 'answered_at', 'When it was given.'),
        ('surveys', 'resolved_at', 'When the cycle was resolved; NULL where it was not.'),
        ('surveys', 'expires_at', 'From when on answers about the cycle count no more.'),
        ('resolutions', 'resolution_id', 'Unique key: complaint and cycle.'),
        ('resolutions', 'complaint_id', 'The complaint, as in bi.complaints.'),
        ('resolutions', 'cycle', 'Cycle that was resolved.'),
        ('resolutions', 'excluded_for', 'Why it is due no survey; none: it is.'),
        ('resolutions', 'is_counted', 'Due a survey: of a complaint in rates, and dated.'),
        ('resolutions', 'holder_unit', 'Unit that held the complaint when it was resolved.'),
        ('resolutions', 'holder_person', 'Person who held the complaint when it was resolved.'),
        ('resolutions', 'resolved_at', 'When it was resolved.'),
        ('resolutions', 'expires_at', 'From when on answers count no more.'),
        ('satisfaction', 'satisfaction_id', 'Unique key: month, unit and person.'),
        ('satisfaction', 'month_date', 'First day of the month of the resolution; of an answer about none, of the answer.'),
        ('satisfaction', 'holder_unit', 'Unit that held the complaint when the cycle was resolved.'),
        ('satisfaction', 'holder_person', 'Person who held the complaint when the cycle was resolved.'),
        ('satisfaction', 'satisfied_count', 'Valid answers of 4 or 5.'),
        ('satisfaction', 'valid_count', 'Valid answers, the last of each cycle.'),
        ('satisfaction', 'csat', 'satisfied_count / valid_count; NULL over nothing.'),
        ('satisfaction', 'top_count', 'Valid answers of 5.'),
        ('satisfaction', 'top_rate', 'top_count / valid_count; NULL over nothing.'),
        ('satisfaction', 'score_sum', 'Sum of the valid scores.'),
        ('satisfaction', 'mean_score', 'score_sum / valid_count; NULL over nothing.'),
        ('satisfaction', 'result_score_sum', 'Sum of the scores of the result in valid answers.'),
        ('satisfaction', 'result_count', 'Valid answers with a score of the result.'),
        ('satisfaction', 'mean_result_score', 'result_score_sum / result_count; NULL over nothing.'),
        ('satisfaction', 'process_score_sum', 'Sum of the scores of the process in valid answers.'),
        ('satisfaction', 'process_count', 'Valid answers with a score of the process.'),
        ('satisfaction', 'mean_process_score', 'process_score_sum / process_count; NULL over nothing.'),
        ('satisfaction', 'cycles_due_count', 'Resolved cycles of complaints in rates: each is due a survey.'),
        ('satisfaction', 'answer_count', 'All answers: those that count and those beside.'),
        ('satisfaction', 'superseded_count', beside || 'a later answer of the cycle counts.'),
        ('satisfaction', 'expired_count', beside || 'given when the question had expired.'),
        ('satisfaction', 'by_handler_count', beside || 'collected by whoever handled the complaint.'),
        ('satisfaction', 'unresolved_count', beside || 'about no resolution.'),
        ('satisfaction', 'undated_count', beside || 'resolved nobody knows when.'),
        ('satisfaction', 'non_complaint_count', beside || 'what is no complaint.'),
        ('satisfaction', 'declined_count', beside || 'declined.'),
        ('satisfaction', 'withdrawn_count', beside || 'withdrawn.'),
        ('satisfaction', 'merged_count', beside || 'merged.')
    ) AS c (relation, name, meaning) LOOP
        EXECUTE format('COMMENT ON COLUMN bi.%I.%I IS %L', item.relation, item.name, item.meaning);
    END LOOP;

    -- Beside every code its names, beside every time its date and hour; and what every fact has.
    FOR item IN
        SELECT c.table_name, c.column_name, CASE
            WHEN c.column_name = 'source_system' THEN 'The system that registered the complaint.'
            WHEN c.column_name = 'recorded_at' THEN 'When it was recorded.'
            WHEN c.column_name = 'is_late_recorded' THEN
                'Recorded more than 60 seconds after it occurred as told.'
            WHEN c.column_name = 'ledger_partition' THEN
                'Partition of the ledger the complaint lives in.'
            WHEN c.column_name = 'ledger_position' THEN
                'Position of the last event of the complaint; grows whenever the row changes, within its partition.'
            WHEN c.column_name LIKE '%\_name\_en' THEN format('Name of %s in English.', left(c.column_name, -8))
            WHEN c.column_name LIKE '%\_name\_zh' THEN format('Name of %s in Chinese.', left(c.column_name, -8))
            WHEN c.column_name LIKE '%\_date' THEN format(
                'Date of %s in the reporting zone; of day precision the date as told.', left(c.column_name, -5) || '_at')
            WHEN c.column_name LIKE '%\_hour' THEN format('Hour of %s in the reporting zone, 0 to 23; NULL where no time of day was told.',
                        left(c.column_name, -5) || '_at')
            END AS meaning
        FROM information_schema.columns AS c
        WHERE c.table_schema = 'bi' AND c.table_name IN (
                'repeats', 'closings', 'returns', 'repeat_rate', 'surveys', 'resolutions',
                'satisfaction')
          AND col_description(format('bi.%I', c.table_name)::regclass, c.ordinal_position) IS NULL
    LOOP
        EXECUTE format('COMMENT ON COLUMN bi.%I.%I IS %L', item.table_name, item.column_name, item.meaning);
    END LOOP;
END;
$$;

-- The API shows what BI tools see, and nothing else of bi is written by anybody.
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA bi TO closedloop_bi, closedloop_app;
GRANT USAGE ON SCHEMA bi TO closedloop_app;
GRANT SELECT ON ALL TABLES IN SCHEMA bi TO closedloop_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA bi GRANT SELECT ON TABLES TO closedloop_app;
