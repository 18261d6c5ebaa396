"""Commands that were given before: looked up together for all who ask at the same moment.

In several partitions each command asks for its id in all of them before it is appended; one by
one, those look-ups took three quarters of the time of a bulk request.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any
from uuid import UUID

MOST_AT_ONCE = 256

_SELECT = """
SELECT partition, command_id, digest, status, stream_id, version, position, events, recorded_at
FROM ledger.commands
WHERE partition = ANY(%(partitions)s) AND command_id = ANY(%(command_ids)s)"""

_SELECT_REGISTERED = (
    "SELECT command_id, stream_id FROM ledger.commands"
    " WHERE partition = ANY(%(partitions)s) AND command_id = ANY(%(command_ids)s) AND status = 201"
)

Row = tuple[Any, ...]
Query = Callable[[str, dict[str, Any]], Awaitable[Sequence[Row]]]


class KnownCommands:
    """Looks commands up; who asks while a look-up is under way shares the next one."""

    def __init__(self, query: Query) -> None:
        """Look up by this query."""
        self._query = query
        self._asked: list[tuple[UUID, asyncio.Future[list[Row]]]] = []
        self._task: asyncio.Task[None] | None = None

    async def rows(self, command_id: UUID, partitions: int) -> list[Row]:
        """What is remembered of a command, a row for each partition that knows it."""
        future: asyncio.Future[list[Row]] = asyncio.get_running_loop().create_future()
        self._asked.append((command_id, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look_up(partitions))
        return await future

    async def rows_of(
        self, command_ids: Collection[UUID], partitions: int
    ) -> dict[UUID, list[Row]]:
        """What is remembered of many commands that travel together anyway."""
        params = {"partitions": list(range(partitions)), "command_ids": list(command_ids)}
        return _by_command(await self._query(_SELECT, params))

    async def registered(self, command_ids: Collection[UUID], partitions: int) -> dict[UUID, UUID]:
        """The streams that these commands made, of those that are known and made one."""
        if not command_ids:
            return {}
        params = {"partitions": list(range(partitions)), "command_ids": list(command_ids)}
        return dict(await self._query(_SELECT_REGISTERED, params))

    async def _look_up(self, partitions: int) -> None:
        while self._asked:
            asked, self._asked = self._asked[:MOST_AT_ONCE], self._asked[MOST_AT_ONCE:]
            waiting = [(one, future) for one, future in asked if not future.done()]
            try:
                found = await self.rows_of({one for one, _ in waiting}, partitions)
            except Exception as error:
                for _, future in waiting:
                    if not future.done():
                        future.set_exception(error)
                continue
            for command_id, future in waiting:
                if not future.done():
                    future.set_result(found[command_id])


def _by_command(rows: Sequence[Row]) -> dict[UUID, list[Row]]:
    found: dict[UUID, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[1]].append(row)
    return found
