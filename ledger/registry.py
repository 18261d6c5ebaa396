"""The closed set of event types: how each is written and read, and how old ones are brought up."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from domain.kernel import Metadata, Recorded
from ledger.entry import NewEvent

Upcast = Callable[[dict[str, Any]], dict[str, Any]]


class UnknownEvent(Exception):
    """A stored event is of a type or a schema version that this release does not know."""

    @classmethod
    def of(cls, name: str, schema_version: int) -> "UnknownEvent":
        """Say which one."""
        return cls(f"{name} of schema version {schema_version} is not known to this release")


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


class _Shapes(dict[tuple[str, int], Callable[[bytes], Any]]):
    """How an event is read, by its type and schema version."""

    def __missing__(self, shape: tuple[str, int]) -> Callable[[bytes], Any]:
        raise UnknownEvent.of(*shape)


class Registry:
    """Event types by their permanent name; a name in the database never imports anything."""

    def __init__(self, types: Iterable[type[Any]]) -> None:
        """Take every event type there is, and refuse a type whose upcasts leave a gap."""
        self._types: dict[str, type[Any]] = {}
        self._shapes = _Shapes()
        for event_type in types:
            name, present = event_type.__name__, event_type.schema_version
            if name in self._types:
                raise ValueError(f"two event types are called {name}")
            upcasts: dict[int, Upcast] = getattr(event_type, "upcasts", {})
            missing = set(range(1, present)) - upcasts.keys()
            if missing:
                raise ValueError(f"{name} lacks upcasts from versions {sorted(missing)}")
            self._types[name] = event_type
            self._shapes[name, present] = msgspec.json.Decoder(event_type).decode
            for version in range(1, present):
                self._shapes[name, version] = partial(_brought_up, event_type, version)
        self._encode = msgspec.json.Encoder().encode
        self._decode_metadata = msgspec.json.Decoder(Metadata).decode

    def __reduce__(self) -> tuple[type["Registry"], tuple[list[type[Any]]]]:
        """What another process makes it from."""
        return Registry, (list(self._types.values()),)

    @property
    def types(self) -> dict[str, type[Any]]:
        """The event types by name."""
        return dict(self._types)

    @property
    def shapes(self) -> list[tuple[str, int]]:
        """What can be read: every type with each of its schema versions."""
        return list(self._shapes)

    def knows(self, name: str, schema_version: int) -> bool:
        """Whether an event that is stored like this can be read by this release."""
        return (name, schema_version) in self._shapes

    def require(self, name: str, schema_version: int) -> None:
        """Raise `UnknownEvent` for what a newer release wrote."""
        if not self.knows(name, schema_version):
            raise UnknownEvent.of(name, schema_version)

    def encode(self, event: Any, metadata: Metadata) -> NewEvent:
        """An event as it is stored; a type that was not registered is refused."""
        name = type(event).__name__
        if self._types.get(name) is not type(event):
            raise UnknownEvent(f"{name} is not a registered event type")
        return NewEvent(
            name, type(event).schema_version, self._encode(event), self._encode(metadata)
        )

    def decode(self, row: StoredRow | tuple[Any, ...]) -> Recorded[Any]:
        """The envelope with its event, brought up to date, from a row of `ledger.events`."""
        [recorded] = self.decode_all((row,))
        return recorded

    def decode_all(self, rows: Iterable[StoredRow | tuple[Any, ...]]) -> list[Recorded[Any]]:
        """The same of many rows."""
        shapes, decode_metadata = self._shapes, self._decode_metadata
        return [
            Recorded(
                partition=partition,
                position=position,
                stream_id=stream_id,
                version=version,
                recorded_at=recorded_at,
                event=shapes[name, schema_version](data),
                metadata=decode_metadata(metadata),
            )
            for (
                partition,
                position,
                stream_id,
                version,
                name,
                schema_version,
                recorded_at,
                data,
                metadata,
            ) in rows
        ]

    def decode_stream(
        self, partition: int, stream_id: UUID, rows: Iterable[tuple[Any, ...]]
    ) -> list[Recorded[Any]]:
        """The events of one stream, from rows that do not name it: all columns but those two.

        (Written out once more: a call for each event would take a tenth of the time.)
        """
        shapes, decode_metadata = self._shapes, self._decode_metadata
        return [
            Recorded(
                partition=partition,
                position=position,
                stream_id=stream_id,
                version=version,
                recorded_at=recorded_at,
                event=shapes[name, schema_version](data),
                metadata=decode_metadata(metadata),
            )
            for position, version, name, schema_version, recorded_at, data, metadata in rows
        ]


def _brought_up(event_type: type[Any], schema_version: int, data: bytes) -> Any:
    """An event of an older schema version, as it would be stored today."""
    state: dict[str, Any] = msgspec.json.decode(data)
    for version in range(schema_version, event_type.schema_version):
        state = event_type.upcasts[version](state)
    return msgspec.convert(state, event_type)
