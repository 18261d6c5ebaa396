-- Generations: the rows of a view's table stand in one child, its present generation. A rebuild
-- fills the next one aside and puts it in the place of the present one in a moment; whatever reads
-- or writes `views.<table>`, the views of `bi` among it, goes through the parent and stays as it is.

CREATE SCHEMA generations;
COMMENT ON SCHEMA generations IS
    'The rows of the tables of views: views.<table> is the parent of the one generation that serves, <table>_<n>.';
GRANT USAGE ON SCHEMA generations TO closedloop_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA generations GRANT ALL ON TABLES TO closedloop_app;

-- Every table of a view becomes the first generation of itself: renamed, not copied. What is built
-- on a table goes by its identity, so views are told again, by the names, once the parents are there.
DO $$
DECLARE
    wanted  text;
    made    text;
    filled  integer;
    found   record;
    dependents text[];
    tables  text[] := ARRAY[
        'complaints', 'complaint_source_facts', 'complaint_customers', 'timeline', 'timeline_ends',
        'sla_clocks', 'sla_complaints', 'repeats', 'closings', 'survey_holders', 'resolutions',
        'survey_answers', 'complaint_cycles', 'complaint_stages', 'work_complaints', 'assignments',
        'tasks', 'remedies', 'contacts', 'customers', 'customer_handles', 'refusals', 'preventions',
        'complaint_search', 'lookups'];
BEGIN
    FOR found IN
        SELECT DISTINCT coalesce(v.relname, d.objid::text) AS name, d.refobjid::regclass AS used
        FROM pg_depend AS d LEFT JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
             LEFT JOIN pg_class AS v ON v.oid = r.ev_class
        WHERE d.refclassid = 'pg_class'::regclass AND d.deptype = 'n'
          AND d.refobjid IN (SELECT format('views.%I', name)::regclass FROM unnest(tables) AS name)
          AND v.relkind IS DISTINCT FROM 'v'
    LOOP
        RAISE EXCEPTION '% depends on %: drop it, migrate, and make it again', found.name, found.used;
    END LOOP;
    SELECT array_agg(format('CREATE OR REPLACE VIEW %s%s AS %s', v.oid::regclass,
                            ' WITH (' || array_to_string(v.reloptions, ', ') || ')',
                            pg_get_viewdef(v.oid)))
    INTO dependents
    FROM pg_class AS v
    WHERE v.relkind = 'v' AND v.oid IN (
        SELECT r.ev_class FROM pg_depend AS d JOIN pg_rewrite AS r ON r.oid = d.objid
        WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
          AND d.refobjid IN (SELECT format('views.%I', name)::regclass FROM unnest(tables) AS name));

    FOREACH wanted IN ARRAY tables LOOP
        made := format('generations.%I', wanted || '_1');
        EXECUTE format('ALTER TABLE views.%I RENAME TO %I', wanted, wanted || '_1');
        EXECUTE format('ALTER TABLE views.%I SET SCHEMA generations', wanted || '_1');
        EXECUTE format(
            'CREATE TABLE views.%I (LIKE %s INCLUDING ALL EXCLUDING INDEXES) PARTITION BY LIST (partition)',
            wanted, made);
        EXECUTE format('COMMENT ON TABLE views.%I IS %L', wanted,
                       obj_description(made::regclass, 'pg_class'));
        FOR found IN
            SELECT c.relname AS name, k.oid AS constraint_id,
                   obj_description(c.oid, 'pg_class') AS meaning,
                   pg_get_constraintdef(k.oid) AS promised, pg_get_indexdef(c.oid) AS definition
            FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
                 LEFT JOIN pg_constraint AS k ON k.conindid = c.oid AND k.conrelid = i.indrelid
            WHERE i.indrelid = made::regclass
        LOOP
            EXECUTE format('ALTER INDEX generations.%I RENAME TO %I', found.name, found.name || '_1');
            IF found.constraint_id IS NOT NULL THEN
                EXECUTE format('ALTER TABLE views.%I ADD CONSTRAINT %I %s',
                               wanted, found.name, found.promised);
            ELSE
                EXECUTE replace(found.definition, ' ON ' || made || ' USING ',
                                format(' ON views.%I USING ', wanted));
            END IF;
            IF found.meaning IS NOT NULL THEN
                EXECUTE format('COMMENT ON INDEX views.%I IS %L', found.name, found.meaning);
            END IF;
        END LOOP;
        FOR found IN
            SELECT a.grantee, a.privilege_type, a.is_grantable
            FROM pg_class AS c, aclexplode(c.relacl) AS a
            WHERE c.oid = made::regclass AND a.grantee <> c.relowner
        LOOP
            EXECUTE format('GRANT %s ON views.%I TO %s%s', found.privilege_type, wanted,
                           CASE found.grantee WHEN 0 THEN 'PUBLIC' ELSE found.grantee::regrole::text END,
                           CASE WHEN found.is_grantable THEN ' WITH GRANT OPTION' END);
        END LOOP;
        EXECUTE format('ALTER TABLE views.%I ATTACH PARTITION %s DEFAULT', wanted, made);
        -- What the planner knows of a parent it is told by nobody else: autovacuum passes parents by.
        EXECUTE format('SELECT FROM views.%I LIMIT 1', wanted);
        GET DIAGNOSTICS filled = ROW_COUNT;
        IF filled > 0 THEN
            EXECUTE format('ANALYZE views.%I', wanted);
        END IF;
    END LOOP;

    FOREACH made IN ARRAY coalesce(dependents, '{}') LOOP
        EXECUTE made;
    END LOOP;
END;
$$;

-- --- what a rebuild is told to do, and how far it has come ---------------------------------------

CREATE TABLE views.rebuilds (
    view       text        NOT NULL,
    partition  smallint    NOT NULL,
    generation integer     NOT NULL,
    shape      text        NOT NULL,
    head       bigint      NOT NULL,
    position   bigint      NOT NULL,
    begun_at   timestamptz NOT NULL,
    PRIMARY KEY (partition, view)
);
COMMENT ON TABLE views.rebuilds IS
    'Grain: one row per view that is being rebuilt and partition, until its next generation serves.';
COMMENT ON COLUMN views.rebuilds.generation IS 'The number of the generation that is being filled.';
COMMENT ON COLUMN views.rebuilds.shape IS
    'What code, tables and all that is left out came to when it began: another shape begins anew.';
COMMENT ON COLUMN views.rebuilds.head IS
    'Where the partition stood when it began: streams are folded as a whole up to here.';
COMMENT ON COLUMN views.rebuilds.position IS
    'The last event the next generation has taken in, once all slices are folded.';

CREATE TABLE views.rebuild_slices (
    view        text     NOT NULL,
    partition   smallint NOT NULL,
    slice       integer  NOT NULL,
    from_stream uuid     NOT NULL,
    to_stream   uuid,
    events      bigint,
    PRIMARY KEY (partition, view, slice)
);
COMMENT ON TABLE views.rebuild_slices IS
    'Grain: one row per range of streams that a rebuild folds at a time.';
COMMENT ON COLUMN views.rebuild_slices.to_stream IS 'The first stream beyond; none in the last slice.';
COMMENT ON COLUMN views.rebuild_slices.events IS 'How many events it held, once its rows are written.';

-- --- what only the owner of the tables can do, done for the application -------------------------

CREATE FUNCTION generations.present(name text) RETURNS text LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp AS $$
    SELECT c.relname::text FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = format('views.%I', name)::regclass
$$;
COMMENT ON FUNCTION generations.present(text) IS 'The generation of views.<name> that serves.';

CREATE FUNCTION generations.begin(names text[]) RETURNS integer LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted text;
    number integer;
    kept   text;
BEGIN
    SELECT 1 + coalesce(max(substring(c.relname FROM '_([0-9]+)$')::integer), 0) INTO number
    FROM pg_class AS c, unnest(names) AS name
    WHERE c.relnamespace = 'generations'::regnamespace AND c.relkind = 'r'
      AND c.relname ~ ('^' || name || '_[0-9]+$');
    FOREACH wanted IN ARRAY names LOOP
        SELECT ' WITH (' || array_to_string(c.reloptions, ', ') || ')' INTO kept
        FROM pg_class AS c
        WHERE c.oid = format('generations.%I', generations.present(wanted))::regclass;
        EXECUTE format('CREATE TABLE generations.%I (LIKE views.%I INCLUDING ALL EXCLUDING INDEXES)%s',
                       wanted || '_' || number, wanted, kept);
    END LOOP;
    RETURN number;
END;
$$;
COMMENT ON FUNCTION generations.begin(text[]) IS
    'Makes the next generation of these tables of views, empty and without indexes; returns its number.';

CREATE FUNCTION generations.missing(names text[], generation integer)
    RETURNS TABLE (name text, index text) LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp AS $$
    SELECT n, c.relname::text
    FROM unnest(names) AS n JOIN pg_index AS i ON i.indrelid = format('views.%I', n)::regclass
         JOIN pg_class AS c ON c.oid = i.indexrelid
    WHERE to_regclass(format('generations.%I', c.relname || '_' || generation)) IS NULL
    ORDER BY pg_relation_size(format('generations.%I', n || '_' || generation)) DESC, c.relname
$$;
COMMENT ON FUNCTION generations.missing(text[], integer) IS
    'The indexes of tables of views that a generation lacks.';

CREATE FUNCTION generations.add_index(name text, generation integer, index text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found record;
BEGIN
    SELECT i.indisunique, pg_get_constraintdef(k.oid) AS promised,
           substring(pg_get_indexdef(i.indexrelid) FROM ' USING .*') AS definition
    INTO STRICT found
    FROM pg_index AS i
         LEFT JOIN pg_constraint AS k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid
    WHERE i.indexrelid = format('views.%I', index)::regclass
      AND i.indrelid = format('views.%I', name)::regclass;
    IF found.promised IS NOT NULL THEN
        EXECUTE format('ALTER TABLE generations.%I ADD CONSTRAINT %I %s',
                       name || '_' || generation, index || '_' || generation, found.promised);
    ELSE
        EXECUTE format('CREATE %s INDEX %I ON generations.%I%s',
                       CASE WHEN found.indisunique THEN 'UNIQUE' END,
                       index || '_' || generation, name || '_' || generation, found.definition);
    END IF;
END;
$$;
COMMENT ON FUNCTION generations.add_index(text, integer, text) IS
    'Makes an index of views.<name> for a generation that does not serve yet.';

CREATE FUNCTION generations.analyze(names text[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY names LOOP
        EXECUTE format('ANALYZE views.%I', wanted);
    END LOOP;
END;
$$;
COMMENT ON FUNCTION generations.analyze(text[]) IS
    'Has the planner know tables of views and their generations: autovacuum passes parents by.';

CREATE FUNCTION generations.swap(names text[], generation integer) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY names LOOP
        EXECUTE format('ALTER TABLE views.%I DETACH PARTITION generations.%I',
                       wanted, generations.present(wanted));
        EXECUTE format('ALTER TABLE views.%I ATTACH PARTITION generations.%I DEFAULT',
                       wanted, wanted || '_' || generation);
    END LOOP;
END;
$$;
COMMENT ON FUNCTION generations.swap(text[], integer) IS
    'Puts a generation in the place of the one that serves, which stays aside.';

CREATE FUNCTION generations.aside(names text[]) RETURNS SETOF text LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp AS $$
    SELECT c.relname::text FROM pg_class AS c, unnest(names) AS name
    WHERE c.relnamespace = 'generations'::regnamespace AND c.relkind = 'r'
      AND c.relname ~ ('^' || name || '_[0-9]+$')
      AND NOT EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhrelid = c.oid)
    ORDER BY 1
$$;
COMMENT ON FUNCTION generations.aside(text[]) IS
    'The generations of these tables of views that do not serve: older ones, or one being filled.';

CREATE FUNCTION generations.drop_aside(names text[]) RETURNS integer LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted  text;
    dropped integer := 0;
BEGIN
    FOR wanted IN SELECT generations.aside(names) LOOP
        EXECUTE format('DROP TABLE generations.%I', wanted);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END;
$$;
COMMENT ON FUNCTION generations.drop_aside(text[]) IS
    'Drops every generation of these tables of views that does not serve; returns how many tables.';

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA generations FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA generations TO closedloop_app;
