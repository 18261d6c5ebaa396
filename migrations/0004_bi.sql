-- The public contract for BI tools (architecture 5): read by the role closedloop_bi, which has
-- rights on this schema alone. Everything that depends on the present is computed here, from
-- bi.present(); everything that depends on a zone, from bi.reporting_zone().

CREATE FUNCTION bi.present() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(nullif(current_setting('closedloop.present', true), '')::timestamptz, now())
$$;
COMMENT ON FUNCTION bi.present() IS
    'The present of a report: the setting closedloop.present where it is set, else the current time.';

-- As its owner: the zone stands in a table that the BI role may not read.
CREATE FUNCTION bi.reporting_zone() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT value FROM ledger.settings WHERE name = 'zone'
$$;
COMMENT ON FUNCTION bi.reporting_zone() IS
    'The zone in which bi reads dates and hours; fixed by closedloop migrate --zone.';

-- Times of milestones as far as they were told: a day has no hour, an unknown time is none.
CREATE FUNCTION bi.at_told(imprecise jsonb, milestone text, told_at timestamptz)
    RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN imprecise -> milestone ->> 'precision' = 'unknown' THEN NULL ELSE told_at END
$$;
CREATE FUNCTION bi.date_told(imprecise jsonb, milestone text, told_at timestamptz, zone text)
    RETURNS date LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE imprecise -> milestone ->> 'precision'
               WHEN 'unknown' THEN NULL
               WHEN 'day' THEN (imprecise -> milestone ->> 'on')::date
               ELSE (told_at AT TIME ZONE zone)::date
           END
$$;
CREATE FUNCTION bi.hour_told(imprecise jsonb, milestone text, told_at timestamptz, zone text)
    RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN imprecise -> milestone IS NULL
                THEN extract(hour FROM told_at AT TIME ZONE zone)::integer END
$$;
CREATE FUNCTION bi.hour_at(told_at timestamptz, zone text)
    RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT extract(hour FROM told_at AT TIME ZONE zone)::integer
$$;
CREATE FUNCTION bi.minutes_between(started_at timestamptz, stopped_at timestamptz)
    RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT round(extract(epoch FROM stopped_at - started_at) / 60, 6)
$$;

-- What a source says is text, and need not be a date of the calendar.
CREATE FUNCTION bi.date_or_null(told text)
    RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN told !~ '^[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' THEN NULL
        WHEN substr(told, 9, 2)::integer > extract(day FROM
            make_date(substr(told, 1, 4)::integer, substr(told, 6, 2)::integer, 1)
            + interval '1 month - 1 day') THEN NULL
        ELSE make_date(substr(told, 1, 4)::integer, substr(told, 6, 2)::integer,
                       substr(told, 9, 2)::integer)
    END
$$;
CREATE FUNCTION bi.yes_or_no(told text)
    RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE lower(told) WHEN 'yes' THEN true WHEN 'no' THEN false END
$$;

-- --- dimensions ----------------------------------------------------------------------------

CREATE TABLE bi.dim_codes (
    dimension  text    NOT NULL,
    code       text    NOT NULL,
    sort_order integer NOT NULL,
    name_en    text    NOT NULL,
    name_zh    text    NOT NULL,
    dim_code_id text   GENERATED ALWAYS AS (dimension || ':' || code) STORED UNIQUE,
    PRIMARY KEY (dimension, code)
);
INSERT INTO bi.dim_codes (dimension, code, sort_order, name_en, name_zh) VALUES
    ('severity', 'general', 1, 'General', '一般'),
    ('severity', 'important', 2, 'Important', '重要'),
    ('severity', 'major', 3, 'Major', '重大'),
    ('severity', 'unknown', 9, 'Unknown', '未知'),
    ('stage', 'registered', 1, 'Registered', '已登记'),
    ('stage', 'assessed', 2, 'Assessed', '已评审'),
    ('stage', 'accepted', 3, 'Accepted', '已受理'),
    ('stage', 'in_progress', 4, 'In progress', '处理中'),
    ('stage', 'resolved', 5, 'Resolved', '已办结'),
    ('stage', 'final_position', 6, 'Final position', '最终答复'),
    ('stage', 'closed', 7, 'Closed', '已结案'),
    ('stage', 'unknown', 9, 'Unknown', '未知'),
    ('nature', 'complaint', 1, 'Complaint', '投诉'),
    ('nature', 'enquiry', 2, 'Enquiry', '咨询'),
    ('nature', 'suggestion', 3, 'Suggestion', '建议'),
    ('nature', 'report', 4, 'Report', '举报'),
    ('nature', 'praise', 5, 'Praise', '表扬'),
    ('nature', 'unknown', 9, 'Unknown', '未知'),
    ('origin', 'person', 1, 'Person', '人工'),
    ('origin', 'bot', 2, 'Bot', '机器人'),
    ('origin', 'unknown', 9, 'Unknown', '未知'),
    ('waiting_on', 'none', 0, 'Nobody', '无需等待'),
    ('waiting_on', 'customer', 1, 'Customer', '等待客户'),
    ('waiting_on', 'task', 2, 'Task', '等待协同任务'),
    ('waiting_on', 'supplier', 3, 'Supplier', '等待供应商'),
    ('waiting_on', 'external_body', 4, 'Outside body', '等待外部机构'),
    ('waiting_on', 'unknown', 9, 'Unknown', '未知'),
    ('close_reason', 'none', 0, 'Not closed', '未结案'),
    ('close_reason', 'verified', 1, 'Verified by the customer', '客户已确认'),
    ('close_reason', 'final_position', 2, 'Final position', '最终答复'),
    ('close_reason', 'unreachable', 3, 'Customer unreachable', '无法联系客户'),
    ('close_reason', 'withdrawn', 4, 'Withdrawn', '撤诉'),
    ('close_reason', 'declined', 5, 'Declined', '不予受理'),
    ('close_reason', 'duplicate', 6, 'Duplicate', '重复登记'),
    ('close_reason', 'settled_outside', 7, 'Settled by an outside body', '外部机构解决'),
    ('close_reason', 'imported', 8, 'Closed at its source', '导入时已结案'),
    ('close_reason', 'unknown', 9, 'Unknown', '未知'),
    ('channel', 'phone', 1, 'Phone', '电话'),
    ('channel', 'wechat', 2, 'WeChat', '微信'),
    ('channel', 'web', 3, 'Web', '网站'),
    ('channel', 'website', 4, 'Website', '官网'),
    ('channel', 'social', 5, 'Social media', '社交媒体'),
    ('channel', 'social_media', 6, 'Social media', '社交媒体'),
    ('channel', 'email', 7, 'E-mail', '邮件'),
    ('channel', 'app', 8, 'App', '移动应用'),
    ('channel', 'chat', 9, 'Online chat', '在线客服'),
    ('channel', 'sms', 10, 'Text message', '短信'),
    ('channel', 'on_site', 11, 'On site', '现场'),
    ('channel', 'postal_mail', 12, 'Postal mail', '信函'),
    ('channel', 'fax', 13, 'Fax', '传真'),
    ('channel', 'referral', 14, 'Referral', '转办'),
    ('channel', 'web_referral', 15, 'Web referral', '网上转办'),
    ('channel', 'unknown', 99, 'Unknown', '未知'),
    ('clock', 'first_response', 1, 'First response', '首次响应'),
    ('clock', 'assess', 2, 'Initial assessment', '初步评审'),
    ('clock', 'resolve', 3, 'Resolution', '办结'),
    ('clock', 'end_to_end', 4, 'End to end', '全程'),
    ('clock', 'unknown', 9, 'Unknown', '未知'),
    ('verdict', 'met', 1, 'Met', '达标'),
    ('verdict', 'missed', 2, 'Missed', '超时'),
    ('verdict', 'overdue', 3, 'Open and overdue', '逾期未完成'),
    ('verdict', 'open', 4, 'Open, not due yet', '进行中'),
    ('verdict', 'cancelled', 5, 'Cancelled', '已取消'),
    ('verdict', 'none', 6, 'No target', '无时限'),
    ('verdict', 'unknown', 9, 'Unknown', '未知');

CREATE TABLE bi.calendar_days AS
    SELECT to_char(day, 'YYYY-MM-DD') AS calendar_day_id,
           day::date AS day_date,
           date_trunc('month', day)::date AS month_date,
           extract(year FROM day)::integer AS year,
           extract(quarter FROM day)::integer AS quarter,
           extract(month FROM day)::integer AS month,
           extract(day FROM day)::integer AS day_of_month,
           extract(isoyear FROM day)::integer AS iso_year,
           extract(week FROM day)::integer AS iso_week,
           extract(isodow FROM day)::integer AS iso_weekday,
           (ARRAY['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'])
               [extract(isodow FROM day)::integer] AS weekday_name_en,
           (ARRAY['星期一', '星期二', '星期三', '星期四', '星期五', '星期六', '星期日'])
               [extract(isodow FROM day)::integer] AS weekday_name_zh,
           extract(isodow FROM day) IN (6, 7) AS is_weekend
    FROM generate_series(timestamp '2000-01-01', timestamp '2050-12-31', interval '1 day') AS day;
ALTER TABLE bi.calendar_days ADD PRIMARY KEY (calendar_day_id);
CREATE UNIQUE INDEX calendar_days_by_date ON bi.calendar_days (day_date);

-- --- facts ---------------------------------------------------------------------------------

-- MATERIALIZED: zone and present are worked out once a query, not once a row.
CREATE VIEW bi.complaints AS
WITH r AS MATERIALIZED (SELECT bi.reporting_zone() AS zone, bi.present() AS present)
SELECT c.complaint_id::text AS complaint_id,
       c.tracking_number,
       c.source_system,
       coalesce(c.source_tier, 'unknown') AS source_tier,
       c.is_imported,
       c.channel,
       coalesce(channel.name_en, c.channel) AS channel_name_en,
       coalesce(channel.name_zh, c.channel) AS channel_name_zh,
       c.origin,
       coalesce(origin.name_en, c.origin) AS origin_name_en,
       coalesce(origin.name_zh, c.origin) AS origin_name_zh,
       c.nature,
       coalesce(nature.name_en, c.nature) AS nature_name_en,
       coalesce(nature.name_zh, c.nature) AS nature_name_zh,
       coalesce(c.language, 'unknown') AS language,
       coalesce(c.region, 'unknown') AS region,
       coalesce(c.unit_complained_about, 'unknown') AS unit_complained_about,
       coalesce(c.received_unit, 'unknown') AS received_unit,
       coalesce(c.customer_id, 'unknown') AS customer_id,
       c.customer_id IS NOT NULL AS is_customer_identified,
       coalesce(c.complainant_role, 'unknown') AS complainant_role,
       coalesce(c.customer_tier, 'unknown') AS customer_tier,
       coalesce(c.customer_segment, 'unknown') AS customer_segment,
       coalesce(c.product_sku, 'unknown') AS product_sku,
       coalesce(c.product_model, 'unknown') AS product_model,
       coalesce(c.product_batch, 'unknown') AS product_batch,
       coalesce(c.product_supplier, 'unknown') AS product_supplier,
       coalesce(c.requested_remedy_kind, 'unknown') AS requested_remedy_kind,
       c.disputed_amount_minor,
       coalesce(c.disputed_currency, 'unknown') AS currency,
       c.is_public,
       c.has_safety_signal,
       coalesce(c.category_path[1], 'unknown') AS category_level_1,
       coalesce(c.category_path[2], 'unknown') AS category_level_2,
       coalesce(c.category_path[3], 'unknown') AS category_level_3,
       coalesce(c.category_path[4], 'unknown') AS category_level_4,
       coalesce(array_to_string(c.category_path, ' > '), 'unknown') AS category_path,
       coalesce(c.taxonomy_version, 'unknown') AS taxonomy_version,
       coalesce(c.problem_key, 'unknown') AS problem_key,
       coalesce(array_to_string(c.tags, ', '), '') AS tags,
       coalesce(c.priority, 'unknown') AS priority,
       c.severity,
       coalesce(severity.name_en, c.severity) AS severity_name_en,
       coalesce(severity.name_zh, c.severity) AS severity_name_zh,
       c.is_provisional,
       c.stage,
       coalesce(stage.name_en, c.stage) AS stage_name_en,
       coalesce(stage.name_zh, c.stage) AS stage_name_zh,
       c.waiting_on,
       coalesce(waiting_on.name_en, c.waiting_on) AS waiting_on_name_en,
       coalesce(waiting_on.name_zh, c.waiting_on) AS waiting_on_name_zh,
       c.cycle,
       coalesce(c.owner_unit, 'unknown') AS owner_unit,
       coalesce(c.owner_person, 'unknown') AS owner_person,
       c.stage <> 'closed' AS is_open,
       c.is_accepted,
       c.resolved_at IS NOT NULL AS is_resolved,
       c.close_reason IS NOT DISTINCT FROM 'verified' AS is_verified,
       c.nature = 'complaint'
           AND coalesce(c.close_reason, 'none') NOT IN ('withdrawn', 'declined', 'duplicate')
           AS is_in_rates,
       coalesce(c.close_reason, 'none') AS close_reason,
       coalesce(close_reason.name_en, c.close_reason) AS close_reason_name_en,
       coalesce(close_reason.name_zh, c.close_reason) AS close_reason_name_zh,
       coalesce(c.source_facts ->> 'company_response', 'unknown') AS company_response,
       bi.yes_or_no(c.source_facts ->> 'timely_response') AS is_timely_response,
       bi.yes_or_no(c.source_facts ->> 'disputed') AS is_disputed_at_source,
       bi.date_or_null(c.source_facts ->> 'sent_to_company_on') AS sent_to_company_date,
       c.contact_count,
       c.remedy_count,
       c.dispute_count,
       c.reopening_count,
       c.last_satisfaction_score::integer AS last_satisfaction_score,
       c.received_at,
       CASE WHEN c.received_at_precision IN ('instant', 'minute') OR c.received_on IS NULL
            THEN (c.received_at AT TIME ZONE r.zone)::date ELSE c.received_on END AS received_date,
       CASE WHEN c.received_at_precision IN ('instant', 'minute')
            THEN bi.hour_at(c.received_at, r.zone) END AS received_hour,
       c.received_at_precision,
       bi.at_told(c.imprecise, 'acknowledged', c.acknowledged_at) AS acknowledged_at,
       bi.date_told(c.imprecise, 'acknowledged', c.acknowledged_at, r.zone) AS acknowledged_date,
       bi.hour_told(c.imprecise, 'acknowledged', c.acknowledged_at, r.zone) AS acknowledged_hour,
       bi.at_told(c.imprecise, 'first_contact', c.first_contact_at) AS first_contact_at,
       bi.date_told(c.imprecise, 'first_contact', c.first_contact_at, r.zone) AS first_contact_date,
       bi.hour_told(c.imprecise, 'first_contact', c.first_contact_at, r.zone) AS first_contact_hour,
       bi.at_told(c.imprecise, 'assessed', c.assessed_at) AS assessed_at,
       bi.date_told(c.imprecise, 'assessed', c.assessed_at, r.zone) AS assessed_date,
       bi.hour_told(c.imprecise, 'assessed', c.assessed_at, r.zone) AS assessed_hour,
       bi.at_told(c.imprecise, 'accepted', c.accepted_at) AS accepted_at,
       bi.date_told(c.imprecise, 'accepted', c.accepted_at, r.zone) AS accepted_date,
       bi.hour_told(c.imprecise, 'accepted', c.accepted_at, r.zone) AS accepted_hour,
       bi.at_told(c.imprecise, 'assigned', c.assigned_at) AS assigned_at,
       bi.date_told(c.imprecise, 'assigned', c.assigned_at, r.zone) AS assigned_date,
       bi.hour_told(c.imprecise, 'assigned', c.assigned_at, r.zone) AS assigned_hour,
       bi.at_told(c.imprecise, 'signed_for', c.signed_for_at) AS signed_for_at,
       bi.date_told(c.imprecise, 'signed_for', c.signed_for_at, r.zone) AS signed_for_date,
       bi.hour_told(c.imprecise, 'signed_for', c.signed_for_at, r.zone) AS signed_for_hour,
       bi.at_told(c.imprecise, 'problem_confirmed', c.problem_confirmed_at) AS problem_confirmed_at,
       bi.date_told(c.imprecise, 'problem_confirmed', c.problem_confirmed_at, r.zone) AS problem_confirmed_date,
       bi.hour_told(c.imprecise, 'problem_confirmed', c.problem_confirmed_at, r.zone) AS problem_confirmed_hour,
       bi.at_told(c.imprecise, 'remedy_proposed', c.remedy_proposed_at) AS remedy_proposed_at,
       bi.date_told(c.imprecise, 'remedy_proposed', c.remedy_proposed_at, r.zone) AS remedy_proposed_date,
       bi.hour_told(c.imprecise, 'remedy_proposed', c.remedy_proposed_at, r.zone) AS remedy_proposed_hour,
       bi.at_told(c.imprecise, 'remedy_accepted', c.remedy_accepted_at) AS remedy_accepted_at,
       bi.date_told(c.imprecise, 'remedy_accepted', c.remedy_accepted_at, r.zone) AS remedy_accepted_date,
       bi.hour_told(c.imprecise, 'remedy_accepted', c.remedy_accepted_at, r.zone) AS remedy_accepted_hour,
       bi.at_told(c.imprecise, 'remedy_fulfilled', c.remedy_fulfilled_at) AS remedy_fulfilled_at,
       bi.date_told(c.imprecise, 'remedy_fulfilled', c.remedy_fulfilled_at, r.zone) AS remedy_fulfilled_date,
       bi.hour_told(c.imprecise, 'remedy_fulfilled', c.remedy_fulfilled_at, r.zone) AS remedy_fulfilled_hour,
       bi.at_told(c.imprecise, 'first_resolved', c.first_resolved_at) AS first_resolved_at,
       bi.date_told(c.imprecise, 'first_resolved', c.first_resolved_at, r.zone) AS first_resolved_date,
       bi.hour_told(c.imprecise, 'first_resolved', c.first_resolved_at, r.zone) AS first_resolved_hour,
       bi.at_told(c.imprecise, 'resolved', c.resolved_at) AS resolved_at,
       bi.date_told(c.imprecise, 'resolved', c.resolved_at, r.zone) AS resolved_date,
       bi.hour_told(c.imprecise, 'resolved', c.resolved_at, r.zone) AS resolved_hour,
       bi.at_told(c.imprecise, 'confirmed', c.confirmed_at) AS confirmed_at,
       bi.date_told(c.imprecise, 'confirmed', c.confirmed_at, r.zone) AS confirmed_date,
       bi.hour_told(c.imprecise, 'confirmed', c.confirmed_at, r.zone) AS confirmed_hour,
       bi.at_told(c.imprecise, 'disputed', c.disputed_at) AS disputed_at,
       bi.date_told(c.imprecise, 'disputed', c.disputed_at, r.zone) AS disputed_date,
       bi.hour_told(c.imprecise, 'disputed', c.disputed_at, r.zone) AS disputed_hour,
       bi.at_told(c.imprecise, 'reopened', c.reopened_at) AS reopened_at,
       bi.date_told(c.imprecise, 'reopened', c.reopened_at, r.zone) AS reopened_date,
       bi.hour_told(c.imprecise, 'reopened', c.reopened_at, r.zone) AS reopened_hour,
       c.closed_at,
       CASE WHEN c.closed_at_precision IN ('instant', 'minute') OR c.closed_on IS NULL
            THEN (c.closed_at AT TIME ZONE r.zone)::date ELSE c.closed_on END AS closed_date,
       CASE WHEN c.closed_at_precision IN ('instant', 'minute')
            THEN bi.hour_at(c.closed_at, r.zone) END AS closed_hour,
       coalesce(c.closed_at_precision, 'none') AS closed_at_precision,
       c.reply_due_at,
       (c.reply_due_at AT TIME ZONE r.zone)::date AS reply_due_date,
       bi.hour_at(c.reply_due_at, r.zone) AS reply_due_hour,
       CASE WHEN c.received_at_precision IN ('instant', 'minute')
                 AND c.imprecise -> 'first_resolved' IS NULL
            THEN bi.minutes_between(c.received_at, c.first_resolved_at) END
           AS time_to_first_resolution_minutes,
       CASE WHEN c.received_at_precision IN ('instant', 'minute')
                 AND c.closed_at_precision IN ('instant', 'minute')
            THEN bi.minutes_between(c.received_at, c.closed_at) END AS time_to_close_minutes,
       CASE WHEN c.received_at_precision IN ('instant', 'minute') AND c.stage <> 'closed'
            THEN bi.minutes_between(c.received_at, r.present) END AS age_minutes,
       c.recorded_at,
       (c.recorded_at AT TIME ZONE r.zone)::date AS recorded_date,
       bi.hour_at(c.recorded_at, r.zone) AS recorded_hour,
       c.is_late_recorded,
       c.version,
       c.partition::integer AS ledger_partition,
       c.ledger_position
FROM views.complaints AS c
CROSS JOIN r
LEFT JOIN bi.dim_codes AS channel ON channel.dimension = 'channel' AND channel.code = c.channel
LEFT JOIN bi.dim_codes AS origin ON origin.dimension = 'origin' AND origin.code = c.origin
LEFT JOIN bi.dim_codes AS nature ON nature.dimension = 'nature' AND nature.code = c.nature
LEFT JOIN bi.dim_codes AS severity ON severity.dimension = 'severity' AND severity.code = c.severity
LEFT JOIN bi.dim_codes AS stage ON stage.dimension = 'stage' AND stage.code = c.stage
LEFT JOIN bi.dim_codes AS waiting_on
    ON waiting_on.dimension = 'waiting_on' AND waiting_on.code = c.waiting_on
LEFT JOIN bi.dim_codes AS close_reason
    ON close_reason.dimension = 'close_reason'
       AND close_reason.code = coalesce(c.close_reason, 'none');

CREATE VIEW bi.source_facts AS
WITH r AS MATERIALIZED (SELECT bi.reporting_zone() AS zone)
SELECT f.complaint_id::text || ':' || f.name AS source_fact_id,
       f.complaint_id::text AS complaint_id,
       f.name AS fact_name,
       f.value AS fact_value,
       f.source_system,
       f.recorded_at,
       (f.recorded_at AT TIME ZONE r.zone)::date AS recorded_date,
       bi.hour_at(f.recorded_at, r.zone) AS recorded_hour,
       f.is_late_recorded,
       f.partition::integer AS ledger_partition,
       f.ledger_position
FROM views.complaint_source_facts AS f CROSS JOIN r;

CREATE VIEW bi.sla_clocks AS
WITH r AS MATERIALIZED (SELECT bi.reporting_zone() AS zone, bi.present() AS present),
judged AS (
    SELECT s.partition, s.complaint_id, s.clock, s.cycle, s.ledger_position, s.source_system,
           s.recorded_at, s.is_late_recorded, s.started_at, s.severity, s.is_provisional,
           s.is_in_rates, s.is_breached_by_reclassification, s.disputed_later, s.holder_unit,
           s.holder_person, s.due_at, s.breach_after, s.target_microseconds, s.stopped_at,
           s.stop_reason, s.stop_recorded_at, s.elapsed_microseconds,
           CASE WHEN s.due_at IS NULL THEN 'none'
                WHEN s.stopped_at IS NOT NULL THEN coalesce(s.verdict, 'unknown')
                WHEN s.breach_after < r.present THEN 'overdue'
                ELSE 'open' END AS verdict,
           CASE WHEN s.due_at IS NULL THEN 'none'
                WHEN s.stopped_at IS NULL THEN 'open'
                ELSE coalesce(s.verdict_as_occurred, 'unknown') END AS verdict_as_occurred,
           CASE WHEN s.due_at IS NULL THEN 'none'
                WHEN s.stopped_at IS NULL THEN 'open'
                ELSE coalesce(s.verdict_as_recorded, 'unknown') END AS verdict_as_recorded,
           r.zone, r.present
    FROM views.sla_clocks AS s CROSS JOIN r
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
       CASE WHEN j.stopped_at IS NULL THEN bi.minutes_between(j.started_at, j.present)
            ELSE round(j.elapsed_microseconds / 60000000.0, 6) END AS elapsed_minutes,
       CASE WHEN j.breach_after IS NULL OR j.verdict IN ('met', 'open', 'cancelled') THEN NULL
            ELSE bi.minutes_between(j.breach_after, coalesce(j.stopped_at, j.present)) END
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
       j.ledger_position
FROM judged AS j
LEFT JOIN bi.dim_codes AS clock ON clock.dimension = 'clock' AND clock.code = j.clock
LEFT JOIN bi.dim_codes AS severity ON severity.dimension = 'severity' AND severity.code = j.severity
LEFT JOIN bi.dim_codes AS official ON official.dimension = 'verdict' AND official.code = j.verdict
LEFT JOIN bi.dim_codes AS occurred
    ON occurred.dimension = 'verdict' AND occurred.code = j.verdict_as_occurred
LEFT JOIN bi.dim_codes AS recorded
    ON recorded.dimension = 'verdict' AND recorded.code = j.verdict_as_recorded;

-- Attainment: met / (met + missed + open and overdue). Merged, declined, withdrawn and what is no
-- complaint stand beside it.
CREATE VIEW bi.sla_attainment AS
WITH r AS MATERIALIZED (SELECT bi.reporting_zone() AS zone, bi.present() AS present),
counted AS (
    SELECT s.clock, s.severity,
           date_trunc('month', s.due_at AT TIME ZONE r.zone)::date AS due_month_date,
           count(*) AS clock_count,
           count(*) FILTER (WHERE s.is_in_rates AND s.verdict = 'met') AS met_count,
           count(*) FILTER (WHERE s.is_in_rates AND s.verdict = 'missed') AS missed_count,
           count(*) FILTER (WHERE s.is_in_rates AND s.stopped_at IS NULL
                                  AND s.breach_after < r.present) AS overdue_count,
           count(*) FILTER (WHERE s.is_in_rates AND s.stopped_at IS NULL
                                  AND s.breach_after >= r.present) AS open_count,
           count(*) FILTER (WHERE s.is_in_rates AND s.verdict = 'cancelled') AS cancelled_count,
           count(*) FILTER (WHERE NOT s.is_in_rates) AS out_of_rates_count,
           count(*) FILTER (WHERE s.is_in_rates AND s.verdict = 'met' AND s.disputed_later)
               AS disputed_later_count,
           count(*) FILTER (WHERE s.is_in_rates
                                  AND s.verdict_as_occurred <> s.verdict_as_recorded)
               AS differing_verdict_count
    FROM views.sla_clocks AS s CROSS JOIN r
    WHERE s.due_at IS NOT NULL
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

CREATE VIEW bi.watermarks AS
WITH r AS MATERIALIZED (SELECT bi.reporting_zone() AS zone)
SELECT p.view || ':' || p.partition AS watermark_id,
       p.view AS view_name,
       p.partition::integer AS ledger_partition,
       p.position AS ledger_position,
       h.position AS head_position,
       h.position - p.position AS lag_event_count,
       h.position = p.position AS is_current,
       e.recorded_at AS as_of_at,
       (e.recorded_at AT TIME ZONE r.zone)::date AS as_of_date,
       bi.hour_at(e.recorded_at, r.zone) AS as_of_hour
FROM views.positions AS p
JOIN ledger.heads AS h ON h.partition = p.partition
CROSS JOIN r
LEFT JOIN ledger.events AS e ON e.partition = p.partition AND e.position = p.position;

-- --- what every relation and column means --------------------------------------------------

COMMENT ON TABLE bi.dim_codes IS
    'Grain: one row per dimension and code, with its names; every dimension has a member unknown.';
COMMENT ON TABLE bi.calendar_days IS
    'Grain: one row per day from 2000 to 2050, without public holidays.';
COMMENT ON VIEW bi.complaints IS
    'Grain: one row per complaint: how it came in, where it stands and when it got there.';
COMMENT ON VIEW bi.source_facts IS
    'Grain: one row per complaint and name of a fact that its source tells about it.';
COMMENT ON VIEW bi.sla_clocks IS
    'Grain: one row per complaint, clock and cycle. Complaints of an import have no clocks.';
COMMENT ON VIEW bi.sla_attainment IS
    'Grain: one row per clock, severity and month of the local date of the due: how many were met. Clocks without a target are not in it.';
COMMENT ON VIEW bi.watermarks IS
    'Grain: one row per view and partition of the ledger: how far the view has come.';

DO $$
DECLARE
    item record;
BEGIN
    FOR item IN SELECT * FROM (VALUES
        ('dim_codes', 'dim_code_id', 'Unique key: dimension and code.'),
        ('dim_codes', 'dimension', 'Which kind of code: severity, stage, channel ...'),
        ('dim_codes', 'code', 'The code as facts have it.'),
        ('dim_codes', 'sort_order', 'The order in which people expect the codes of the dimension.'),
        ('dim_codes', 'name_en', 'Name in English.'),
        ('dim_codes', 'name_zh', 'Name in Chinese.'),
        ('calendar_days', 'calendar_day_id', 'Unique key: the day as YYYY-MM-DD.'),
        ('calendar_days', 'day_date', 'The day; join any _date column to it.'),
        ('calendar_days', 'month_date', 'First day of its month.'),
        ('calendar_days', 'year', 'Year.'),
        ('calendar_days', 'quarter', 'Quarter, 1 to 4.'),
        ('calendar_days', 'month', 'Month, 1 to 12.'),
        ('calendar_days', 'day_of_month', 'Day of the month.'),
        ('calendar_days', 'iso_year', 'Year that the ISO week belongs to.'),
        ('calendar_days', 'iso_week', 'ISO week, 1 to 53.'),
        ('calendar_days', 'iso_weekday', 'Weekday, 1 Monday to 7 Sunday.'),
        ('calendar_days', 'weekday_name_en', 'Weekday in English.'),
        ('calendar_days', 'weekday_name_zh', 'Weekday in Chinese.'),
        ('calendar_days', 'is_weekend', 'Saturday or Sunday, whether or not people work on it.'),
        ('complaints', 'complaint_id', 'Unique key of the complaint.'),
        ('complaints', 'tracking_number', 'The number people use for it.'),
        ('complaints', 'source_system', 'The system that registered it.'),
        ('complaints', 'source_tier', 'First line, second line or found by ourselves; a code of the source.'),
        ('complaints', 'is_imported', 'Taken over from the records of another system: it has no clocks.'),
        ('complaints', 'channel', 'How it came in; an open list.'),
        ('complaints', 'origin', 'Whether a person or a bot took it.'),
        ('complaints', 'nature', 'Complaint, enquiry, suggestion, report or praise; only complaints are in rates.'),
        ('complaints', 'language', 'Language of the complainant.'),
        ('complaints', 'region', 'Administrative code of the region.'),
        ('complaints', 'unit_complained_about', 'The unit or company complained about.'),
        ('complaints', 'received_unit', 'The unit that received it and holds it until it is accepted.'),
        ('complaints', 'customer_id', 'Pseudonymous id of the customer.'),
        ('complaints', 'is_customer_identified', 'False: the customer is not known, and customer_id is unknown.'),
        ('complaints', 'complainant_role', 'Whether the customer, a representative or a reporter speaks.'),
        ('complaints', 'customer_tier', 'Tier of the customer as known at the receipt.'),
        ('complaints', 'customer_segment', 'Segment of the customer as known at the receipt.'),
        ('complaints', 'product_sku', 'Product: stock keeping unit.'),
        ('complaints', 'product_model', 'Product: model.'),
        ('complaints', 'product_batch', 'Product: batch.'),
        ('complaints', 'product_supplier', 'Product: supplier.'),
        ('complaints', 'requested_remedy_kind', 'What the complainant asks for.'),
        ('complaints', 'disputed_amount_minor', 'Amount in dispute, in minor units of currency.'),
        ('complaints', 'currency', 'Currency of disputed_amount_minor (ISO 4217).'),
        ('complaints', 'is_public', 'Whether it is public; NULL where nobody said.'),
        ('complaints', 'has_safety_signal', 'Whether safety is concerned; NULL where nobody said.'),
        ('complaints', 'category_level_1', 'Category, coarsest level (of the CFPB import: the product).'),
        ('complaints', 'category_level_2', 'Category, second level.'),
        ('complaints', 'category_level_3', 'Category, third level.'),
        ('complaints', 'category_level_4', 'Category, fourth level.'),
        ('complaints', 'category_path', 'Category, all levels from coarse to fine.'),
        ('complaints', 'taxonomy_version', 'Version of the taxonomy the category was chosen from.'),
        ('complaints', 'problem_key', 'The problem: category and product model; equal keys are the same problem.'),
        ('complaints', 'tags', 'Tags of the last assessment, joined by commas.'),
        ('complaints', 'priority', 'Place in the queue: urgent, high, medium or low.'),
        ('complaints', 'severity', 'Severity: general, important or major; general until somebody said otherwise.'),
        ('complaints', 'is_provisional', 'Nobody has named a severity yet.'),
        ('complaints', 'stage', 'Stage it is at.'),
        ('complaints', 'waiting_on', 'Whom the work waits for.'),
        ('complaints', 'cycle', 'Cycle of the work, from 1; a dispute or a reopening begins the next.'),
        ('complaints', 'owner_unit', 'Unit that owns it since it was accepted.'),
        ('complaints', 'owner_person', 'Person it was assigned to or who signed for it.'),
        ('complaints', 'is_open', 'Not closed.'),
        ('complaints', 'is_accepted', 'It was taken on.'),
        ('complaints', 'is_resolved', 'Its present cycle is resolved and was not disputed.'),
        ('complaints', 'is_verified', 'Closed with both verifications: of the problem and of the resolution.'),
        ('complaints', 'is_in_rates', 'Counts in rates: a complaint that is not withdrawn, declined or a duplicate.'),
        ('complaints', 'close_reason', 'Why it is closed; none while it is open.'),
        ('complaints', 'company_response', 'Source fact company_response.'),
        ('complaints', 'is_timely_response', 'Source fact timely_response; NULL where the source says nothing.'),
        ('complaints', 'is_disputed_at_source', 'Source fact disputed; NULL where the source says nothing.'),
        ('complaints', 'sent_to_company_date', 'Source fact sent_to_company_on.'),
        ('complaints', 'contact_count', 'Contacts recorded, whether or not somebody was reached.'),
        ('complaints', 'remedy_count', 'Remedies proposed.'),
        ('complaints', 'dispute_count', 'Resolutions the customer disputed.'),
        ('complaints', 'reopening_count', 'Times it was reopened.'),
        ('complaints', 'last_satisfaction_score', 'Last satisfaction score, 1 to 5.'),
        ('complaints', 'received_at', 'When the organisation received it; of day precision: the begin of that day.'),
        ('complaints', 'received_at_precision', 'How exactly received_at was told: instant, minute, day or unknown.'),
        ('complaints', 'acknowledged_at', 'When the complaint was acknowledged for the first time; NULL where that did not happen or nobody told when.'),
        ('complaints', 'first_contact_at', 'When the complaint was reached by a contact for the first time; NULL where that did not happen or nobody told when.'),
        ('complaints', 'assessed_at', 'When the complaint was assessed for the first time; NULL where that did not happen or nobody told when.'),
        ('complaints', 'accepted_at', 'When the complaint was accepted by a unit; NULL where that did not happen or nobody told when.'),
        ('complaints', 'assigned_at', 'When the complaint was assigned, the last time; NULL where that did not happen or nobody told when.'),
        ('complaints', 'signed_for_at', 'When the complaint was signed for by a person, the last time; NULL where that did not happen or nobody told when.'),
        ('complaints', 'problem_confirmed_at', 'When the complaint was confirmed by the customer as to its problem, the first time; NULL where that did not happen or nobody told when.'),
        ('complaints', 'remedy_proposed_at', 'When the complaint was offered a remedy, the first one; NULL where that did not happen or nobody told when.'),
        ('complaints', 'remedy_accepted_at', 'When the complaint was put right by an accepted remedy, the first one; NULL where that did not happen or nobody told when.'),
        ('complaints', 'remedy_fulfilled_at', 'When the complaint was put right by a remedy that was carried out, the last one; NULL where that did not happen or nobody told when.'),
        ('complaints', 'first_resolved_at', 'When the complaint was resolved for the first time; NULL where that did not happen or nobody told when.'),
        ('complaints', 'resolved_at', 'When the complaint was resolved in its present cycle; NULL where that did not happen or nobody told when.'),
        ('complaints', 'confirmed_at', 'When the complaint was confirmed by the customer as resolved, in its present cycle; NULL where that did not happen or nobody told when.'),
        ('complaints', 'disputed_at', 'When the complaint was disputed by the customer, the last time; NULL where that did not happen or nobody told when.'),
        ('complaints', 'reopened_at', 'When the complaint was reopened, the last time; NULL where that did not happen or nobody told when.'),
        ('complaints', 'closed_at', 'When it was closed, while it is; of unknown precision: the latest date its source tells.'),
        ('complaints', 'closed_at_precision', 'How exactly closed_at was told: instant, minute, day or unknown; none while open.'),
        ('complaints', 'reply_due_at', 'When an outside body expects a reply.'),
        ('complaints', 'time_to_first_resolution_minutes', 'From the receipt to the first resolution, around the clock; NULL unless both are known to the minute.'),
        ('complaints', 'time_to_close_minutes', 'From the receipt to the close, around the clock; NULL unless both are known to the minute.'),
        ('complaints', 'age_minutes', 'From the receipt to the present, while it is open; NULL unless the receipt is known to the minute.'),
        ('complaints', 'recorded_at', 'When it was recorded.'),
        ('complaints', 'is_late_recorded', 'Recorded more than 60 seconds after the receipt as told.'),
        ('complaints', 'version', 'Number of its events.'),
        ('complaints', 'ledger_partition', 'Partition of the ledger it lives in.'),
        ('complaints', 'ledger_position', 'Position of its last event; grows whenever the row changes, within its partition.'),
        ('source_facts', 'source_fact_id', 'Unique key: complaint and name of the fact.'),
        ('source_facts', 'complaint_id', 'The complaint, as in bi.complaints.'),
        ('source_facts', 'fact_name', 'Name of the fact, in the words of the mapping.'),
        ('source_facts', 'fact_value', 'What the source says; the last word.'),
        ('source_facts', 'source_system', 'The system that registered the complaint.'),
        ('source_facts', 'recorded_at', 'When the fact was recorded.'),
        ('source_facts', 'is_late_recorded', 'Recorded more than 60 seconds after it occurred as told.'),
        ('source_facts', 'ledger_partition', 'Partition of the ledger the complaint lives in.'),
        ('source_facts', 'ledger_position', 'Position of the event; grows whenever the row changes, within its partition.'),
        ('sla_clocks', 'clock_id', 'Unique key: complaint, clock and cycle.'),
        ('sla_clocks', 'complaint_id', 'The complaint, as in bi.complaints.'),
        ('sla_clocks', 'clock', 'Which promise is measured.'),
        ('sla_clocks', 'cycle', 'Cycle of the work it belongs to; end_to_end runs across all of them.'),
        ('sla_clocks', 'severity', 'Severity whose target is compared.'),
        ('sla_clocks', 'is_provisional', 'The target is that of general because nobody had named a severity.'),
        ('sla_clocks', 'verdict', 'Official verdict: as occurred where a system or a provider tells the time, else as recorded; overdue or open while it runs.'),
        ('sla_clocks', 'verdict_as_occurred', 'Verdict by the time the stop occurred; open while it runs.'),
        ('sla_clocks', 'verdict_as_recorded', 'Verdict by the time the stop was recorded; open while it runs.'),
        ('sla_clocks', 'is_open', 'It runs.'),
        ('sla_clocks', 'is_overdue', 'It runs, and the present lies beyond breach_after_at.'),
        ('sla_clocks', 'is_in_rates', 'Counts in rates: of a complaint that is not withdrawn, declined or a duplicate.'),
        ('sla_clocks', 'is_disputed_later', 'The customer later disputed the resolution that stopped it; net attainment leaves it out of what was met.'),
        ('sla_clocks', 'is_breached_by_reclassification', 'Missed only because a change of severity brought the due forward.'),
        ('sla_clocks', 'stop_reason', 'The event that stopped it; closed, withdrawn, declined or duplicate where the complaint ended first; none while it runs.'),
        ('sla_clocks', 'holder_unit', 'Unit charged: that held the complaint at breach_after_at if missed, else at the stop, else now.'),
        ('sla_clocks', 'holder_person', 'Person charged, as holder_unit.'),
        ('sla_clocks', 'target_minutes', 'Target compared: what had elapsed at the due.'),
        ('sla_clocks', 'elapsed_minutes', 'From start to stop as occurred; while it runs, to the present.'),
        ('sla_clocks', 'late_minutes', 'From breach_after_at to the stop as occurred, or to the present; NULL unless missed or overdue.'),
        ('sla_clocks', 'started_at', 'When it started.'),
        ('sla_clocks', 'due_at', 'First instant at which the target has elapsed.'),
        ('sla_clocks', 'breach_after_at', 'Last instant at which no more than the target has elapsed: a later stop is a miss.'),
        ('sla_clocks', 'stopped_at', 'When it stopped, as told.'),
        ('sla_clocks', 'stop_recorded_at', 'When its stop was recorded.'),
        ('sla_clocks', 'source_system', 'The system that registered the complaint.'),
        ('sla_clocks', 'recorded_at', 'When its start was recorded.'),
        ('sla_clocks', 'is_late_recorded', 'Its start or its stop was recorded more than 60 seconds after it occurred as told.'),
        ('sla_clocks', 'ledger_partition', 'Partition of the ledger the complaint lives in.'),
        ('sla_clocks', 'ledger_position', 'Position of the event that changed the row last; grows whenever it changes, within its partition.'),
        ('sla_attainment', 'attainment_id', 'Unique key: clock, severity and month.'),
        ('sla_attainment', 'clock', 'Which promise is measured.'),
        ('sla_attainment', 'severity', 'Severity whose target is compared.'),
        ('sla_attainment', 'due_month_date', 'First day of the month in which the clocks were due, in the reporting zone.'),
        ('sla_attainment', 'met_count', 'Clocks met.'),
        ('sla_attainment', 'missed_count', 'Clocks missed.'),
        ('sla_attainment', 'overdue_count', 'Clocks that run and are overdue at the present.'),
        ('sla_attainment', 'judged_count', 'Denominator: met, missed and overdue.'),
        ('sla_attainment', 'gross_attainment', 'met_count / judged_count.'),
        ('sla_attainment', 'disputed_later_count', 'Of those met: the customer later disputed the resolution.'),
        ('sla_attainment', 'net_attainment', '(met_count - disputed_later_count) / judged_count; the one for KPIs.'),
        ('sla_attainment', 'open_count', 'Beside the rate: clocks that run and are not due at the present.'),
        ('sla_attainment', 'cancelled_count', 'Beside the rate: clocks whose complaint ended before they were due.'),
        ('sla_attainment', 'out_of_rates_count', 'Beside the rate: clocks of complaints withdrawn, declined or merged, and of what is no complaint.'),
        ('sla_attainment', 'clock_count', 'All clocks, in the rate or beside it.'),
        ('sla_attainment', 'differing_verdict_count', 'Clocks in rates whose verdict as occurred differs from that as recorded.'),
        ('watermarks', 'watermark_id', 'Unique key: view and partition.'),
        ('watermarks', 'view_name', 'Permanent name of the view.'),
        ('watermarks', 'ledger_partition', 'Partition of the ledger.'),
        ('watermarks', 'ledger_position', 'Last event the view has taken in.'),
        ('watermarks', 'head_position', 'Last event of the ledger.'),
        ('watermarks', 'lag_event_count', 'Events the view has not taken in.'),
        ('watermarks', 'is_current', 'The view has taken in every event.'),
        ('watermarks', 'as_of_at', 'When the last event it has taken in was recorded; NULL before the first.')
    ) AS c (relation, name, meaning) LOOP
        EXECUTE format('COMMENT ON COLUMN bi.%I.%I IS %L', item.relation, item.name, item.meaning);
    END LOOP;

    -- Beside every code its names, beside every time its date and hour.
    FOR item IN
        SELECT c.table_name, c.column_name, CASE
            WHEN c.column_name LIKE '%\_name\_en' THEN format('Name of %s in English.', left(c.column_name, -8))
            WHEN c.column_name LIKE '%\_name\_zh' THEN format('Name of %s in Chinese.', left(c.column_name, -8))
            WHEN c.column_name LIKE '%\_date' THEN format(
                'Date of %s in the reporting zone; of day precision the date as told.', left(c.column_name, -5) || '_at')
            ELSE format('Hour of %s in the reporting zone, 0 to 23; NULL where no time of day was told.',
                        left(c.column_name, -5) || '_at')
            END AS meaning
        FROM information_schema.columns AS c
        WHERE c.table_schema = 'bi'
          AND c.column_name SIMILAR TO '%\_(name\_en|name\_zh|date|hour)'
          AND col_description(format('bi.%I', c.table_name)::regclass, c.ordinal_position) IS NULL
    LOOP
        EXECUTE format('COMMENT ON COLUMN bi.%I.%I IS %L', item.table_name, item.column_name, item.meaning);
    END LOOP;
END;
$$;

-- The rights on tables and views come from the default privileges of 0002.
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA bi TO closedloop_bi;
