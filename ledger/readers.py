"""Reading: a few connections that whoever asks takes in turn, and queries that outlive broken ones.

The driver's pool, with a task around each statement against cancellation, cost as much again as the
statement itself. Here whoever is cancelled in mid-statement loses the connection, and nobody else
notices: another is made in its place.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import psycopg

from ledger import database
from ledger.writer import Unavailable

QUERY_PATIENCE_SECONDS = 5.0
MAX_READERS = 8

Rows = Sequence[tuple[Any, ...]]


class Readers:
    """The connections that a process reads through: one at first, more as they are needed."""

    def __init__(self, uri: str, role: str | None) -> None:
        """Read the database at `uri`, acting as `role` where one is given; no I/O yet."""
        self._uri = uri
        self._role = role
        self._turns = asyncio.Semaphore(MAX_READERS)
        self._idle: list[psycopg.AsyncCursor[Any]] = []  # one a connection; the last is taken first
        self._is_closed = False

    async def close(self) -> None:
        """Disconnect; what is under way disconnects when it is done."""
        self._is_closed = True
        while self._idle:
            await self._idle.pop().connection.close()

    async def query(self, statement: str, params: dict[str, Any]) -> Rows:
        """Run one statement; while connections break, another is made, for a while."""
        deadline = time.monotonic() + QUERY_PATIENCE_SECONDS
        await self._have_a_turn()
        try:
            return await self._rows(statement, params, deadline)
        finally:
            self._turns.release()

    async def _have_a_turn(self) -> None:
        if not self._turns.locked():
            await self._turns.acquire()
            return
        try:
            async with asyncio.timeout(QUERY_PATIENCE_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise Unavailable("all who read are busy") from None

    async def _rows(self, statement: str, params: dict[str, Any], deadline: float) -> Rows:
        pause = 0.01
        while True:
            try:
                return await self._attempt(statement, params)
            except database.TRANSIENT as error:
                if time.monotonic() > deadline:
                    raise Unavailable("the database does not answer") from error
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.5)

    async def _attempt(self, statement: str, params: dict[str, Any]) -> Rows:
        if self._is_closed:
            raise Unavailable("the ledger is shutting down")
        if self._idle:
            cursor = self._idle.pop()
        else:
            connection = await database.connect_async(self._uri, role=self._role)
            cursor = connection.cursor(binary=True)
        is_whole = False
        try:
            with database.Answered(cursor.connection):
                await cursor.execute(statement, params, prepare=True)
                rows = await cursor.fetchall()
            is_whole = not self._is_closed
        finally:
            if is_whole:
                self._idle.append(cursor)
            else:
                await cursor.connection.close()
        return rows
