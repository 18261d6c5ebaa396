"""Connections to PostgreSQL: how they are opened, as whom, and which errors pass by themselves."""

import asyncio
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg
from psycopg import sql
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from ledger.entry import Rows, Statement

T = TypeVar("T")

# Nothing waits for ever: not for a lock, not for a client that stopped in mid-transaction.
_OPTIONS = (
    "-c lock_timeout=2s -c statement_timeout=15s"
    " -c idle_in_transaction_session_timeout=10s -c timezone=UTC"
)


class DatabaseError(Exception):
    """The database cannot serve; one line says why."""


TRANSIENT = (psycopg.OperationalError, psycopg.InterfaceError, asyncio.TimeoutError)
"""Errors of the connection or of a moment; what was sent may or may not have been done."""


def connect(uri: str, *, role: str | None = None, **options: Any) -> psycopg.Connection[Any]:
    """A synchronous connection in autocommit, acting as `role` where one is given."""
    connection = psycopg.connect(uri, autocommit=True, **{"options": _OPTIONS, **options})
    if role is not None:
        connection.execute(_set_role(role))
    return connection


async def connect_async(uri: str, *, role: str | None = None) -> psycopg.AsyncConnection[Any]:
    """An asynchronous connection in autocommit, acting as `role` where one is given."""
    connection = await psycopg.AsyncConnection.connect(
        uri, autocommit=True, options=_OPTIONS, connect_timeout=10
    )
    if role is not None:
        await connection.execute(_set_role(role))
    return connection


def _set_role(role: str) -> sql.Composed:
    return sql.SQL("SET ROLE {}").format(sql.Identifier(role))


def pool(uri: str, *, role: str | None = None, size: int = 4) -> ConnectionPool[Any]:
    """A pool of synchronous connections in autocommit, opened on first use."""

    def configure(connection: psycopg.Connection[Any]) -> None:
        if role is not None:
            connection.execute(_set_role(role))

    return ConnectionPool(
        uri,
        min_size=0,
        max_size=size,
        open=False,
        configure=configure,
        check=ConnectionPool.check_connection,
        kwargs={"autocommit": True, "options": _OPTIONS},
    )


def pool_async(uri: str, *, role: str | None = None, size: int = 8) -> AsyncConnectionPool[Any]:
    """A pool of asynchronous connections in autocommit; `open` it before use."""

    async def configure(connection: psycopg.AsyncConnection[Any]) -> None:
        if role is not None:
            await connection.execute(_set_role(role))

    return AsyncConnectionPool(
        uri,
        min_size=1,
        max_size=size,
        open=False,
        configure=configure,
        kwargs={"autocommit": True, "options": _OPTIONS, "connect_timeout": 10},
    )


def run(connection: psycopg.Connection[Any], steps: Generator[Statement, Rows, T]) -> T:
    """Carry out the steps in one transaction."""
    with connection.transaction():
        rows: Rows | None = None
        while True:
            try:
                statement = steps.send(rows) if rows is not None else next(steps)
            except StopIteration as done:
                result: T = done.value
                return result
            cursor = connection.execute(*statement, prepare=True, binary=True)
            rows = cursor.fetchall() if cursor.description else []


async def run_async(
    connection: psycopg.AsyncConnection[Any], steps: Generator[Statement, Rows, T]
) -> T:
    """Carry out the steps in one transaction, asynchronously."""
    async with connection.transaction():
        rows: Rows | None = None
        while True:
            try:
                statement = steps.send(rows) if rows is not None else next(steps)
            except StopIteration as done:
                result: T = done.value
                return result
            cursor = await connection.execute(*statement, prepare=True, binary=True)
            rows = await cursor.fetchall() if cursor.description else []
