"""Brings a database to the present shape: SQL migrations, partitions, zone, format, roles."""

import hashlib
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from yoyo import get_backend, read_migrations

from ledger.database import DatabaseError

FORMAT = 1
"""Counts the shapes in which events are stored; raised when a stored shape changes."""

APP_ROLE = "closedloop_app"
BI_ROLE = "closedloop_bi"
ROLES = (APP_ROLE, BI_ROLE, "closedloop_audit")
MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
LOCK = 7_276_436_113_001  # any number, the same for every migration of ours
MAX_PARTITIONS = 256


def migrate(
    uri: str,
    *,
    partitions: int | None = None,
    zone: str | None = None,
    passwords: dict[str, str] | None = None,
    secret: bytes | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> list[str]:
    """Apply what is missing and return its names; safe when several processes do it at once.

    `partitions` is fixed while the ledger is empty, `zone` is the reporting zone of `bi`,
    `passwords` are set for the roles named, `secret` ties the database to the installation's
    secret. Raises `DatabaseError` with one clear line.
    """
    try:
        with psycopg.connect(uri, autocommit=True) as connection:
            # Ours, not yoyo's own lock: a migration that is killed must not leave it behind.
            connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
            applied = _apply(uri, tell)
            connection.execute(_SET, {"name": "schema", "value": _last_migration()})
            if secret is not None:
                _tie(connection, secret)
            if partitions is not None:
                _set_partitions(connection, partitions)
            if zone is not None:
                _set_zone(connection, zone)
            for role, password in (passwords or {}).items():
                connection.execute(
                    sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                        sql.Identifier(role), sql.Literal(password)
                    )
                )
            return applied
    except psycopg.Error as error:
        raise DatabaseError(_line(error)) from error


def _apply(uri: str, tell: Callable[[str], None]) -> list[str]:
    backend = get_backend(_as_url(uri))
    try:
        backend.lock = lambda *args, **options: nullcontext()  # held above, for all of it
        migrations = read_migrations(str(MIGRATIONS))
        wanted = backend.to_apply(migrations)
        for migration in wanted:
            tell(migration.id)
        backend.apply_migrations(wanted)
        return [migration.id for migration in wanted]
    finally:
        backend.connection.close()


_SET = """
INSERT INTO ledger.settings (name, value) VALUES (%(name)s, %(value)s)
ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value"""


def _last_migration() -> str:
    return max(path.stem for path in MIGRATIONS.glob("[0-9]*.sql"))


def _tie(connection: psycopg.Connection[Any], secret: bytes) -> None:
    """Remember which secret the look-ups of outside references are keyed by; never another."""
    row = connection.execute("SELECT value FROM ledger.settings WHERE name = 'secret'").fetchone()
    if row is None:
        connection.execute(_SET, {"name": "secret", "value": fingerprint(secret)})
    elif row[0] != fingerprint(secret):
        raise DatabaseError(OTHER_INSTALLATION)


def fingerprint(secret: bytes) -> str:
    """What may be known of the installation's secret: enough to tell another one."""
    return hashlib.sha256(b"closedloop secret\n" + secret).hexdigest()[:16]


OTHER_INSTALLATION = (
    "the installation's secret is not the one this database was set up with:"
    " give CLOSEDLOOP_SECRET_FILE the file of the installation that did it"
)


def _as_url(uri: str) -> str:
    """The address as yoyo reads it: libpq also takes `postgres://` and `host=... user=...`."""
    parts = {name: str(value) for name, value in conninfo_to_dict(uri).items() if value is not None}
    user, password = (quote(parts.pop(name, ""), safe="") for name in ("user", "password"))
    place = f"{parts.pop('host', '')}:{parts.pop('port', '')}".rstrip(":")
    login = f"{user}:{password}@" if password else f"{user}@" if user else ""
    name = quote(parts.pop("dbname", ""), safe="")
    return f"postgresql+psycopg://{login}{place}/{name}" + (f"?{urlencode(parts)}" if parts else "")


def _set_partitions(connection: psycopg.Connection[Any], partitions: int) -> None:
    if not 1 <= partitions <= MAX_PARTITIONS:
        raise DatabaseError(f"partitions: 1 to {MAX_PARTITIONS}, not {partitions}")
    with connection.transaction():
        connection.execute("LOCK TABLE ledger.heads IN EXCLUSIVE MODE")
        row = connection.execute(
            "SELECT (SELECT value::int FROM ledger.settings WHERE name = 'partitions'),"
            " EXISTS (SELECT FROM ledger.events), EXISTS (SELECT FROM ledger.commands)"
        ).fetchone()
        assert row is not None
        current, has_events, has_commands = row
        if current == partitions:
            return
        if has_events or has_commands:
            raise DatabaseError(
                f"the ledger has {current} partitions and is not empty: they are fixed for good"
            )
        statements = (
            sql.SQL("ALTER TABLE ledger.events DROP CONSTRAINT events_partition_of_stream"),
            sql.SQL(
                "ALTER TABLE ledger.events ADD CONSTRAINT events_partition_of_stream"
                " CHECK (partition = get_byte(uuid_send(stream_id), 15) % {})"
            ).format(sql.Literal(partitions)),
            sql.SQL("DELETE FROM ledger.heads"),
            sql.SQL(
                "INSERT INTO ledger.heads (partition) SELECT generate_series(0, {} - 1)"
            ).format(sql.Literal(partitions)),
            sql.SQL("UPDATE ledger.settings SET value = {} WHERE name = 'partitions'").format(
                sql.Literal(str(partitions))
            ),
        )
        for statement in statements:
            connection.execute(statement)


def _set_zone(connection: psycopg.Connection[Any], zone: str) -> None:
    known = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = %s)", (zone,)
    ).fetchone()
    if known != (True,):
        raise DatabaseError(f"{zone} is no time zone that PostgreSQL knows")
    connection.execute("UPDATE ledger.settings SET value = %s WHERE name = 'zone'", (zone,))


# --- what has to hold before anything is served ---------------------------------------------


def check(connection: psycopg.Connection[Any], secret: bytes | None = None) -> None:
    """Refuse a database that is not set up, of another format, or whose login may alter events."""
    try:
        settings = dict(connection.execute("SELECT name, value FROM ledger.settings").fetchall())
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        raise DatabaseError("the database is not set up: run `closedloop migrate`") from None
    except psycopg.errors.InsufficientPrivilege:
        raise DatabaseError(
            "this login may not read the ledger: use the owner's or that of closedloop_app"
        ) from None
    if settings.get("format") != str(FORMAT):
        raise DatabaseError(
            f"the ledger is of format {settings.get('format')}, this release reads {FORMAT}:"
            " use the release that wrote it, or export and import"
        )
    if settings.get("schema", "") < _last_migration():
        raise DatabaseError("the database is of an earlier release: run `closedloop migrate`")
    if secret is not None and settings.get("secret") not in (None, fingerprint(secret)):
        raise DatabaseError(OTHER_INSTALLATION)
    may_alter = connection.execute(
        "SELECT current_user, has_table_privilege('ledger.events', 'UPDATE, DELETE, TRUNCATE')"
        " OR has_any_column_privilege('ledger.events', 'UPDATE')"
    ).fetchone()
    assert may_alter is not None
    if may_alter[1]:
        raise DatabaseError(
            f"refused to start: the role {may_alter[0]} may change or delete events;"
            " give DATABASE_URL_APP the login of closedloop_app"
        )


def missing_migrations(connection: psycopg.Connection[Any]) -> list[str]:
    """The names of the migrations that are not applied yet."""
    ours = [path.stem for path in sorted(MIGRATIONS.glob("[0-9]*.sql"))]
    table = connection.execute("SELECT to_regclass('public._yoyo_migration')").fetchone()
    if table is None or table[0] is None:
        return ours
    done = {row[0] for row in connection.execute("SELECT migration_id FROM _yoyo_migration")}
    return [name for name in ours if name not in done]


def _line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
