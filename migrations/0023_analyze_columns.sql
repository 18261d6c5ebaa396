-- What the planner is told of a view as soon as it has been rebuilt: nothing of what no query looks
-- into (to sort values of jsonb took half of the time), and from fewer rows. With some columns left
-- out, PostgreSQL does not take it for a whole analysis: autovacuum looks at the generation again,
-- and at all of it, within its minute.

CREATE OR REPLACE FUNCTION generations.analyze(name text, is_generation boolean) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET default_statistics_target = 30 AS $$
DECLARE
    columns text := (
        SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
        WHERE attrelid = format('views.%I', name)::regclass AND attnum > 0 AND NOT attisdropped
          AND atttypid <> 'jsonb'::regtype);
BEGIN
    IF current_setting('server_version_num')::integer >= 180000 THEN
        EXECUTE CASE WHEN is_generation
                     THEN format('ANALYZE generations.%I (%s)', generations.present(name), columns)
                     ELSE format('ANALYZE ONLY views.%I (%s)', name, columns) END;
    ELSIF NOT is_generation THEN  -- before, that looked at the generation as well
        EXECUTE format('ANALYZE views.%I (%s)', name, columns);
    END IF;
END;
$$;
