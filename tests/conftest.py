"""What tests share: one embedded server for the run, and databases cloned from a migrated one."""

import itertools
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from ledger.embedded import Embedded
from ledger.migrate import ROLES, migrate

_numbers = itertools.count(1)

# A shell's background job ignores Ctrl-C, and so would every process that is to be interrupted.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """A PostgreSQL of the run's own."""
    folder = Path(os.environ.get("CLOSEDLOOP_TEST_DATA") or tmp_path_factory.mktemp("server"))
    embedded = Embedded(folder / "postgres")
    embedded.start()
    try:
        yield embedded
    finally:
        embedded.remove()


@pytest.fixture(scope="session")
def migrated(server: Embedded) -> str:
    """The name of a migrated database that is only cloned, never used."""
    _create(server, "migrated", template="template1")
    passwords = {role: str(conninfo_to_dict(server.uri(role))["password"]) for role in ROLES}
    migrate(server.uri(database="migrated"), passwords=passwords)
    return "migrated"


def _create(server: Embedded, name: str, template: str) -> None:
    with psycopg.connect(server.superuser_uri(), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER closedloop TEMPLATE {} STRATEGY wal_log").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )


class Database:
    """A database of a test's own, by the logins that use it."""

    def __init__(self, server: Embedded, name: str) -> None:
        self._server = server
        self.name = name

    def uri(self, role: str = "closedloop") -> str:
        """The address for a login: the owner's, closedloop_app, closedloop_bi, closedloop_audit."""
        return self._server.uri(role, self.name)

    @property
    def owner(self) -> str:
        """The owner's address."""
        return self.uri()

    @property
    def app(self) -> str:
        """The address of the application's own login."""
        return self.uri("closedloop_app")

    @property
    def superuser(self) -> str:
        """The superuser's address, for tests that break things."""
        return self._server.superuser_uri(self.name)


def new_database(server: Embedded, template: str) -> Database:
    """A database of its own, made like another."""
    name = f"test_{next(_numbers)}"
    _create(server, name, template)
    return Database(server, name)


@pytest.fixture(scope="module")
def database(server: Embedded, migrated: str) -> Database:
    """A fresh migrated database for the tests of one file."""
    return new_database(server, migrated)


@pytest.fixture
def fresh_database(server: Embedded, migrated: str) -> Database:
    """A fresh migrated database for one test."""
    return new_database(server, migrated)


@pytest.fixture
def empty_database(server: Embedded) -> Database:
    """A database in which nothing was migrated."""
    return new_database(server, "template1")
