"""Where the bench measures: a server of the run's own, and databases cloned from a migrated one."""

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from ledger.embedded import Embedded
from ledger.migrate import ROLES, migrate

SECRET = bytes(range(32))
_MIGRATED = "bench_migrated"


class Database(msgspec.Struct, frozen=True):
    """A database of a measurement's own, by the logins that use it."""

    name: str
    owner: str
    app: str


class Places:
    """Makes databases, and drops them."""

    def __init__(self, server: Embedded) -> None:
        """Use this server, which runs."""
        self._server = server
        self._numbers = itertools.count(1)
        self._create(_MIGRATED, "template1")
        passwords = {role: str(conninfo_to_dict(server.uri(role))["password"]) for role in ROLES}
        migrate(server.uri(database=_MIGRATED), passwords=passwords, secret=SECRET)

    @contextmanager
    def database(self) -> Iterator[Database]:
        """A migrated database in which nothing is recorded."""
        name = f"bench_{next(self._numbers)}"
        self._create(name, _MIGRATED)
        try:
            yield Database(
                name,
                self._server.uri(database=name),
                self._server.uri("closedloop_app", name),
            )
        finally:
            with self._superuser() as connection:
                drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
                connection.execute(drop.format(sql.Identifier(name)))

    def settle(self) -> None:
        """Have what was loaded written, so that no measurement pays for it."""
        with self._superuser() as connection:
            connection.execute("CHECKPOINT")

    def settings(self, *names: str) -> dict[str, str]:
        """Settings of the server."""
        with self._superuser() as connection:
            return dict(
                connection.execute(
                    "SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY(%s)",
                    (list(names),),
                ).fetchall()
            )

    def pid(self) -> int | None:
        """The process of the server."""
        return self._server.status().pid

    def _superuser(self) -> psycopg.Connection:
        return psycopg.connect(self._server.superuser_uri(), autocommit=True)

    def _create(self, name: str, template: str) -> None:
        with self._superuser() as connection:
            create = sql.SQL("CREATE DATABASE {} OWNER closedloop TEMPLATE {} STRATEGY file_copy")
            connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))


@contextmanager
def open_places() -> Iterator[Places]:
    """A server of the run's own, of which nothing is left behind."""
    with tempfile.TemporaryDirectory(prefix="closedloop-bench-") as folder:
        server = Embedded(Path(folder) / "postgres")
        server.start()
        try:
            yield Places(server)
        finally:
            server.remove()
