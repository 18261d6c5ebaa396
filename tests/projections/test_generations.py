"""Every table of a view is the parent of one generation, and an older database becomes so."""

import shutil
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

import ledger.migrate
from ledger.embedded import Embedded
from ledger.migrate import ROLES, migrate
from projections import all_views
from tests.conftest import Database
from tests.projections.histories import SECRET, store
from tests.projections.running import HISTORY, digests, query, runner

_CHILDREN = """
SELECT i.inhparent::regclass::text, count(*),
       bool_and(pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT'),
       min(c.relnamespace::regnamespace::text)
FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid AND c.relkind = 'r'
GROUP BY 1"""

_KEPT = """
SELECT c.oid::regclass::text, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       obj_description(c.oid, 'pg_class'), col_description(c.oid, a.attnum), c.relacl::text,
       a.attacl::text
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relnamespace::regnamespace::text IN ('views', 'bi') AND c.relkind IN ('r', 'p', 'v')
UNION ALL
SELECT i.indexrelid::regclass::text, replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON '),
       NULL, i.indisprimary, NULL, NULL, NULL, NULL
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
WHERE c.relnamespace::regnamespace::text = 'views'
ORDER BY 1, 2"""


def test_every_table_of_a_view_is_the_parent_of_the_one_generation_that_serves(
    database: Database,
) -> None:
    tables = {f"views.{table.name}" for view in all_views(SECRET) for table in view.tables}
    found = {name: rest for name, *rest in query(database, _CHILDREN)}
    assert found == {name: [1, True, "generations"] for name in tables}


_KNOWN = """
SELECT c.reltuples::bigint FROM pg_class AS c
WHERE c.oid IN ('views.timeline'::regclass,
                ('generations.' || generations.present('timeline'))::regclass)"""


def test_the_planner_knows_a_rebuilt_table_and_its_generation(fresh_database: Database) -> None:
    store(fresh_database.owner, HISTORY)
    runner(fresh_database).rebuild("timeline")
    [[rows]] = query(fresh_database, "SELECT count(*) FROM views.timeline")
    assert rows > 0
    assert query(fresh_database, _KNOWN) == [(rows,), (rows,)]


def test_an_older_database_keeps_rows_grants_and_whatever_is_built_on_its_tables(
    server: Embedded,
    empty_database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    every = ledger.migrate.MIGRATIONS
    for file in every.glob("*.sql"):
        if file.stem not in (
            "0019_generations",
            "0021_rebuild_parked",
            "0022_analyze_both",
            "0023_analyze_columns",
            "0024_slice_events",
        ):
            shutil.copy(file, tmp_path)
    passwords = {role: str(conninfo_to_dict(server.uri(role))["password"]) for role in ROLES}
    monkeypatch.setattr(ledger.migrate, "MIGRATIONS", tmp_path)
    migrate(empty_database.owner, passwords=passwords)
    store(empty_database.owner, HISTORY)
    running = runner(empty_database)
    running.catch_up()
    with psycopg.connect(empty_database.owner) as owner:
        owner.execute("GRANT SELECT (complaint_id) ON bi.complaints TO PUBLIC")
        owner.execute("GRANT SELECT ON views.complaints TO closedloop_audit")
        owner.execute(
            "CREATE VIEW bi.theirs WITH (security_barrier) AS SELECT complaint_id FROM views.tasks"
        )
    before: Any = digests(running), query(empty_database, _KEPT)
    assert len(before[1]) > 1000

    monkeypatch.setattr(ledger.migrate, "MIGRATIONS", every)
    assert "0019_generations" in migrate(empty_database.owner)
    kept = [row for row in query(empty_database, _KEPT) if "rebuild" not in row[0]]
    assert (digests(running), kept) == before
    options = query(
        empty_database, "SELECT reloptions FROM pg_class WHERE oid = 'bi.theirs'::regclass"
    )
    assert options == [(["security_barrier=true"],)]
