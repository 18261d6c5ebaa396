"""The ledger as an application of the library, and `execute`, its fast asynchronous path.

`repository.get`, `save`, the notification log and the recorder work on the same rows through
the library's own extension points; `execute` shares the mapper and the append with them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    Mapper,
    ProcessRecorder,
    StoredEvent,
    TrackingRecorder,
    Transcoder,
)
from eventsourcing.utils import Environment
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from domain.kernel import Context, Decider, Recorded, Rejected, fold
from ledger import database
from ledger.append import (
    SELECT_COMMAND,
    CommandKey,
    Entry,
    KeyReused,
    Receipt,
    receipt_of,
)
from ledger.ids import partition_of
from ledger.recorder import LedgerStoredEvent, PartitionRecorder
from ledger.registry import COLUMNS, Registry
from ledger.writer import Unavailable, Writer

S = TypeVar("S")

MAX_ATTEMPTS = 50
"""How often a command is decided again because others came first, before it is given up."""


class VersionConflict(Exception):
    """The caller named a version, and the stream is at another one."""

    def __init__(self, expected: int, actual: int) -> None:
        """Remember both."""
        super().__init__(f"expected version {expected}, found {actual}")
        self.expected = expected
        self.actual = actual


class IdempotencyKeyReused(Exception):
    """The key was used before, for something else."""


# --- the library's extension points ---------------------------------------------------------


class RegistryMapper(Mapper[UUID]):
    """Maps `Recorded` envelopes to stored events by the closed registry."""

    def __init__(self, registry: Registry) -> None:
        """Take the registry; there is no transcoder, compressor or cipher beside it."""
        super().__init__(transcoder=_NoTranscoder())
        self._registry = registry

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        """The stored event of an envelope."""
        if not isinstance(domain_event, Recorded):
            raise TypeError(f"the ledger records envelopes, not {type(domain_event).__name__}")
        event = self._registry.encode(domain_event.event, domain_event.metadata)
        return LedgerStoredEvent(
            originator_id=domain_event.stream_id,
            originator_version=domain_event.version,
            topic=event.type,
            state=event.data,
            schema_version=event.schema_version,
            metadata=event.metadata,
        )

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        """The envelope of a stored event."""
        if not isinstance(stored_event, LedgerStoredEvent):
            raise TypeError("not a row of this ledger")
        recorded: Recorded[Any] = self._registry.decode(
            (
                stored_event.partition,
                stored_event.position,
                stored_event.originator_id,
                stored_event.originator_version,
                stored_event.topic,
                stored_event.schema_version,
                stored_event.recorded_at,
                stored_event.state,
                stored_event.metadata,
            )
        )
        return recorded


class _NoTranscoder(Transcoder):
    """Never called: the registry writes and reads bytes itself."""

    def encode(self, obj: Any) -> bytes:
        raise TypeError("the registry encodes events")

    def decode(self, data: bytes) -> Any:
        raise TypeError("the registry decodes events")


class LedgerFactory(InfrastructureFactory[TrackingRecorder]):
    """Makes the library's infrastructure over our tables, on one pool of connections."""

    def __init__(self, env: Environment, pool: ConnectionPool[Any]) -> None:
        """Take the pool that every recorder shares."""
        super().__init__(env)
        self._pool = pool

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        """A recorder of events; there are no snapshots to record."""
        return PartitionRecorder(self._pool)

    def application_recorder(self) -> ApplicationRecorder:
        """A recorder of the first partition."""
        return PartitionRecorder(self._pool)

    def tracking_recorder(
        self, tracking_recorder_class: type[TrackingRecorder] | None = None
    ) -> TrackingRecorder:
        """A recorder of positions."""
        return PartitionRecorder(self._pool)

    def process_recorder(self) -> ProcessRecorder:
        """A recorder of events with positions."""
        return PartitionRecorder(self._pool)

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()


# --- the ledger -----------------------------------------------------------------------------

_SELECT_STREAM = (
    f"SELECT {COLUMNS} FROM ledger.events"  # noqa: S608 - constants only
    " WHERE partition = %(partition)s AND stream_id = %(stream_id)s"
    " AND version <= %(version)s AND recorded_at <= %(recorded_at)s ORDER BY version"
)
_SELECT_EVENT = (
    f"SELECT {COLUMNS} FROM ledger.events"  # noqa: S608 - constants only
    " WHERE partition = %(partition)s AND position = %(position)s"
)


class Ledger(Application[UUID]):
    """The append-only record of everything that happened."""

    def __init__(self, uri: str, registry: Registry, *, role: str | None = None) -> None:
        """Use the database at `uri`, acting as `role` where one is given; no I/O yet."""
        self.registry = registry
        self.partitions = 1
        self._uri = uri
        self._role = role
        self._sync_pool = database.pool(uri, role=role)
        self._readers: AsyncConnectionPool[Any] = database.pool_async(uri, role=role)
        self._writers: list[Writer] = []
        super().__init__()

    def construct_factory(self, env: Environment) -> InfrastructureFactory[TrackingRecorder]:
        """Our factory in the place of the library's."""
        return LedgerFactory(env, self._sync_pool)

    def construct_mapper(self) -> Mapper[UUID]:
        """Our mapper in the place of the library's."""
        return RegistryMapper(self.registry)

    async def open(self) -> None:
        """Connect and begin to take commands."""
        await self._readers.open(wait=True, timeout=30)
        rows = await self.read("SELECT value FROM ledger.settings WHERE name = 'partitions'", {})
        self.partitions = int(rows[0][0])
        self._writers = [
            Writer(self._uri, partition, role=self._role) for partition in range(self.partitions)
        ]
        for writer in self._writers:
            writer.start()

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

    # --- writing ----------------------------------------------------------------------------

    async def execute(
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
    ) -> Receipt:
        """Decide a command on the present state of its stream and append what follows.

        A command whose id is known gets its first answer again. Raises what the decider
        raises, `VersionConflict` where the caller gave a version, `IdempotencyKeyReused`, and
        `Unavailable` where it may be sent again.
        """
        key = CommandKey(context.command_id, digest)
        for _ in range(MAX_ATTEMPTS):
            try:
                entry = await self._decide(
                    decider, stream_id, command, context, key, expected_version, is_new, status
                )
            except (Rejected, VersionConflict):
                # It may be refused only because it was carried out before.
                if (receipt := await self.known(key)) is not None:
                    return receipt
                raise
            if is_new and self.partitions > 1 and (receipt := await self.known(key)) is not None:
                return receipt
            writer = self._writers[partition_of(stream_id, self.partitions)]
            outcome = await writer.append(entry)
            if isinstance(outcome, Receipt):
                return outcome
            if isinstance(outcome, KeyReused):
                raise IdempotencyKeyReused
            if expected_version is not None:
                raise VersionConflict(expected_version, outcome.version)
        raise Unavailable("too many others change the same complaint")

    async def _decide(
        self,
        decider: Decider[S],
        stream_id: UUID,
        command: Any,
        context: Context,
        key: CommandKey,
        expected_version: int | None,
        is_new: bool,
        status: int,
    ) -> Entry:
        history = [] if is_new else await self.history(stream_id)
        version = history[-1].version if history else 0
        if expected_version is not None and expected_version != version:
            raise VersionConflict(expected_version, version)
        events = decider.decide(command, fold(decider, history), context)
        metadata = context.metadata(command)
        return Entry(
            stream_id=stream_id,
            expected_version=version,
            events=[self.registry.encode(event, metadata) for event in events],
            command=key,
            status=status,
        )

    async def known(self, key: CommandKey) -> Receipt | None:
        """The answer that a command got before, in whichever partition; None for a new one."""
        for partition in range(self.partitions):
            rows = await self.read(
                SELECT_COMMAND, {"partition": partition, "command_id": key.command_id}
            )
            if rows:
                known_digest, receipt = receipt_of(partition, rows[0])
                if known_digest != key.digest:
                    raise IdempotencyKeyReused
                return receipt
        return None

    # --- reading ----------------------------------------------------------------------------

    async def history(
        self,
        stream_id: UUID,
        *,
        version: int | None = None,
        recorded_by: datetime | None = None,
    ) -> list[Recorded[Any]]:
        """The events of a stream in order, up to a version or a time of recording."""
        rows = await self.read(
            _SELECT_STREAM,
            {
                "partition": partition_of(stream_id, self.partitions),
                "stream_id": stream_id,
                "version": 2**31 - 1 if version is None else version,
                "recorded_at": recorded_by or "infinity",
            },
        )
        return [self.registry.decode(row) for row in rows]

    async def event_at(self, partition: int, position: int) -> Recorded[Any] | None:
        """The event at a place in the ledger."""
        rows = await self.read(_SELECT_EVENT, {"partition": partition, "position": position})
        return self.registry.decode(rows[0]) if rows else None

    async def heads(self) -> dict[int, int]:
        """The last position of each partition."""
        rows = await self.read("SELECT partition, position FROM ledger.heads", {})
        return dict(rows)

    async def read(self, statement: str, params: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
        """Read rows; a connection that broke while idle is replaced once."""
        for is_last in (False, True):
            try:
                async with self._readers.connection(timeout=5) as connection:
                    cursor = await connection.execute(
                        statement, params, prepare=True, binary=True
                    )
                    rows: Sequence[tuple[Any, ...]] = await cursor.fetchall()
                    return rows
            except database.TRANSIENT as error:
                if is_last:
                    raise Unavailable("the database does not answer") from error
        raise AssertionError("unreachable")
