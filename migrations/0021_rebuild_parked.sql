-- What a rebuild could not take in waits beside its generation: it is parked when that one serves.

CREATE TABLE views.rebuild_parked (
    view      text        NOT NULL,
    partition smallint    NOT NULL,
    stream_id uuid        NOT NULL,
    position  bigint      NOT NULL,
    type      text        NOT NULL,
    cause     text        NOT NULL,
    parked_at timestamptz NOT NULL,
    PRIMARY KEY (partition, view, stream_id)
);
COMMENT ON TABLE views.rebuild_parked IS
    'Grain: one row per view that is being rebuilt and stream that its next generation passes over from a position on.';
