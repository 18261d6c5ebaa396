"""Restores a backup: into a ledger that is empty, or beside another whose place it then takes.

What a new server needs (roles, their passwords and memberships) is made by the migrations, as
everywhere; what they made in the database gives way to what the backup holds, in one transaction.
A ledger that is replaced is renamed when the restored one is complete and checked, and is kept.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ledger import backup_file
from ledger.backup import PATIENT, SCHEMAS, Progress
from ledger.backup_file import Backup, Manifest
from ledger.backup_programs import Course, Programs
from ledger.database import DatabaseError, connect
from ledger.migrate import FORMAT, MIGRATIONS, ROLES, fingerprint, migrate
from ledger.restore_beside import another_database, swap

Connection = psycopg.Connection[Any]


class Target(NamedTuple):
    """Where a backup goes: the owner's address, and one of somebody who may make databases."""

    uri: str
    maintenance: str  # of another database on the same server
    passwords: dict[str, str] | None = None  # of the embedded server's roles


def check_secret(manifest: Manifest, secret: bytes | None, place: Path) -> None:
    """Refuse a backup that was made under another secret than the one at this place."""
    if manifest.secret is None:
        return
    if secret is None:
        raise DatabaseError(
            f"the installation's secret is missing: bring the one of the backup (its fingerprint"
            f" is {manifest.secret}) to {place}, or name it in CLOSEDLOOP_SECRET_FILE"
        )
    if fingerprint(secret) != manifest.secret:
        raise DatabaseError(
            f"the backup belongs to another secret ({manifest.secret}) than the one in {place}"
            f" ({fingerprint(secret)}): name its file in CLOSEDLOOP_SECRET_FILE"
        )


def restore(
    backup: Backup,
    target: Target,
    secret: bytes,
    *,
    replace: bool = False,
    programs: Path | None = None,
    progress: Progress = lambda done, share: None,
) -> str | None:
    """Restore a backup; returns the name under which the ledger it replaced is kept.

    Raises `DatabaseError` with one clear line; what was there is then as it was.
    """
    try:
        _check_release(backup)
        with connect(target.uri, options=PATIENT) as connection:
            chosen = _check_server(connection, backup.manifest, programs)
            events = _events(connection)
            if events and not replace:
                raise DatabaseError(
                    f"the ledger there has {events:,} events: nothing was changed;"
                    " --replace restores beside it and then takes its place"
                )
            _check_alone(connection)
            place = connection.info.dbname
        backup_file.verify(backup)
        if not events:
            _fill(backup, target, target.uri, chosen, secret, progress)
            return None
        with another_database(target.maintenance, place) as name:
            uri = make_conninfo(target.uri, dbname=name)
            _fill(backup, target, uri, chosen, secret, progress)
            return swap(target.maintenance, place, name)
    except psycopg.Error as error:
        raise DatabaseError(str(error).strip().partition("\n")[0]) from error


# --- what has to hold before anything is changed --------------------------------------------


def _check_release(backup: Backup) -> None:
    """Refuse what another release wrote, if this one cannot read it."""
    manifest = backup.manifest
    if manifest.format != str(FORMAT):
        raise DatabaseError(
            f"the backup is of format {manifest.format}, this release reads {FORMAT}:"
            " restore it with the release that wrote it"
        )
    if unknown := sorted(set(manifest.migrations) - {*_ours()}):
        raise DatabaseError(
            f"the backup is of a later release ({manifest.release}, {unknown[-1]}):"
            " restore it with that one"
        )


def _ours() -> list[str]:
    return [path.stem for path in MIGRATIONS.glob("[0-9]*.sql")]


def _check_server(connection: Connection, manifest: Manifest, folder: Path | None) -> Programs:
    """The programs that fit; refuses a server that is too old or lacks a role with rights."""
    server = connection.info.server_version // 10000
    if server < manifest.postgresql:
        raise DatabaseError(
            f"the backup is of PostgreSQL {manifest.postgresql} and the server of {server}:"
            " restore to the same or a later version"
        )
    here = {name for (name,) in connection.execute("SELECT rolname::text FROM pg_roles")}
    if missing := sorted(set(manifest.roles) - here - {*ROLES}):
        raise DatabaseError(
            f"the backup gives rights to {', '.join(missing)}, unknown to this server:"
            " CREATE ROLE first"
        )
    return Programs(server, folder)


_EVENTS = """
SELECT (SELECT coalesce(sum(position), 0) FROM ledger.heads)::bigint,
       EXISTS (SELECT FROM ledger.events)"""


def _events(connection: Connection) -> int:
    """How many events the database holds; 0 where it is not even set up."""
    if connection.execute("SELECT to_regclass('ledger.heads')").fetchone() == (None,):
        return 0
    [(counted, are_there)] = connection.execute(_EVENTS).fetchall()
    return max(int(counted), int(are_there))


_CONNECTED = """
SELECT usename::text, count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename IS NOT NULL
GROUP BY 1 ORDER BY 1"""


def _check_alone(connection: Connection) -> None:
    """Refuse while anybody is connected: they would go on with what they remember."""
    if others := connection.execute(_CONNECTED).fetchall():
        told = ", ".join(f"{name} ({count})" for name, count in others)
        raise DatabaseError(
            f"somebody is connected to the database: {told}; stop servers, workers and BI tools"
        )


# --- the restore itself ---------------------------------------------------------------------


def _fill(
    backup: Backup,
    target: Target,
    uri: str,
    programs: Programs,
    secret: bytes,
    progress: Progress,
) -> None:
    """Bring a backup into a database without events, and bring that up to date."""
    manifest = backup.manifest
    with connect(uri, options=PATIENT) as connection:
        _forget_marks(connection)
        migrate(uri, passwords=target.passwords)
        _make_way(connection, manifest)
    course = Course(manifest.tables, "processing data for table ")
    with _wanted(programs, backup.path) as entries:
        programs.run(
            "pg_restore",
            uri,
            "--single-transaction",
            "--no-owner",
            f"--use-list={entries}",
            backup.path,
            hear=course.hear,
            look=lambda: progress(course.done, course.share),
        )
    migrate(uri, passwords=target.passwords, secret=secret)
    with connect(uri, options=PATIENT) as connection:
        _give_by_default(connection, manifest)
        _check_content(connection, manifest)
        connection.execute(_LET_GO)
        connection.execute("SET client_min_messages = error")  # catalogues are not ours to clean
        connection.execute("VACUUM (ANALYZE)")


# Those who held views at the moment of the backup do not come back.
_LET_GO = "UPDATE views.positions SET holder = NULL, epoch = epoch + 1"

_UNMARK = """
DELETE FROM _yoyo_migration
WHERE migration_id = ANY(%(ours)s::text[]) AND migration_id <> ALL(%(kept)s::text[])"""

_MARKS = "SELECT to_regclass('_yoyo_migration'), to_regclass('ledger.events')"


def _forget_marks(connection: Connection) -> None:
    """A restore that was killed in between leaves migrations marked whose tables are gone."""
    marks, ledger = connection.execute(_MARKS).fetchone() or (None, None)
    if marks is not None and ledger is None:
        connection.execute(_UNMARK, {"ours": _ours(), "kept": []})


def _make_way(connection: Connection, manifest: Manifest) -> None:
    """Drop the empty tables that the migrations made, and mark those that the backup brings."""
    with connection.transaction():
        connection.execute("LOCK TABLE ledger.heads, ledger.events IN ACCESS EXCLUSIVE MODE")
        if _events(connection):
            raise DatabaseError("somebody has begun to write to the database: nothing was changed")
        for name in SCHEMAS:
            connection.execute(
                sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(name))
            )
        connection.execute(_UNMARK, {"ours": _ours(), "kept": manifest.migrations})


@contextmanager
def _wanted(programs: Programs, path: Path) -> Iterator[Path]:
    """A list of all there is to restore but default privileges: they name the former owner."""
    with tempfile.TemporaryDirectory() as folder:
        entries = Path(folder, "entries")
        lines = programs.contents(path)
        entries.write_text("\n".join(line for line in lines if " DEFAULT ACL " not in line))
        yield entries


_KINDS = {"r": "TABLES", "S": "SEQUENCES", "f": "FUNCTIONS", "T": "TYPES"}


def _give_by_default(connection: Connection, manifest: Manifest) -> None:
    """Have what is made later in a schema be open to the same roles as before."""
    for grant in manifest.defaults:
        connection.execute(
            sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA {} GRANT {} ON {} TO {}").format(
                sql.Identifier(grant.schema),
                sql.SQL(grant.privilege),
                sql.SQL(_KINDS[grant.kind]),
                sql.Identifier(grant.role),
            )
        )


_CONTENT = """
SELECT h.partition, h.position, count(e.position), coalesce(max(e.position), 0)
FROM ledger.heads AS h LEFT JOIN ledger.events AS e USING (partition) GROUP BY 1, 2"""
_AHEAD = """
SELECT p.view FROM views.positions AS p JOIN ledger.heads AS h USING (partition)
WHERE p.position > h.position LIMIT 1"""


def _check_content(connection: Connection, manifest: Manifest) -> None:
    """Every event of the backup is there, at dense positions, and no view is ahead of them."""
    found = connection.execute(_CONTENT).fetchall()
    is_whole = all(head == count == last for _, head, count, last in found)
    heads = {partition: head for partition, head, _, _ in found}
    ahead = connection.execute(_AHEAD).fetchone()
    if not is_whole or heads != manifest.heads or ahead is not None:
        raise DatabaseError("what was restored is not what the backup says it holds")
