-- Who may do what. Roles belong to the whole server, so another database may have made them.

DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['closedloop_app', 'closedloop_bi', 'closedloop_audit'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I LOGIN', wanted);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
        -- The owner serves as the app role by SET ROLE where no second login is given. A role
        -- that another owner on this server made cannot be taken; its login still works.
        BEGIN
            IF current_setting('server_version_num')::int < 160000 THEN
                IF NOT pg_has_role(current_user, wanted, 'MEMBER') THEN
                    EXECUTE format('GRANT %I TO %I', wanted, current_user);
                END IF;
            ELSIF NOT pg_has_role(current_user, wanted, 'SET') THEN
                EXECUTE format('GRANT %I TO %I WITH SET TRUE', wanted, current_user);
            END IF;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE NOTICE 'role % belongs to another owner: give DATABASE_URL_APP', wanted;
        END;
    END LOOP;
END;
$$;

GRANT USAGE ON SCHEMA ledger, views TO closedloop_app;
GRANT SELECT, INSERT ON ledger.events, ledger.commands, ledger.keys TO closedloop_app;
GRANT UPDATE (revoked_at) ON ledger.keys TO closedloop_app;
GRANT SELECT, UPDATE ON ledger.heads TO closedloop_app;
GRANT SELECT, INSERT, UPDATE ON ledger.tracking TO closedloop_app;
GRANT SELECT ON ledger.settings, ledger.readable_events TO closedloop_app;
GRANT ALL ON ALL TABLES IN SCHEMA views TO closedloop_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA views GRANT ALL ON TABLES TO closedloop_app;

GRANT USAGE ON SCHEMA ledger TO closedloop_audit;
GRANT SELECT ON ledger.events, ledger.commands, ledger.heads, ledger.settings,
    ledger.readable_events, ledger.tracking TO closedloop_audit;

GRANT USAGE ON SCHEMA bi TO closedloop_bi;
ALTER DEFAULT PRIVILEGES IN SCHEMA bi GRANT SELECT ON TABLES TO closedloop_bi;
