"""The ledger as an application of the library, and `execute`, its fast asynchronous path.

`repository.get`, `save`, the notification log and the recorder work on the same rows through
the library's own extension points; `execute` shares the mapper and the append with them.
"""

from collections.abc import Callable, Collection, Coroutine, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.persistence import InfrastructureFactory, Mapper, TrackingRecorder
from eventsourcing.utils import Environment

from domain.kernel import Context, Decider, Recorded, Rejected
from ledger import database
from ledger.append import receipt_of
from ledger.deciding import VersionConflict, decided, folded
from ledger.entry import CommandKey, Entry, KeyReused, Preview, Receipt
from ledger.ids import partition_of
from ledger.in_turn import Turns
from ledger.insisting import Insisting
from ledger.known import KnownCommands
from ledger.library import LedgerFactory, RegistryMapper
from ledger.readers import Readers
from ledger.registry import COLUMNS, Registry
from ledger.statements import SELECT_STREAM
from ledger.states import Baseline, States
from ledger.together import Intent, Together
from ledger.writer import Unavailable, Writer

S = TypeVar("S")

MAX_ATTEMPTS = 3
"""How often a command is decided again because others came first, before it insists.

They are of other processes, or lines of bulk: those of this one take turns.
"""


class IdempotencyKeyReused(Exception):
    """The key was used before, for something else."""


# --- the ledger -----------------------------------------------------------------------------

_SELECT_STREAM_AS_OF = SELECT_STREAM.replace(
    "ORDER BY", "AND version <= %(version)b AND recorded_at <= %(recorded_at)s ORDER BY"
)
_SELECT_EVENT = (
    f"SELECT {COLUMNS} FROM ledger.events"
    " WHERE partition = %(partition)s AND position = %(position)s"
)


class Ledger(Application[UUID]):
    """The append-only record of everything that happened."""

    def __init__(
        self,
        uri: str,
        registry: Registry,
        *,
        role: str | None = None,
        on_append: Callable[[], None] = lambda: None,
    ) -> None:
        """Use the database at `uri`, acting as `role` where one is given; no I/O yet.

        `on_append` is told after each commit of this process: it wakes readers. `on_commit` may
        be set to be told how many entries shared it and how many seconds it took.
        """
        self.registry = registry
        self._on_append = on_append
        self.on_commit: Callable[[int, float], None] = lambda entries, seconds: None
        self.partitions = 1
        self._uri = uri
        self._role = role
        self._sync_pool = database.pool(uri, role=role)
        self._readers = Readers(uri, role)
        self._writers: list[Writer] = []
        self._known = KnownCommands(self._readers.query)
        self._states = States()
        self._turns = Turns()
        self._insisting = Insisting(uri, role, registry, self._states, self._appended)
        super().__init__()

    def construct_factory(self, env: Environment) -> InfrastructureFactory[TrackingRecorder]:
        """Our factory in the place of the library's."""
        return LedgerFactory(env, self._sync_pool)

    def construct_mapper(self) -> Mapper[UUID]:
        """Our mapper in the place of the library's."""
        return RegistryMapper(self.registry)

    async def open(self) -> None:
        """Connect and begin to take commands."""
        self._sync_pool.open()
        rows = await self.query("SELECT value FROM ledger.settings WHERE name = 'partitions'", {})
        self.partitions = int(rows[0][0])
        self._writers = [
            Writer(self._uri, partition, role=self._role, on_append=self._appended)
            for partition in range(self.partitions)
        ]
        for writer in self._writers:
            writer.start()
        self._together = Together(
            self._readers.query, self.registry, self._states, self._known, self._writers
        )

    async def aclose(self) -> None:
        """Stop taking commands and disconnect."""
        for writer in self._writers:
            await writer.close()
        await self._readers.close()
        self.close()

    @property
    def waiting(self) -> int:
        """How many commands wait to be appended."""
        return sum(writer.waiting for writer in self._writers)

    def _appended(self, entries: int, seconds: float) -> None:
        self._on_append()
        self.on_commit(entries, seconds)

    # --- writing ----------------------------------------------------------------------------

    def execute(
        self,
        decider: Decider[S],
        stream_id: UUID,
        command: Any,
        context: Context,
        *,
        digest: bytes,
        expected_version: int | None = None,
        is_new: bool = False,
        status: int = 200,
    ) -> Coroutine[Any, Any, Receipt]:
        """Decide a command on the present state of its stream and append what follows.

        A command whose id is known gets its first answer again. Raises what the decider
        raises, `VersionConflict` where the caller gave a version, `IdempotencyKeyReused`, and
        `Unavailable` where it may be sent again.
        """
        intent = decider, stream_id, command, context, digest, expected_version, is_new, status
        return self._carry_out(*intent) if is_new else self._in_turn(Intent(*intent))

    async def _in_turn(self, intent: Intent) -> Receipt:
        async with self._turns.of(intent.stream_id):
            return await self._carry_out(*intent)

    async def _carry_out(
        self,
        decider: Decider[S],
        stream_id: UUID,
        command: Any,
        context: Context,
        digest: bytes,
        expected_version: int | None,
        is_new: bool,
        status: int,
    ) -> Receipt:
        key = CommandKey(context.command_id, digest)
        for _ in range(MAX_ATTEMPTS):
            base = Baseline(0, decider.initial)
            if not is_new:
                base = await self._present(decider, stream_id)
            try:
                events = decided(self.registry, decider, base, command, context, expected_version)
            except (Rejected, VersionConflict):
                # It may be refused only because it was carried out before.
                if (receipt := await self.known(key)) is not None:
                    return receipt
                raise
            # The append looks into its own partition only; the key may be known in another.
            if self.partitions > 1 and (receipt := await self.known(key)) is not None:
                return receipt
            writer = self._writers[partition_of(stream_id, self.partitions)]
            outcome = await writer.append(Entry(stream_id, base.version, events, key, status))
            if isinstance(outcome, Receipt):
                return outcome
            if isinstance(outcome, KeyReused):
                raise IdempotencyKeyReused
            if expected_version is not None:
                raise VersionConflict(expected_version, outcome.version)
            if outcome.version < base.version:  # an older ledger was put in the place of this one
                self._states.forget(decider, stream_id)
        return await self._insist(
            Intent(decider, stream_id, command, context, digest, expected_version, is_new, status)
        )

    async def _insist(self, intent: Intent) -> Receipt:
        try:
            outcome = await self._insisting.execute(intent, self.partitions)
        except (Rejected, VersionConflict):
            if (receipt := await self.known(intent.key)) is not None:
                return receipt
            raise
        if isinstance(outcome, Receipt):
            return outcome
        if isinstance(outcome, KeyReused):
            raise IdempotencyKeyReused
        self._states.forget(intent.decider, intent.stream_id)
        raise Unavailable("an older ledger was put in the place of this one")

    async def execute_all(self, intents: Sequence[Intent]) -> list[Receipt | None]:
        """Carry out commands on different streams together; None for what `execute` has to do."""
        return await self._together.execute(intents)

    async def preview(
        self,
        decider: Decider[S],
        stream_id: UUID,
        command: Any,
        context: Context,
        *,
        digest: bytes,
        expected_version: int | None = None,
        is_new: bool = False,
    ) -> Preview:
        """What `execute` would lead to now, or raises what it would; writes nothing."""
        receipt = await self.known(CommandKey(context.command_id, digest))
        if receipt is not None:
            return Preview.of(receipt)
        history = [] if is_new else await self.history(stream_id)
        base = folded(decider, Baseline(0, decider.initial), history)
        events = decided(self.registry, decider, base, command, context, expected_version)
        names = tuple(event.type for event in events)
        if not history:
            return Preview(stream_id=None, version=0, events=names)
        last = history[-1]
        return Preview(
            stream_id=stream_id,
            version=last.version,
            partition=last.partition,
            position=last.position,
            events=names,
        )

    async def _present(self, decider: Decider[S], stream_id: UUID) -> Baseline:
        """What a stream comes to now, read on from what was known of it."""
        base = self._states.get(decider, stream_id)
        base = folded(decider, base, await self.history(stream_id, after=base.version or -1))
        self._states.keep(decider, stream_id, base)
        return base

    async def known(self, key: CommandKey) -> Receipt | None:
        """The answer that a command got before, in whichever partition; None for a new one."""
        rows = await self._known.rows(key.command_id, self.partitions)
        # In several partitions, where two were sent at the same moment.
        answers = dict(receipt_of(row[0], row[1:]) for row in rows)
        if answers and key.digest not in answers:
            raise IdempotencyKeyReused
        return answers.get(key.digest)

    async def registered(self, command_ids: Collection[UUID]) -> dict[UUID, UUID]:
        """The streams that these commands made, of those that are known and made one."""
        return await self._known.registered(command_ids, self.partitions)

    # --- reading ----------------------------------------------------------------------------

    async def history(
        self,
        stream_id: UUID,
        *,
        after: int = -1,
        version: int | None = None,
        recorded_by: datetime | None = None,
    ) -> list[Recorded[Any]]:
        """The events of a stream in order, after a version, up to one or a time of recording."""
        partition = partition_of(stream_id, self.partitions)
        statement, params = SELECT_STREAM, {"partition": partition, "stream_id": stream_id}
        params |= {"after": after}
        if version is not None or recorded_by is not None:
            statement = _SELECT_STREAM_AS_OF
            params["version"] = 2**31 - 1 if version is None else version
            params["recorded_at"] = recorded_by or "infinity"
        rows = await self.query(statement, params)
        return self.registry.decode_stream(partition, stream_id, rows)

    async def event_at(self, partition: int, position: int) -> Recorded[Any] | None:
        """The event at a place in the ledger."""
        rows = await self.query(_SELECT_EVENT, {"partition": partition, "position": position})
        return self.registry.decode(rows[0]) if rows else None

    async def heads(self) -> dict[int, int]:
        """The last position of each partition."""
        rows = await self.query("SELECT partition, position FROM ledger.heads", {})
        return dict(rows)

    async def query(self, statement: str, params: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
        """Run one statement; while connections break, another is taken, for a while."""
        return await self._readers.query(statement, params)
