"""The library's extension points: our mapper and our infrastructure in the place of its own."""

from typing import Any, Self
from uuid import UUID

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
from psycopg_pool import ConnectionPool

from domain.kernel import Recorded
from ledger.recorder import LedgerStoredEvent, PartitionRecorder
from ledger.registry import Registry


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

    def __enter__(self) -> Self:
        """Open the connections, for a ledger that is used by the library's ways alone."""
        self._pool.open()
        return super().__enter__()

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()
