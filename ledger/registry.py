"""The closed set of event types: how each is written and read, and how old ones are brought up."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from domain.kernel import Metadata, Recorded
from ledger.entry import NewEvent

Upcast = Callable[[dict[str, Any]], dict[str, Any]]


class UnknownEvent(Exception):
    """A stored event is of a type or a schema version that this release does not know."""


class StoredRow(NamedTuple):
    """A row of `ledger.events`, in the order in which every reader selects it."""

    partition: int
    position: int
    stream_id: UUID
    version: int
    type: str
    schema_version: int
    recorded_at: datetime
    data: bytes
    metadata: bytes


COLUMNS = ", ".join(StoredRow._fields)


class Registry:
    """Event types by their permanent name; a name in the database never imports anything."""

    def __init__(self, types: Iterable[type[Any]]) -> None:
        """Take every event type there is, and refuse a type whose upcasts leave a gap."""
        self._types: dict[str, type[Any]] = {}
        self._decoders: dict[str, msgspec.json.Decoder[Any]] = {}
        self._decode_present: dict[tuple[str, int], Callable[[bytes], Any]] = {}
        for event_type in types:
            name = event_type.__name__
            if name in self._types:
                raise ValueError(f"two event types are called {name}")
            upcasts: dict[int, Upcast] = getattr(event_type, "upcasts", {})
            missing = set(range(1, event_type.schema_version)) - upcasts.keys()
            if missing:
                raise ValueError(f"{name} lacks upcasts from versions {sorted(missing)}")
            self._types[name] = event_type
            decoder = self._decoders[name] = msgspec.json.Decoder(event_type)
            self._decode_present[name, event_type.schema_version] = decoder.decode
        self._encode = msgspec.json.Encoder().encode
        self._decode_metadata = msgspec.json.Decoder(Metadata).decode

    def __reduce__(self) -> tuple[type["Registry"], tuple[list[type[Any]]]]:
        """What another process makes it from."""
        return Registry, (list(self._types.values()),)

    @property
    def types(self) -> dict[str, type[Any]]:
        """The event types by name."""
        return dict(self._types)

    def knows(self, name: str, schema_version: int) -> bool:
        """Whether an event that is stored like this can be read by this release."""
        event_type = self._types.get(name)
        return event_type is not None and 1 <= schema_version <= event_type.schema_version

    def require(self, name: str, schema_version: int) -> None:
        """Raise `UnknownEvent` for what a newer release wrote."""
        if not self.knows(name, schema_version):
            raise UnknownEvent(f"schema version {schema_version} is not known to this release")

    def encode(self, event: Any, metadata: Metadata) -> NewEvent:
        """An event as it is stored; a type that was not registered is refused."""
        name = type(event).__name__
        if self._types.get(name) is not type(event):
            raise UnknownEvent(f"{name} is not a registered event type")
        return NewEvent(
            name, type(event).schema_version, self._encode(event), self._encode(metadata)
        )

    def decode_event(self, name: str, schema_version: int, data: bytes) -> Any:
        """The event that was stored, brought up to the present schema version."""
        event_type = self._types.get(name)
        if event_type is None:
            raise UnknownEvent(f"{name} is not a registered event type")
        if schema_version == event_type.schema_version:
            return self._decoders[name].decode(data)
        if not 1 <= schema_version < event_type.schema_version:
            raise UnknownEvent(
                f"{name} of schema version {schema_version} is newer than this release"
                f" (it knows {event_type.schema_version})"
            )
        state: dict[str, Any] = msgspec.json.decode(data)
        for version in range(schema_version, event_type.schema_version):
            state = event_type.upcasts[version](state)
        return msgspec.convert(state, event_type)

    def decode_stream(
        self, partition: int, stream_id: UUID, rows: Iterable[tuple[Any, ...]]
    ) -> list[Recorded[Any]]:
        """The events of one stream, from rows that do not name it: all columns but those two."""
        return [
            self._recorded(
                partition, position, stream_id, version, name, schema, at, data, metadata
            )
            for position, version, name, schema, at, data, metadata in rows
        ]

    def decode(self, row: StoredRow | tuple[Any, ...]) -> Recorded[Any]:
        """The envelope with its event, from a row of `ledger.events`."""
        return self._recorded(*row)

    def _recorded(
        self,
        partition: int,
        position: int,
        stream_id: UUID,
        version: int,
        name: str,
        schema_version: int,
        at: datetime,
        data: bytes,
        metadata: bytes,
    ) -> Recorded[Any]:
        decode = self._decode_present.get((name, schema_version))  # nearly every event
        return Recorded(
            partition=partition,
            position=position,
            stream_id=stream_id,
            version=version,
            recorded_at=at,
            event=decode(data) if decode else self.decode_event(name, schema_version, data),
            metadata=self._decode_metadata(metadata),
        )
