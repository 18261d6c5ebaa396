"""A command that others came before too often is decided while nobody else can append.

The writer decides first and finds out when it appends whether others came first. Beside a process
that is a millisecond faster that is so each time: of two that worked on one complaint the slower
one got a single command through in four seconds. So after some attempts the head of the partition
is locked first, which is the turn of a process, and then read, decided and appended.
"""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from ledger import database
from ledger.append import append_decided
from ledger.deciding import decided, folded
from ledger.entry import Entry, Outcome, Rows, Statement
from ledger.ids import partition_of
from ledger.in_turn import Turns
from ledger.registry import Registry
from ledger.statements import SELECT_STREAM
from ledger.states import States
from ledger.together import Intent
from ledger.writer import Unavailable


class Insisting:
    """Carries out commands one by one, each on a connection of its own."""

    def __init__(
        self,
        uri: str,
        role: str | None,
        registry: Registry,
        states: States,
        on_append: Callable[[int, float], None],
    ) -> None:
        """Append to the database at `uri`; `on_append` is told of it as by the writer."""
        self._uri = uri
        self._role = role
        self._registry = registry
        self._states = states
        self._on_append = on_append
        self._turns = Turns()  # of partitions

    async def execute(self, intent: Intent, partitions: int) -> Outcome:
        """What comes of a command; raises what its decider raises, and `Unavailable`."""
        partition = partition_of(intent.stream_id, partitions)
        async with self._turns.of(UUID(int=partition)):
            begun = time.monotonic()
            try:
                outcome = await self._append(intent, partition)
            except Exception as error:
                if database.passes(error):
                    raise Unavailable("the database takes nothing at present") from error
                raise
            self._on_append(1, time.monotonic() - begun)
            return outcome

    async def _append(self, intent: Intent, partition: int) -> Outcome:
        decider, stream_id, command, context, _, expected_version, _, status = intent
        known = self._states.get(decider, stream_id)

        def decide(rows: Rows) -> Entry:
            history = self._registry.decode_stream(partition, stream_id, rows)
            base = folded(decider, known, history)
            events = decided(self._registry, decider, base, command, context, expected_version)
            return Entry(stream_id, base.version, events, intent.key, status)

        asked: dict[str, Any] = {"partition": partition, "stream_id": stream_id}
        reading = Statement(SELECT_STREAM, {**asked, "after": known.version or -1})
        connection = await database.connect_writer(self._uri, role=self._role)
        try:
            cursor = connection.cursor(binary=True)
            with database.Answered(connection):
                return await database.run_async(cursor, append_decided(partition, reading, decide))
        finally:
            await connection.close()
