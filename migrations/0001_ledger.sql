-- The ledger: append-only events in dense commit order, the commands that led to them, and the
-- counter row per partition that orders them (architecture 4).

CREATE SCHEMA ledger;
CREATE SCHEMA views;
CREATE SCHEMA bi;

CREATE TABLE ledger.settings (
    name  text PRIMARY KEY,
    value text NOT NULL
);
COMMENT ON TABLE ledger.settings IS
    'Grain: one row per setting fixed by `closedloop migrate`: format (of stored shapes), partitions, zone.';
INSERT INTO ledger.settings (name, value) VALUES ('format', '1'), ('partitions', '1'), ('zone', 'Asia/Shanghai');

-- One function, so that tests can step the clock; nothing but recorded_at depends on it.
CREATE FUNCTION ledger.clock() RETURNS timestamptz
    LANGUAGE sql VOLATILE PARALLEL SAFE AS 'SELECT clock_timestamp()';

-- The row of a partition is locked first by every append and held to the commit. Half empty
-- pages let its updates stay on the page (HOT).
CREATE TABLE ledger.heads (
    partition   smallint    PRIMARY KEY,
    position    bigint      NOT NULL DEFAULT 0,
    recorded_at timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 50);
INSERT INTO ledger.heads (partition) VALUES (0);

CREATE TABLE ledger.events (
    partition      smallint    NOT NULL,
    position       bigint      NOT NULL,
    stream_id      uuid        NOT NULL,
    version        integer     NOT NULL,
    type           text        NOT NULL,
    schema_version smallint    NOT NULL,
    recorded_at    timestamptz NOT NULL,
    data           bytea       NOT NULL,
    metadata       bytea       NOT NULL,
    PRIMARY KEY (partition, position),
    CONSTRAINT events_stream_version UNIQUE (partition, stream_id, version),
    CONSTRAINT events_partition_of_stream CHECK (partition = get_byte(uuid_send(stream_id), 15) % 1)
);
COMMENT ON TABLE ledger.events IS
    'Grain: one row per event, identified by (partition, position). data and metadata are UTF-8 JSON exactly as written.';

CREATE VIEW ledger.readable_events AS
    SELECT partition, position, stream_id, version, type, schema_version, recorded_at,
           convert_from(data, 'UTF8')::jsonb AS data,
           convert_from(metadata, 'UTF8')::jsonb AS metadata
    FROM ledger.events;

CREATE TABLE ledger.commands (
    partition   smallint    NOT NULL,
    command_id  uuid        NOT NULL,
    digest      bytea       NOT NULL,
    status      smallint    NOT NULL,
    stream_id   uuid        NOT NULL,
    version     integer     NOT NULL,
    position    bigint      NOT NULL,
    events      text[]      NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (partition, command_id)
);
COMMENT ON TABLE ledger.commands IS
    'Grain: one row per accepted command, for ever: a digest of what was sent and the answer that was given.';

-- Positions of the library''s own process recorders; our views keep theirs in views.positions.
CREATE TABLE ledger.tracking (
    partition        smallint NOT NULL,
    application_name text     NOT NULL,
    notification_id  bigint   NOT NULL,
    PRIMARY KEY (partition, application_name)
);

CREATE TABLE ledger.keys (
    key_id        text        PRIMARY KEY,
    secret_sha256 bytea       NOT NULL,
    name          text        NOT NULL,
    principal     text        NOT NULL,
    role          text        NOT NULL,
    kind          text        NOT NULL,
    unit_id       text,
    created_at    timestamptz NOT NULL,
    revoked_at    timestamptz
);

CREATE FUNCTION ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are for ever: % of ledger.% is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END;
$$;
CREATE TRIGGER events_are_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.events
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER commands_are_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.commands
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

CREATE TABLE views.positions (
    view      text     NOT NULL,
    partition smallint NOT NULL,
    position  bigint   NOT NULL DEFAULT 0,
    PRIMARY KEY (partition, view)
);
COMMENT ON TABLE views.positions IS
    'Grain: one row per view and partition: the last event the view has taken in, written with its rows.';
