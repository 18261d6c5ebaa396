-- What a view leaves out, so that nothing is left out uncounted (docs/operate.md).

CREATE TABLE views.parked (
    view      text        NOT NULL,
    partition smallint    NOT NULL,
    stream_id uuid        NOT NULL,
    position  bigint      NOT NULL,
    type      text        NOT NULL,
    cause     text        NOT NULL,
    parked_at timestamptz NOT NULL,
    PRIMARY KEY (partition, view, stream_id)
);
COMMENT ON TABLE views.parked IS
    'Grain: one row per view and stream whose events from a position on are passed over until it is unparked.';

CREATE TABLE views.skipped (
    view       text        NOT NULL,
    partition  smallint    NOT NULL,
    position   bigint      NOT NULL,
    reason     text        NOT NULL,
    actor      text        NOT NULL,
    skipped_at timestamptz NOT NULL,
    PRIMARY KEY (partition, view, position)
);
COMMENT ON TABLE views.skipped IS
    'Grain: one row per view and event that a person left out of it for good, live and in every rebuild.';
