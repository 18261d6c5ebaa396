-- A table of a view and its generation are two tables to the planner, looked at side by side.

CREATE FUNCTION generations.analyze(name text, is_generation boolean) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_setting('server_version_num')::integer >= 180000 THEN
        EXECUTE CASE WHEN is_generation
                     THEN format('ANALYZE generations.%I', generations.present(name))
                     ELSE format('ANALYZE ONLY views.%I', name) END;
    ELSIF NOT is_generation THEN  -- before, that looked at the generation as well
        EXECUTE format('ANALYZE views.%I', name);
    END IF;
END;
$$;
COMMENT ON FUNCTION generations.analyze(text, boolean) IS
    'Has the planner know a table of a view, or the generation of it that serves.';
REVOKE EXECUTE ON FUNCTION generations.analyze(text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION generations.analyze(text, boolean) TO closedloop_app;

DROP FUNCTION generations.analyze(text[]);
