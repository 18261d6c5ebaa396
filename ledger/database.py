"""Connections to PostgreSQL: how they are opened, as whom, and which errors pass by themselves."""

import asyncio
import os
import socket
from contextlib import suppress
from typing import Any, LiteralString, TypeVar
from weakref import WeakKeyDictionary

import psycopg
from psycopg import sql
from psycopg_pool import ConnectionPool

from ledger.entry import Rows, Steps

T = TypeVar("T")

# Nothing waits for ever: not for a lock, not for a client that stopped in mid-transaction or is
# gone without a word, not for a server or a network that does not answer.
_OPTIONS = (
    "-c lock_timeout=2s -c statement_timeout=15s -c idle_in_transaction_session_timeout=10s"
    " -c client_connection_check_interval=2s"
    " -c tcp_keepalives_idle=15 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
    " -c timezone=UTC"
)
_LIMITS: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
ANSWER_WITHIN_SECONDS = 20.0
"""How long a connection may be silent: longer than any statement may take."""

# A writer's statements are few and always the same: planning one costs as much as running it. It
# holds the head of a partition for milliseconds, or it has stopped, and others want to go on.
_WRITING = " -c plan_cache_mode=force_generic_plan -c idle_in_transaction_session_timeout=5s"

# PostgreSQL 17 and later end a transaction also while its client stops in mid-sending.
_END_TRANSACTIONS = """
SELECT set_config(name, '10s', false) FROM pg_settings WHERE name = 'transaction_timeout'"""


class DatabaseError(Exception):
    """The database cannot serve; one line says why."""


TRANSIENT = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.TransactionTimeout,
    asyncio.TimeoutError,
)
"""Errors of the connection or of a moment; what was sent may or may not have been done."""


def passes(error: BaseException) -> bool:
    """Whether an error passes by itself: `TRANSIENT`, or a file that cannot grow at present.

    A full disk is an operational error; a limit on the size of files comes as an internal one,
    told apart from bugs by the function that extends files (`mdextend`, `mdzeroextend`).
    """
    if isinstance(error, psycopg.errors.InternalError_):
        return "extend" in (error.diag.source_function or "")
    return isinstance(error, TRANSIENT)


def connect(
    uri: str, *, role: str | None = None, options: str = "", **limits: Any
) -> psycopg.Connection[Any]:
    """A synchronous connection in autocommit, acting as `role` where one is given.

    `options` are settings that differ from those of every connection: the last one counts.
    """
    connection = psycopg.connect(
        uri, autocommit=True, options=f"{_OPTIONS} {options}", **{**_LIMITS, **limits}
    )
    try:
        if role is not None:
            connection.execute(_set_role(role))
    except BaseException:
        connection.close()
        raise
    return connection


async def connect_async(
    uri: str, *, role: str | None = None, options: str = ""
) -> psycopg.AsyncConnection[Any]:
    """An asynchronous connection, else like that of `connect`."""
    connection = await psycopg.AsyncConnection.connect(
        uri, autocommit=True, options=_OPTIONS + options, **_LIMITS
    )
    if role is not None:
        await _begin(connection, _set_role(role))
    return connection


async def connect_writer(uri: str, *, role: str | None = None) -> psycopg.AsyncConnection[Any]:
    """The connection of a writer: asynchronous, in autocommit, acting as `role` if given."""
    connection = await connect_async(uri, role=role, options=_WRITING)
    await _begin(connection, _END_TRANSACTIONS)
    return connection


async def _begin(
    connection: psycopg.AsyncConnection[Any], statement: LiteralString | sql.Composed
) -> None:
    """The first that a connection is to do; without it, it is of no use and closed."""
    try:
        with Answered(connection):
            await connection.execute(statement)
    except BaseException:
        await connection.close()
        raise


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
        kwargs={"autocommit": True, "options": _OPTIONS, **_LIMITS},
    )


class Answered:
    """Breaks the connection off if the block takes longer than any answer may.

    The driver does not give up a server that has gone silent, not even when it is cancelled
    (psycopg issue 1371); a connection that is shut down ends its waiting.
    """

    __slots__ = ("_connection", "_watch")

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Watch this connection."""
        self._connection = connection

    def __enter__(self) -> None:
        """Begin to count."""
        loop = asyncio.get_running_loop()
        self._watch = _watches.get(loop) or _watches.setdefault(loop, _Watch())
        self._watch.begin(self._connection, loop)

    def __exit__(self, *error: object) -> None:
        """It was in time, or has been cut off."""
        self._watch.end(self._connection)


class _Watch:
    """Looks after all connections of a loop with one alarm: to set one a statement costs 6 us."""

    def __init__(self) -> None:
        self._until: dict[psycopg.AsyncConnection[Any], float] = {}
        self._is_set = False

    def begin(
        self, connection: psycopg.AsyncConnection[Any], loop: asyncio.AbstractEventLoop
    ) -> None:
        until = self._until[connection] = loop.time() + ANSWER_WITHIN_SECONDS
        if not self._is_set:
            self._set(until, loop)

    def end(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._until.pop(connection, None)

    def _set(self, at: float, loop: asyncio.AbstractEventLoop) -> None:
        self._is_set = True
        loop.call_at(at, self._look)

    def _look(self) -> None:
        self._is_set = False
        loop = asyncio.get_running_loop()
        now = loop.time()
        late = [each for each, until in self._until.items() if until <= now]
        for connection in late:
            self.end(connection)
        if self._until:
            self._set(min(self._until.values()), loop)
        for connection in late:
            _cut(connection)


# Those who wait belong to the loop that they wait in; it goes when the loop does.
_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, _Watch] = WeakKeyDictionary()


def _cut(connection: psycopg.AsyncConnection[Any]) -> None:
    # (one that is closed already has no file)
    with (
        suppress(OSError, psycopg.Error),
        socket.socket(fileno=os.dup(connection.fileno())) as duplicate,
    ):
        duplicate.shutdown(socket.SHUT_RDWR)


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
            answers = [each.fetchall() if _has_rows(each) else [] for each in cursors]


async def run_async(cursor: psycopg.AsyncCursor[Any], steps: Steps[T]) -> T:
    """Carry out the steps, one round trip a round; BEGIN and COMMIT travel with the statements.

    After an error its connection may be in mid-transaction: close it.
    """
    connection = cursor.connection
    answers: list[Rows] | None = None
    is_open = False
    while True:
        try:
            statements, is_last = steps.send(answers)  # type: ignore[arg-type]
        except StopIteration as done:
            result: T = done.value
            return result
        if len(statements) == 1 and is_last and not is_open:  # a transaction of its own
            cursors = [await cursor.execute(*statements[0], prepare=True)]
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
        answers = [await each.fetchall() if _has_rows(each) else [] for each in cursors]


def _has_rows(cursor: psycopg.Cursor[Any] | psycopg.AsyncCursor[Any]) -> bool:
    """Whether a statement returns rows, be it none; to ask for their description costs 7 us."""
    return cursor.rownumber is not None
