-- Customers: who they are, who they turned out to be, and whose complaints are whose.

CREATE TABLE views.customers (
    partition             smallint    NOT NULL,
    stream_id             uuid        NOT NULL,
    customer_id           text        NOT NULL,
    version               integer     NOT NULL,
    ledger_position       bigint      NOT NULL,
    recorded_at           timestamptz NOT NULL,
    merged_into           text,
    merged_at             timestamptz,
    verified_until        timestamptz,
    verified_by           text,
    tier                  text,
    tier_source           text,
    segment               text,
    segment_model_version text,
    PRIMARY KEY (partition, stream_id)
) WITH (fillfactor = 80);
COMMENT ON TABLE views.customers IS
    'Grain: one row per customer of whom anything was recorded. Folded by projections/customers.py.';
-- The steps of a chain of merges, towards the survivor and back to all who were merged into one.
CREATE UNIQUE INDEX customers_by_id ON views.customers (customer_id, partition);
CREATE INDEX customers_by_survivor ON views.customers (merged_into, customer_id)
    WHERE merged_into IS NOT NULL;

CREATE TABLE views.customer_handles (
    partition          smallint    NOT NULL,
    stream_id          uuid        NOT NULL,
    handle_hash        bytea       NOT NULL,
    customer_id        text        NOT NULL,
    kind               text        NOT NULL,
    ledger_position    bigint      NOT NULL,
    identified_at      timestamptz NOT NULL,
    identified_by      text        NOT NULL,
    confidence_percent smallint,
    evidence           text,
    PRIMARY KEY (partition, stream_id, handle_hash)
);
COMMENT ON TABLE views.customer_handles IS
    'Grain: one row per customer and handle found to be theirs. Folded by projections/customers.py.';
COMMENT ON COLUMN views.customer_handles.handle_hash IS
    'HMAC-SHA256 of the handle and its kind, keyed by the secret of the installation.';
-- Whose a handle is; several customers may share one.
CREATE INDEX customer_handles_by_hash ON views.customer_handles (handle_hash, customer_id);

CREATE TABLE views.complaint_customers (
    partition       smallint NOT NULL,
    complaint_id    uuid     NOT NULL,
    role            text     NOT NULL,
    customer_id     text     NOT NULL,
    ledger_position bigint   NOT NULL,
    PRIMARY KEY (partition, complaint_id, role, customer_id)
);
COMMENT ON TABLE views.complaint_customers IS
    'Grain: one row per complaint, role and customer: affected, or joint. Folded by projections/complaints.py.';
-- All complaints that a customer is part of.
CREATE INDEX complaint_customers_by_customer
    ON views.complaint_customers (customer_id, role, complaint_id);

ALTER TABLE views.complaints ADD COLUMN handle_hash bytea;
COMMENT ON COLUMN views.complaints.handle_hash IS
    'HMAC-SHA256 of the handle of who complains, as in views.customer_handles.';
-- The complaints of nobody known that a handle belongs to, once it is known whose it is.
CREATE INDEX complaints_by_handle ON views.complaints (handle_hash, complaint_id)
    WHERE handle_hash IS NOT NULL;

-- Who a customer is now: whoever the merges lead to. Two merges recorded at the same moment can
-- lead in a circle; then it is the smallest id of those in it, for each of them the same.
CREATE FUNCTION views.survivor_of(who text) RETURNS text LANGUAGE sql STABLE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH RECURSIVE chain AS (
        SELECT s.id, c.merged_into AS next, ARRAY[s.id] AS path
        FROM (SELECT who AS id) AS s LEFT JOIN views.customers AS c ON c.customer_id = s.id
        UNION ALL
        SELECT s.next, c.merged_into, s.path || s.next
        FROM chain AS s LEFT JOIN views.customers AS c ON c.customer_id = s.next
        WHERE s.next IS NOT NULL AND s.next <> ALL (s.path)
    )
    SELECT CASE WHEN next IS NULL THEN id
                ELSE (SELECT min(each COLLATE "C")
                      FROM unnest(path[array_position(path, next):]) AS each) END
    FROM chain ORDER BY cardinality(path) DESC LIMIT 1
$$;
COMMENT ON FUNCTION views.survivor_of(text) IS
    'The customer that this one was merged into, directly or by others; else this one.';

-- Everybody who is the same customer as this one, this one among them.
CREATE FUNCTION views.same_customers(who text) RETURNS SETOF text LANGUAGE sql STABLE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH RECURSIVE merged AS (
        SELECT views.survivor_of(who) AS id
        UNION
        SELECT c.customer_id FROM merged AS m JOIN views.customers AS c ON c.merged_into = m.id
    )
    SELECT id FROM merged
$$;
COMMENT ON FUNCTION views.same_customers(text) IS
    'All customers that were merged with this one, and this one.';

CREATE VIEW bi.customers AS
WITH known AS (
    SELECT customer_id FROM views.customers
    UNION SELECT merged_into FROM views.customers WHERE merged_into IS NOT NULL
    UNION SELECT customer_id FROM views.complaint_customers
    UNION SELECT 'unknown'
)
SELECT k.customer_id,
       CASE WHEN c.merged_into IS NULL THEN k.customer_id
            ELSE views.survivor_of(k.customer_id) END AS canonical_customer_id,
       c.merged_into IS NOT NULL AS is_merged,
       coalesce(c.tier, 'unknown') AS customer_tier,
       coalesce(c.segment, 'unknown') AS customer_segment,
       coalesce(c.segment_model_version, 'unknown') AS segment_model_version,
       coalesce(c.verified_until > bi.present(), false) AS is_verified,
       c.verified_until AS verified_until_at,
       (c.verified_until AT TIME ZONE bi.reporting_zone())::date AS verified_until_date,
       bi.hour_at(c.verified_until, bi.reporting_zone()) AS verified_until_hour,
       coalesce(c.verified_by, 'unknown') AS verified_by,
       c.recorded_at,
       (c.recorded_at AT TIME ZONE bi.reporting_zone())::date AS recorded_date,
       bi.hour_at(c.recorded_at, bi.reporting_zone()) AS recorded_hour,
       c.ledger_position
FROM known AS k LEFT JOIN views.customers AS c USING (customer_id);

COMMENT ON VIEW bi.customers IS
    'Grain: one row per customer that is known by any complaint or any fact of their own, and one for unknown; join complaints to it by customer_id and count by canonical_customer_id.';
COMMENT ON COLUMN bi.customers.customer_id IS 'Unique key: pseudonymous id of the customer.';
COMMENT ON COLUMN bi.customers.canonical_customer_id IS
    'Who the customer is now: the one they were merged into, else themselves.';
COMMENT ON COLUMN bi.customers.is_merged IS 'Was merged into another customer.';
COMMENT ON COLUMN bi.customers.customer_tier IS
    'Tier as last recorded of the customer; complaints keep that of their own day.';
COMMENT ON COLUMN bi.customers.customer_segment IS 'Segment as last assigned by a model.';
COMMENT ON COLUMN bi.customers.segment_model_version IS 'The version of that model.';
COMMENT ON COLUMN bi.customers.is_verified IS
    'At present the customer need not show again who they are.';
COMMENT ON COLUMN bi.customers.verified_until_at IS 'Until when the last verification is good.';
COMMENT ON COLUMN bi.customers.verified_until_date IS 'Its date in the reporting zone.';
COMMENT ON COLUMN bi.customers.verified_until_hour IS 'Its hour in the reporting zone.';
COMMENT ON COLUMN bi.customers.verified_by IS 'How the customer showed who they are.';
COMMENT ON COLUMN bi.customers.recorded_at IS
    'When anything was first recorded of the customer themselves; empty if nothing was.';
COMMENT ON COLUMN bi.customers.recorded_date IS 'Its date in the reporting zone.';
COMMENT ON COLUMN bi.customers.recorded_hour IS 'Its hour in the reporting zone.';
COMMENT ON COLUMN bi.customers.ledger_position IS
    'Position of the last event of the customer in its partition; empty if there is none.';
