"""Writes a backup: ledger and views as of one moment, while everybody works on.

One snapshot for all of it, so the rows of every view are those of its position, and a restored
ledger is gone on with where it stood. The snapshot is ours and pg_dump takes it over: what the
manifest says is what the dump holds.
"""

import fcntl
import importlib.metadata
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from ledger import backup_file, database
from ledger.backup_file import Grant, Manifest
from ledger.backup_programs import Course, Programs
from ledger.database import DatabaseError
from ledger.migrate import LOCK

SCHEMAS = ("ledger", "views", "generations", "bi")
"""Where everything of ours is; what else is in the database is not ours to copy."""

PATIENT = (
    "-c statement_timeout=0 -c lock_timeout=60s -c idle_in_transaction_session_timeout=0"
    " -c timezone=UTC"
)
"""Of connections for work that may take its time, but waits for nobody for ever."""

Progress = Callable[[int, float], None]
"""Told the bytes written and which share of the tables is done, from 0 to 1."""

_SNAPSHOT = "SELECT pg_export_snapshot(), current_setting('server_version_num')::int / 10000"
_SETTINGS = "SELECT name, value FROM ledger.settings"
_HEADS = """
SELECT partition, position, nullif(recorded_at, '-infinity') FROM ledger.heads ORDER BY partition"""
_POSITIONS = "SELECT view, partition, position FROM views.positions ORDER BY view, partition"
_MIGRATIONS = "SELECT migration_id FROM _yoyo_migration ORDER BY migration_id"
_ROLES = """
SELECT DISTINCT r.rolname::text FROM pg_shdepend AS d JOIN pg_roles AS r ON r.oid = d.refobjid
WHERE d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND d.refclassid = 'pg_authid'::regclass AND d.deptype = 'a' AND r.rolname <> current_user
ORDER BY 1"""
_DEFAULTS = """
SELECT n.nspname::text, d.defaclobjtype::text, a.privilege_type, r.rolname::text
FROM pg_default_acl AS d JOIN pg_namespace AS n ON n.oid = d.defaclnamespace
    CROSS JOIN LATERAL aclexplode(d.defaclacl) AS a JOIN pg_roles AS r ON r.oid = a.grantee
WHERE n.nspname = ANY(%(schemas)s) AND a.grantee <> d.defaclrole ORDER BY 1, 2, 4, 3"""
# As of the last VACUUM: to ask for the size itself would wait for whoever has locked the table.
_TABLES = """
SELECT n.nspname || '.' || c.relname, greatest(c.relpages, 1)::bigint
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = ANY(%(schemas)s) AND c.relkind = 'r'"""


def back_up(
    uri: str,
    file: Path,
    *,
    force: bool = False,
    programs: Path | None = None,
    progress: Progress = lambda done, share: None,
) -> Manifest:
    """Write a backup of the database to a file, which is there when it is whole, and not before.

    Nobody waits for it but migrations, and a rebuild that is about to swap. Raises
    `DatabaseError` or `OSError` with one clear line.
    """
    _spare(file, force)
    unfinished = file.with_name(f"{file.name}.part")
    handle = _locked(unfinished)
    try:
        try:
            _spare(file, force)  # which another backup may just have finished
            os.fchmod(handle, 0o600)
            manifest = backup_file.seal(
                unfinished, _dump(uri, unfinished, handle, programs, progress)
            )
            os.replace(unfinished, file)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
    finally:
        os.close(handle)
    _keep(file.parent)
    return manifest


def _spare(file: Path, force: bool) -> None:
    if file.exists() and not force:
        raise DatabaseError(f"{file} is there already: name another, or say --force")


def _locked(unfinished: Path) -> int:
    """The file to write to, in our hands alone."""
    while True:
        handle = os.open(
            unfinished, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, mode=0o600
        )
        is_ours = False
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Another backup may have finished since it was opened: then it goes by that name now.
            is_ours = os.path.samestat(os.fstat(handle), unfinished.lstat())
        except BlockingIOError:
            raise DatabaseError(f"another backup is being written to {unfinished}") from None
        except FileNotFoundError:
            pass
        finally:
            if not is_ours:
                os.close(handle)
        if is_ours:
            return handle


def _dump(
    uri: str, target: Path, handle: int, programs: Path | None, progress: Progress
) -> Manifest:
    """Have pg_dump write the database as it is now."""
    try:
        with database.connect(uri, options=PATIENT) as connection:
            if connection.execute("SELECT to_regclass('ledger.events')").fetchone() == (None,):
                raise DatabaseError("the database is not set up: there is nothing to back up")
            locked = connection.execute("SELECT pg_try_advisory_lock_shared(%s)", (LOCK,))
            if locked.fetchone() != (True,):
                raise DatabaseError("the database is being migrated: try again when it is done")
            with connection.transaction():
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                snapshot, server = connection.execute(_SNAPSHOT).fetchone() or ("", 0)
                manifest = _manifest(connection, server)
                course = Course(manifest.tables, "dumping contents of table ")

                def look() -> None:
                    progress(target.stat().st_size, course.share)
                    if course.has_begun:  # by now it has read all definitions and locked the tables
                        connection.execute("SELECT pg_advisory_unlock_all()")

                Programs(server, programs).run(
                    "pg_dump",
                    uri,
                    "--format=custom",
                    f"--file={target}",
                    f"--snapshot={snapshot}",
                    "--lock-wait-timeout=60s",
                    *(f"--schema={name}" for name in SCHEMAS),
                    hear=course.hear,
                    look=look,
                    holding=handle,
                )
                return manifest
    except psycopg.Error as error:
        raise DatabaseError(str(error).strip().partition("\n")[0]) from error


def _manifest(connection: psycopg.Connection[Any], server: int) -> Manifest:
    """What there is to be backed up, in the snapshot that pg_dump will read."""
    settings = dict(connection.execute(_SETTINGS).fetchall())
    heads = connection.execute(_HEADS).fetchall()
    views: dict[str, dict[int, int]] = {}
    for view, partition, position in connection.execute(_POSITIONS):
        views.setdefault(view, {})[partition] = position
    named = {"schemas": list(SCHEMAS)}
    return Manifest(
        made_at=datetime.now(UTC).replace(microsecond=0),
        release=importlib.metadata.version("closedloop"),
        postgresql=server,
        format=settings["format"],
        migrations=[name for (name,) in connection.execute(_MIGRATIONS)],
        partitions=int(settings["partitions"]),
        zone=settings["zone"],
        secret=settings.get("secret"),
        heads={partition: position for partition, position, _ in heads},
        recorded_at=max((at for _, _, at in heads if at is not None), default=None),
        views=views,
        roles=[name for (name,) in connection.execute(_ROLES)],
        defaults=[Grant(*row) for row in connection.execute(_DEFAULTS, named)],
        tables=dict(connection.execute(_TABLES, named).fetchall()),
    )


def _keep(folder: Path) -> None:
    """See to it that the new name outlives a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
