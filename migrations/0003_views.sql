-- The tables of the views (architecture 5): only what events say, never the present time, nothing
-- personal. Each is folded by the file of its name in projections/, and can be rebuilt.

CREATE TABLE views.complaints (
    partition             smallint    NOT NULL,
    complaint_id          uuid        NOT NULL,
    version               integer     NOT NULL,
    ledger_position       bigint      NOT NULL,
    tracking_number       text        NOT NULL,
    received_at           timestamptz NOT NULL,
    received_at_precision text        NOT NULL,
    received_on           date,
    recorded_at           timestamptz NOT NULL,
    is_late_recorded      boolean     NOT NULL,
    is_imported           boolean     NOT NULL,
    channel               text        NOT NULL,
    source_tier           text,
    source_system         text        NOT NULL,
    nature                text        NOT NULL,
    origin                text        NOT NULL,
    language              text,
    region                text,
    unit_complained_about text,
    received_unit         text,
    complainant_role      text,
    customer_id           text,
    customer_tier         text,
    customer_segment      text,
    product_sku           text,
    product_model         text,
    product_batch         text,
    product_supplier      text,
    requested_remedy_kind text,
    disputed_amount_minor bigint,
    disputed_currency     text,
    is_public             boolean,
    has_safety_signal     boolean,
    reply_due_at          timestamptz,
    external_ref_hash     bytea,

    stage                 text        NOT NULL,
    waiting_on            text        NOT NULL,
    cycle                 integer     NOT NULL,
    severity              text        NOT NULL,
    is_provisional        boolean     NOT NULL,
    is_accepted           boolean     NOT NULL,
    category_path         text[],
    taxonomy_version      text,
    problem_key           text,
    tags                  text[],
    priority              text,
    owner_unit            text,
    owner_person          text,
    contact_count         integer     NOT NULL,
    remedy_count          integer     NOT NULL,
    dispute_count         integer     NOT NULL,
    reopening_count       integer     NOT NULL,
    last_satisfaction_score smallint,
    source_facts          jsonb       NOT NULL,

    acknowledged_at       timestamptz,
    first_contact_at      timestamptz,
    assessed_at           timestamptz,
    accepted_at           timestamptz,
    assigned_at           timestamptz,
    signed_for_at         timestamptz,
    problem_confirmed_at  timestamptz,
    remedy_proposed_at    timestamptz,
    remedy_accepted_at    timestamptz,
    remedy_fulfilled_at   timestamptz,
    first_resolved_at     timestamptz,
    resolved_at           timestamptz,
    confirmed_at          timestamptz,
    disputed_at           timestamptz,
    reopened_at           timestamptz,
    closed_at             timestamptz,
    closed_at_precision   text,
    closed_on             date,
    close_reason          text,
    imprecise             jsonb       NOT NULL,
    PRIMARY KEY (partition, complaint_id)
) WITH (fillfactor = 80); -- room on the page for the row's next version
COMMENT ON TABLE views.complaints IS
    'Grain: one row per complaint: where it stands. Folded by projections/complaints.py.';
COMMENT ON COLUMN views.complaints.external_ref_hash IS
    'HMAC-SHA256 of the outside reference alone, keyed by the secret of the installation.';
COMMENT ON COLUMN views.complaints.imprecise IS
    'Milestones whose time of day nobody told: name to {precision, on}; their _at is only a bound.';

-- The list: newest first, the id breaks ties; alone, or within one value of a filter.
CREATE INDEX complaints_list_newest ON views.complaints (received_at DESC, complaint_id);
CREATE INDEX complaints_list_by_stage ON views.complaints (stage, received_at DESC, complaint_id);
CREATE INDEX complaints_list_by_severity ON views.complaints (severity, received_at DESC, complaint_id);
CREATE INDEX complaints_list_by_channel ON views.complaints (channel, received_at DESC, complaint_id);
CREATE INDEX complaints_list_by_owner ON views.complaints (owner_unit, received_at DESC, complaint_id);
CREATE INDEX complaints_by_external_ref ON views.complaints (external_ref_hash, channel)
    WHERE external_ref_hash IS NOT NULL;

CREATE TABLE views.complaint_source_facts (
    partition        smallint    NOT NULL,
    complaint_id     uuid        NOT NULL,
    name             text        NOT NULL,
    ledger_position  bigint      NOT NULL,
    value            text        NOT NULL,
    source_system    text        NOT NULL,
    recorded_at      timestamptz NOT NULL,
    is_late_recorded boolean     NOT NULL,
    PRIMARY KEY (partition, complaint_id, name)
);
COMMENT ON TABLE views.complaint_source_facts IS
    'Grain: one row per complaint and name of a fact its source tells. Folded by projections/complaints.py.';

CREATE TABLE views.timeline (
    partition             smallint    NOT NULL,
    complaint_id          uuid        NOT NULL,
    version               integer     NOT NULL,
    ledger_position       bigint      NOT NULL,
    type                  text        NOT NULL,
    occurred_at           timestamptz NOT NULL,
    occurred_at_source    text        NOT NULL,
    occurred_at_precision text        NOT NULL,
    recorded_at           timestamptz NOT NULL,
    actor_id              text        NOT NULL,
    actor_kind            text        NOT NULL,
    actor_role            text        NOT NULL,
    answered_by           text        NOT NULL,
    stage_after           text        NOT NULL,
    cycle                 integer     NOT NULL,
    stage_before          text,
    unit_id               text,
    to_unit               text,
    to_person             text,
    reason_code           text,
    PRIMARY KEY (partition, complaint_id, version)
);
COMMENT ON TABLE views.timeline IS
    'Grain: one row per event of a complaint. Folded by projections/timeline.py.';

CREATE TABLE views.timeline_ends (
    partition    smallint NOT NULL,
    complaint_id uuid     NOT NULL,
    stage        text     NOT NULL,
    cycle        integer  NOT NULL,
    is_assessed  boolean  NOT NULL,
    is_accepted  boolean  NOT NULL,
    PRIMARY KEY (partition, complaint_id)
) WITH (fillfactor = 70);
COMMENT ON TABLE views.timeline_ends IS
    'Grain: one row per complaint: what its next timeline entry starts from. Folded by projections/timeline.py.';

CREATE TABLE views.sla_clocks (
    partition            smallint    NOT NULL,
    complaint_id         uuid        NOT NULL,
    clock                text        NOT NULL,
    cycle                integer     NOT NULL,
    ledger_position      bigint      NOT NULL,
    source_system        text        NOT NULL,
    recorded_at          timestamptz NOT NULL,
    is_late_recorded     boolean     NOT NULL,
    started_at           timestamptz NOT NULL,
    severity             text        NOT NULL,
    is_provisional       boolean     NOT NULL,
    is_in_rates          boolean     NOT NULL,
    is_breached_by_reclassification boolean NOT NULL,
    disputed_later       boolean     NOT NULL,
    holder_unit          text        NOT NULL,
    holder_person        text,
    due_at               timestamptz,
    breach_after         timestamptz,
    latest_due_at        timestamptz,
    target_microseconds  bigint,
    stopped_at           timestamptz,
    stop_reason          text,
    stop_recorded_at     timestamptz,
    elapsed_microseconds bigint,
    verdict_as_occurred  text,
    verdict_as_recorded  text,
    verdict              text,
    PRIMARY KEY (partition, complaint_id, clock, cycle)
) WITH (fillfactor = 80);
COMMENT ON TABLE views.sla_clocks IS
    'Grain: one row per complaint, clock and cycle. Folded by projections/sla.py.';
CREATE INDEX sla_clocks_running_by_breach ON views.sla_clocks (breach_after, complaint_id)
    WHERE stopped_at IS NULL AND breach_after IS NOT NULL;

CREATE TABLE views.sla_complaints (
    partition      smallint NOT NULL,
    complaint_id   uuid     NOT NULL,
    source_system  text     NOT NULL,
    nature         text     NOT NULL,
    severity       text     NOT NULL,
    is_provisional boolean  NOT NULL,
    cycle          integer  NOT NULL,
    holders        jsonb    NOT NULL,
    close_reason   text,
    PRIMARY KEY (partition, complaint_id)
) WITH (fillfactor = 70);
COMMENT ON TABLE views.sla_complaints IS
    'Grain: one row per complaint with clocks: what they depend on. Folded by projections/sla.py.';
