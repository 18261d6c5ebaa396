-- Orders that were refused: the view `refusals`, and what bi shows of it.

CREATE TABLE views.refusals (
    partition       smallint    NOT NULL,
    refusal_id      uuid        NOT NULL,
    ledger_position bigint      NOT NULL,
    recorded_at     timestamptz NOT NULL,
    command         text        NOT NULL,
    rule            text        NOT NULL,
    status          integer     NOT NULL,
    ordered_by      text        NOT NULL,
    actor_kind      text        NOT NULL,
    actor_role      text        NOT NULL,
    four_eyes       text,
    complaint_id    uuid,
    unit_id         text,
    PRIMARY KEY (partition, refusal_id)
);
COMMENT ON TABLE views.refusals IS
    'Grain: one row per order that was refused. Folded by projections/refusals.py.';

CREATE VIEW bi.refusals AS
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
       f.ledger_position
FROM views.refusals AS f
CROSS JOIN r
LEFT JOIN bi.dim_codes AS actor ON actor.dimension = 'actor_kind' AND actor.code = f.actor_kind;
COMMENT ON VIEW bi.refusals IS
    'Grain: one row per order that a rule or a role refused, each time it was given.';

-- Who gave an order and was refused, and where, are members as well.
CREATE OR REPLACE VIEW bi.dim_unit AS
SELECT seen.unit_id, seen.unit_id AS unit_name_en, seen.unit_id AS unit_name_zh
FROM (SELECT holder_unit AS unit_id FROM views.complaint_stages
      UNION SELECT received_unit FROM views.complaints
      UNION SELECT holder_unit FROM views.complaint_cycles
      UNION SELECT holder_unit FROM views.sla_clocks
      UNION SELECT holder_unit FROM views.closings
      UNION SELECT holder_unit FROM views.resolutions
      UNION SELECT unit_id FROM views.assignments
      UNION SELECT unit_id FROM views.tasks
      UNION SELECT unit_id FROM views.contacts
      UNION SELECT unit_id FROM views.refusals
      UNION SELECT 'unknown') AS seen
WHERE seen.unit_id IS NOT NULL;

CREATE OR REPLACE VIEW bi.dim_agent AS
SELECT seen.agent_id, seen.agent_id AS agent_name_en, seen.agent_id AS agent_name_zh
FROM (SELECT holder_person AS agent_id FROM views.complaint_stages
      UNION SELECT holder_person FROM views.complaint_cycles
      UNION SELECT resolved_by FROM views.complaint_cycles
      UNION SELECT holder_person FROM views.sla_clocks
      UNION SELECT holder_person FROM views.closings
      UNION SELECT holder_person FROM views.resolutions
      UNION SELECT owner_person FROM views.complaints
      UNION SELECT unnest(ARRAY[person_id, assigned_by, signed_for_by]) FROM views.assignments
      UNION SELECT unnest(ARRAY[person_id, delegated_by, completed_by]) FROM views.tasks
      UNION SELECT unnest(ARRAY[proposed_by, approved_by, rejected_by]) FROM views.remedies
      UNION SELECT contacted_by FROM views.contacts WHERE actor_kind <> 'customer'
      UNION SELECT ordered_by FROM views.refusals
      UNION SELECT 'unknown') AS seen
WHERE seen.agent_id IS NOT NULL;

DO $$
DECLARE
    item record;
BEGIN
    FOR item IN SELECT c.name, c.meaning FROM (VALUES
        ('refusal_id', 'Unique key: the refusal.'),
        ('complaint_id', 'The complaint the order was for, as in bi.complaints; none where it was for none.'),
        ('command', 'Name of the command that was ordered.'),
        ('rule', 'Name of the rule that refused it; its page is /problems.'),
        ('four_eyes', 'Which rule of the second person, where it was one; else none.'),
        ('http_status', 'Status of the answer: 403 where the role may not, 409 where a rule of the work forbids it.'),
        ('is_by_role', 'The role of whoever gave the order may not give it.'),
        ('is_by_four_eyes', 'A second person was needed.'),
        ('ordered_by', 'Who gave the order, themselves or through a system that names them.'),
        ('actor_role', 'Role in which it was given.'),
        ('actor_kind', 'What kind of being gave it: person, bot, customer, system or import.'),
        ('actor_kind_name_en', 'Name of actor_kind in English.'),
        ('actor_kind_name_zh', 'Name of actor_kind in Chinese.'),
        ('unit', 'Unit of whoever gave it; unknown where their key names none.'),
        ('source_system', 'The system that refused it: closedloop.'),
        ('recorded_at', 'When it was refused.'),
        ('recorded_date', 'Date of recorded_at in the reporting zone.'),
        ('recorded_hour', 'Hour of recorded_at in the reporting zone, 0 to 23.'),
        ('is_late_recorded', 'Never: a refusal is recorded as it happens.'),
        ('ledger_partition', 'Partition of the ledger the refusal lives in, which need not be that of the complaint.'),
        ('ledger_position', 'Position of its event; it never changes.')
    ) AS c (name, meaning) LOOP
        EXECUTE format('COMMENT ON COLUMN bi.refusals.%I IS %L', item.name, item.meaning);
    END LOOP;
END;
$$;
