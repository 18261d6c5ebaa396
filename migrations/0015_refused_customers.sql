-- For which customer an order was that was refused, where it was for one.

ALTER TABLE views.refusals ADD COLUMN customer_id text;

CREATE OR REPLACE VIEW bi.refusals AS
WITH r AS MATERIALIZED (SELECT bi.reporting_zone() AS zone)
SELECT f.refusal_id::text AS refusal_id,
       coalesce(f.complaint_id::text, 'none') AS complaint_id,
       f.command,
       f.rule,
       coalesce(f.four_eyes, 'none') AS four_eyes,
       f.status AS http_status,
       f.status = 403 AS is_by_role,
       f.rule = 'SecondPersonRequired' AS is_by_four_eyes,
       f.ordered_by,
       f.actor_role,
       f.actor_kind,
       coalesce(actor.name_en, f.actor_kind) AS actor_kind_name_en,
       coalesce(actor.name_zh, f.actor_kind) AS actor_kind_name_zh,
       coalesce(f.unit_id, 'unknown') AS unit,
       'closedloop' AS source_system,
       f.recorded_at,
       (f.recorded_at AT TIME ZONE r.zone)::date AS recorded_date,
       bi.hour_at(f.recorded_at, r.zone) AS recorded_hour,
       false AS is_late_recorded,
       f.partition::integer AS ledger_partition,
       f.ledger_position,
       coalesce(f.customer_id, 'none') AS customer_id
FROM views.refusals AS f
CROSS JOIN r
LEFT JOIN bi.dim_codes AS actor ON actor.dimension = 'actor_kind' AND actor.code = f.actor_kind;
COMMENT ON COLUMN bi.refusals.customer_id IS
    'The customer the order was for, pseudonymous; none where it was for none.';
