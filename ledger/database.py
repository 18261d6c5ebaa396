"""Connections to PostgreSQL: how they are opened, as whom, and which errors pass by themselves."""

import asyncio
from typing import Any, TypeVar

import psycopg
from psycopg import sql
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from ledger.entry import Rows, Steps

T = TypeVar("T")

# Nothing waits for ever: not for a lock, not for a client that stopped in mid-transaction.
_OPTIONS = (
    "-c lock_timeout=2s -c statement_timeout=15s"
    " -c idle_in_transaction_session_timeout=10s -c timezone=UTC"
)

# Its statements are few and the same for ever: planning one costs as much as carrying it out.
_WRITING = " -c plan_cache_mode=force_generic_plan"


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


async def connect_writer(uri: str, *, role: str | None = None) -> psycopg.AsyncConnection[Any]:
    """The connection of a writer: asynchronous, in autocommit, acting as `role` if given."""
    connection = await psycopg.AsyncConnection.connect(
        uri, autocommit=True, options=_OPTIONS + _WRITING, connect_timeout=10
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


def run(connection: psycopg.Connection[Any], steps: Steps[T]) -> T:
    """Carry out the steps in one transaction, or within the one that is open."""
    answers: list[Rows] | None = None
    with connection.transaction():
        while True:
            try:
                statements = steps.send(answers).statements  # type: ignore[arg-type]
            except StopIteration as done:
                result: T = done.value
                return result
            with connection.pipeline():
                cursors = [connection.execute(*s, prepare=True, binary=True) for s in statements]
            answers = [cursor.fetchall() if cursor.description else [] for cursor in cursors]


async def run_async(connection: psycopg.AsyncConnection[Any], steps: Steps[T]) -> T:
    """Carry out the steps, one round trip a round; BEGIN and COMMIT travel with the statements.

    After an error the connection may be in mid-transaction: close it.
    """
    answers: list[Rows] | None = None
    is_open = False
    while True:
        try:
            statements, is_last = steps.send(answers)  # type: ignore[arg-type]
        except StopIteration as done:
            result: T = done.value
            return result
        if len(statements) == 1 and is_last and not is_open:  # a transaction of its own
            cursors = [await connection.execute(*statements[0], prepare=True, binary=True)]
        else:
            async with connection.pipeline():
                if not is_open:
                    await connection.execute("BEGIN", prepare=True)
                cursors = [
                    await connection.execute(*s, prepare=True, binary=True) for s in statements
                ]
                if is_last:
                    await connection.execute("COMMIT", prepare=True)
        is_open = not is_last
        answers = [await cursor.fetchall() if cursor.description else [] for cursor in cursors]
