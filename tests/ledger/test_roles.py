"""What each role may do, on every PostgreSQL in the wheel, with an owner who is no superuser."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from ledger import database as connections
from ledger.database import DatabaseError
from ledger.embedded import Embedded
from ledger.migrate import APP_ROLE, ROLES, check, migrate
from tests.waiting import wait_until

DENIED = psycopg.errors.InsufficientPrivilege
EVENT = "INSERT INTO ledger.events VALUES (0, %s, gen_random_uuid(), 1, 'T', 1, now(), '{}', '{}')"


@pytest.fixture(scope="module", params=[16, 18])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Embedded]:
    server = Embedded(tmp_path_factory.mktemp(f"pg{request.param}") / "postgres", request.param)
    server.start()
    try:
        passwords = {role: str(conninfo_to_dict(server.uri(role))["password"]) for role in ROLES}
        migrate(server.uri(), passwords=passwords)
        yield server
    finally:
        server.remove()


def tables(server: Embedded, *schemas: str) -> list[str]:
    with psycopg.connect(server.uri()) as owner:
        rows = owner.execute(
            "SELECT format('%%I.%%I', n.nspname, c.relname) FROM pg_class AS c"
            " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
            " WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'v', 'm') ORDER BY 1",
            (list(schemas),),
        ).fetchall()
    assert rows
    return [row[0] for row in rows]


def test_the_owner_is_no_superuser(server: Embedded) -> None:
    with psycopg.connect(server.uri()) as owner:
        row = owner.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        assert row.fetchone() == (False,)


@pytest.mark.parametrize(
    "attempt",
    [
        "UPDATE ledger.events SET data = ''",
        "DELETE FROM ledger.events",
        "TRUNCATE ledger.events",
        "UPDATE ledger.commands SET digest = ''",
        "DELETE FROM ledger.commands",
        "DELETE FROM ledger.heads",
        "ALTER TABLE ledger.events DISABLE TRIGGER ALL",
        "DROP TABLE ledger.events",
        "CREATE TABLE ledger.mine (a int)",
        "UPDATE ledger.settings SET value = '2'",
        "UPDATE ledger.keys SET secret_sha256 = ''",
        "DELETE FROM ledger.keys",
    ],
)
def test_the_app_may_add_events_and_nothing_else(server: Embedded, attempt: str) -> None:
    with psycopg.connect(server.uri(APP_ROLE), autocommit=True) as app:
        if attempt.startswith("UPDATE ledger.events"):
            app.execute(EVENT, (1,))
        with pytest.raises((DENIED, psycopg.errors.InsufficientPrivilege)):
            app.execute(attempt)
        assert app.execute("SELECT count(*) FROM ledger.events").fetchone() == (1,)


def test_not_even_the_owner_changes_an_event_by_mistake(server: Embedded) -> None:
    with psycopg.connect(server.uri(), autocommit=True) as owner:
        for attempt in ("UPDATE ledger.events SET data = ''", "TRUNCATE ledger.events"):
            with pytest.raises(DENIED, match="for ever"):
                owner.execute(attempt)


def test_bi_reads_bi_and_nothing_else(server: Embedded) -> None:
    with psycopg.connect(server.uri("closedloop_bi"), autocommit=True) as bi:
        for table in tables(server, "bi"):
            bi.execute(f"SELECT * FROM {table} LIMIT 1")
            with pytest.raises((DENIED, psycopg.errors.ObjectNotInPrerequisiteState)):
                bi.execute(f"DELETE FROM {table}")
        for table in tables(server, "ledger", "views"):
            with pytest.raises(DENIED):
                bi.execute(f"SELECT * FROM {table} LIMIT 1")


def test_audit_reads_the_ledger_but_no_key(server: Embedded) -> None:
    with psycopg.connect(server.uri("closedloop_audit"), autocommit=True) as audit:
        for table in tables(server, "ledger"):
            query = f"SELECT * FROM {table} LIMIT 1"
            if table == "ledger.keys":
                with pytest.raises(DENIED):
                    audit.execute(query)
            else:
                audit.execute(query)
        with pytest.raises(DENIED):
            audit.execute(EVENT, (2,))


def test_the_owner_may_serve_as_the_app_by_set_role(server: Embedded) -> None:
    with connections.connect(server.uri(), role=APP_ROLE) as connection:
        check(connection)
        assert connection.execute("SELECT current_user").fetchone() == (APP_ROLE,)
        with pytest.raises(DENIED):
            connection.execute("UPDATE ledger.events SET data = ''")


def test_a_connection_that_may_not_act_as_its_role_is_not_left_open(server: Embedded) -> None:
    """The errors are kept, and whatever they still refer to with them."""
    login = server.uri("closedloop_audit")
    with pytest.raises(DENIED) as one:
        connections.connect(login, role=APP_ROLE)
    with pytest.raises(DENIED) as other:
        asyncio.run(connections.connect_writer(login, role=APP_ROLE))
    left = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'closedloop_audit'"
    with psycopg.connect(server.uri(), autocommit=True) as owner:
        wait_until(lambda: owner.execute(left).fetchone() == (0,))
    assert one.traceback
    assert other.traceback


@pytest.mark.parametrize("login", ["closedloop", "postgres"])
def test_serve_refuses_to_start_as_a_role_that_may_change_events(
    server: Embedded, login: str
) -> None:
    with (
        connections.connect(server.uri(login)) as connection,
        pytest.raises(DatabaseError, match="may change or delete events"),
    ):
        check(connection)
    environment = {
        **os.environ,
        "DATABASE_URL": server.uri(),
        "DATABASE_URL_APP": server.uri(login),
        "CLOSEDLOOP_PORT": "1024",
    }
    started = subprocess.run(
        [sys.executable, "-m", "api.cli", "serve"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert started.returncode == 1
    assert f"refused to start: the role {login} may change or delete events" in started.stderr
    assert "Traceback" not in started.stderr
