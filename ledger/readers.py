"""Reading: a pool of connections, and a query that outlives a broken one."""

import asyncio
from collections.abc import Sequence
from typing import Any

from psycopg_pool import AsyncConnectionPool

from ledger import database
from ledger.writer import Unavailable

QUERY_PATIENCE_SECONDS = 5.0


class Readers:
    """The connections that a process reads through."""

    def __init__(self, uri: str, role: str | None) -> None:
        """Read the database at `uri`, acting as `role` where one is given; no I/O yet."""
        self._pool: AsyncConnectionPool[Any] = database.pool_async(uri, role=role)

    async def open(self) -> None:
        """Connect."""
        await self._pool.open(wait=True, timeout=30)

    async def close(self) -> None:
        """Disconnect."""
        await self._pool.close()

    async def query(self, statement: str, params: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
        """Run one statement; while connections break, another is taken, for a while.

        A statement under way is not broken off with whoever waits for it, such as the request of
        a client that has gone: its connection would be lost (tests/ledger/test_queries.py).
        """
        return await asyncio.shield(asyncio.ensure_future(self._rows(statement, params)))

    async def _rows(self, statement: str, params: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
        loop = asyncio.get_running_loop()
        deadline, pause = loop.time() + QUERY_PATIENCE_SECONDS, 0.01
        while True:
            try:
                async with self._pool.connection(timeout=QUERY_PATIENCE_SECONDS) as connection:
                    with database.answered(connection):
                        cursor = await connection.execute(
                            statement, params, prepare=True, binary=True
                        )
                        rows: Sequence[tuple[Any, ...]] = await cursor.fetchall()
                        return rows
            except database.TRANSIENT as error:
                if loop.time() > deadline:
                    raise Unavailable("the database does not answer") from error
                await asyncio.sleep(pause)
                pause = min(pause * 2, 0.5)
