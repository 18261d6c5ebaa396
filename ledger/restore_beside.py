"""A database beside another: made like it, and in the end given its place."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql

from ledger.backup import PATIENT
from ledger.database import DatabaseError, connect

Connection = psycopg.Connection[Any]

_LIKE = """
SELECT r.rolname::text, pg_encoding_to_char(d.encoding), d.datlocprovider::text,
       d.datcollate::text, d.datctype::text,
       coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')
FROM pg_database AS d JOIN pg_roles AS r ON r.oid = d.datdba WHERE d.datname = %s"""


@contextmanager
def another_database(maintenance: str, place: str) -> Iterator[str]:
    """An empty database like another; dropped again unless it took that one's place."""
    name = f"{place}_restoring"
    with connect(maintenance, options=PATIENT) as connection:
        _drop(connection, name)  # of a restore that was killed; refused while one is under way
        try:
            connection.execute(_create(connection, place, name))
        except psycopg.errors.InsufficientPrivilege:
            raise DatabaseError(
                "--replace needs a login that may make databases (ALTER ROLE ... CREATEDB);"
                " or restore into an empty database, and name that in DATABASE_URL"
            ) from None
    try:
        yield name
    except BaseException:
        with connect(maintenance, options=PATIENT) as connection:
            _drop(connection, name)
        raise


def _create(connection: Connection, like: str, name: str) -> sql.Composed:
    owner, encoding, provider, collate, ctype, locale = connection.execute(
        _LIKE, (like,)
    ).fetchone() or ("", "", "", "", "", None)
    words = [
        sql.SQL("CREATE DATABASE {} TEMPLATE template0 OWNER {} ENCODING {}").format(
            sql.Identifier(name), sql.Identifier(owner), sql.Literal(encoding)
        ),
        sql.SQL("LC_COLLATE {} LC_CTYPE {}").format(sql.Literal(collate), sql.Literal(ctype)),
    ]
    match provider:
        case "b":
            words.append(
                sql.SQL("LOCALE_PROVIDER builtin BUILTIN_LOCALE {}").format(sql.Literal(locale))
            )
        case "i":
            words.append(sql.SQL("LOCALE_PROVIDER icu ICU_LOCALE {}").format(sql.Literal(locale)))
    return sql.SQL(" ").join(words)


def swap(maintenance: str, place: str, name: str) -> str:
    """Give the restored database the place of the other, which is kept under another name."""
    kept = f"{place}_before_{datetime.now(UTC):%Y%m%d_%H%M%S}"
    with connect(maintenance, options=PATIENT) as connection, connection.transaction():
        for old, new in ((place, kept), (name, place)):
            connection.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                    sql.Identifier(old), sql.Identifier(new)
                )
            )
    return kept


def _drop(connection: Connection, name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
