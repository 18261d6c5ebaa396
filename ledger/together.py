"""Many commands at once: their streams read with one statement, their events appended together."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple
from uuid import UUID

from domain.kernel import Context, Decider, Recorded, Rejected
from ledger.deciding import VersionConflict, WrongStream, decided, folded
from ledger.entry import CommandKey, Entry, Receipt
from ledger.ids import partition_of
from ledger.known import KnownCommands, Query
from ledger.registry import Registry
from ledger.states import Baseline, States
from ledger.writer import Unavailable, Writer

# OFFSET 0 keeps it to the index for streams, as when one is read alone, whatever the planner
# believes of the size of the table.
_SELECT_STREAMS = """
SELECT e.partition, e.position, e.stream_id, e.version, e.type, e.schema_version, e.recorded_at,
       e.data, e.metadata
FROM unnest(%(partitions)b::int[], %(stream_ids)b::uuid[], %(after)b::int[])
         AS s (partition, stream_id, after)
     CROSS JOIN LATERAL (
         SELECT partition, position, stream_id, version, type, schema_version, recorded_at, data,
                metadata
         FROM ledger.events AS e
         WHERE e.partition = s.partition AND e.stream_id = s.stream_id AND e.version > s.after
         OFFSET 0) AS e
ORDER BY e.stream_id, e.version"""


class Intent(NamedTuple):
    """A command that is to be carried out, with all that `Ledger.execute` is told of it."""

    decider: Decider[Any]
    stream_id: UUID
    command: Any
    context: Context
    digest: bytes
    expected_version: int | None = None
    is_new: bool = False
    status: int = 200

    @property
    def key(self) -> CommandKey:
        """What it is known by, for ever."""
        return CommandKey(self.context.command_id, self.digest)


class Together:
    """Carries out many commands at once, as far as nothing is in their way."""

    def __init__(
        self,
        query: Query,
        registry: Registry,
        states: States,
        known: KnownCommands,
        writers: Sequence[Writer],
    ) -> None:
        """Read by this query and append by these writers, one for each partition."""
        self._query = query
        self._registry = registry
        self._states = states
        self._known = known
        self._writers = writers

    async def execute(self, intents: Sequence[Intent]) -> list[Receipt | None]:
        """Carry out commands on different streams together, sharing look-ups and commits.

        None for one that does not go as plainly as most do: it is refused, or was sent before,
        or others came first. It has changed nothing, and `execute` finds out what it comes to.
        """
        bases = await self._present_all(intents)
        known = set[UUID]()
        if len(self._writers) > 1:  # the append looks into its own partition only
            ids = [intent.context.command_id for intent in intents]
            known = set(await self._known.rows_of(ids, len(self._writers)))
        entries: dict[int, list[tuple[int, Entry]]] = defaultdict(list)
        for index, (intent, base) in enumerate(zip(intents, bases, strict=True)):
            if base is None or (key := intent.key).command_id in known:
                continue
            decider, stream_id, command, context, _, expected_version, _, status = intent
            try:
                events = decided(self._registry, decider, base, command, context, expected_version)
            except (Rejected, VersionConflict):
                continue
            entry = Entry(stream_id, base.version, events, key, status)
            entries[partition_of(stream_id, len(self._writers))].append((index, entry))
        receipts: list[Receipt | None] = [None] * len(intents)

        async def append(partition: int) -> None:
            sent = entries[partition]
            # What could not be appended now is for `execute`, too; that tells what was in the way.
            with suppress(Unavailable):
                outcomes = await self._writers[partition].append_all([entry for _, entry in sent])
                for (index, _), outcome in zip(sent, outcomes, strict=True):
                    receipts[index] = outcome if isinstance(outcome, Receipt) else None

        await asyncio.gather(*map(append, entries))
        return receipts

    async def _present_all(self, intents: Sequence[Intent]) -> list[Baseline | None]:
        """What their streams come to now, read at once; None for a stream of another kind."""
        streams = {i.stream_id: i.decider for i in intents if not i.is_new}
        known = {stream_id: self._states.get(of, stream_id) for stream_id, of in streams.items()}
        asked = {
            stream_id: (partition_of(stream_id, len(self._writers)), base.version or -1)
            for stream_id, base in known.items()
        }
        histories: dict[UUID, list[Recorded[Any]]] = defaultdict(list)
        for row in await self._read(asked):
            histories[row[2]].append(self._registry.decode(row))

        def present(decider: Decider[Any], stream_id: UUID) -> Baseline | None:
            try:
                base = folded(decider, known[stream_id], histories[stream_id])
            except WrongStream:
                return None
            self._states.keep(decider, stream_id, base)
            return base

        return [
            Baseline(0, i.decider.initial) if i.is_new else present(i.decider, i.stream_id)
            for i in intents
        ]

    async def _read(self, asked: Mapping[UUID, tuple[int, int]]) -> Sequence[tuple[Any, ...]]:
        """The rows of these streams, each in order: of a partition, after a version."""
        if not asked:
            return ()
        params = {
            "partitions": [partition for partition, _ in asked.values()],
            "stream_ids": list(asked),
            "after": [after for _, after in asked.values()],
        }
        return await self._query(_SELECT_STREAMS, params)
