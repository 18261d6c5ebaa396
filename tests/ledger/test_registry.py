"""The registry: which stored events can be read, and how older ones are brought up."""

import copy
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

import msgspec
import pytest

from domain.kernel import Actor, Event, Metadata
from ledger.registry import Registry, StoredRow, UnknownEvent

STREAM = UUID(int=7)
METADATA = Metadata(actor=Actor(id="ann", kind="person", role="agent"), client_id="desk")


class Moved(Event, frozen=True, kw_only=True):
    """A thing was moved; at first it said only where, then a way, of which there may be many."""

    schema_version: ClassVar[int] = 3
    upcasts: ClassVar[dict[int, Any]] = {
        1: lambda state: {"way": state["where"]},
        2: lambda state: {"ways": [state["way"]]},
    }

    ways: list[str]


class Still(Event, frozen=True, kw_only=True):
    """Nothing was moved."""

    schema_version: ClassVar[int] = 1


REGISTRY = Registry([Moved, Still])


def stored(version: int, name: str, schema_version: int, data: str) -> StoredRow:
    at, told = datetime(2026, 1, 2, tzinfo=UTC), msgspec.json.encode(METADATA)
    return StoredRow(0, version, STREAM, version, name, schema_version, at, data.encode(), told)


ROWS = [
    stored(1, "Moved", 1, '{"where": "north"}'),
    stored(2, "Moved", 2, '{"way": "east"}'),
    stored(3, "Moved", 3, '{"ways": ["south", "west"]}'),
    stored(4, "Still", 1, "{}"),
]


def test_events_of_every_schema_version_are_brought_up_however_they_are_read() -> None:
    found = REGISTRY.decode_all(ROWS)
    assert [recorded.event for recorded in found] == [
        Moved(ways=["north"]),
        Moved(ways=["east"]),
        Moved(ways=["south", "west"]),
        Still(),
    ]
    assert [(r.version, r.stream_id, r.metadata) for r in found] == [
        (version, STREAM, METADATA) for version in (1, 2, 3, 4)
    ]
    assert found == [REGISTRY.decode(row) for row in ROWS]
    assert found == REGISTRY.decode_stream(0, STREAM, [(row[1], *row[3:]) for row in ROWS])


@pytest.mark.parametrize("shape", [("Moved", 0), ("Moved", 4), ("Still", 2), ("Praised", 1)])
def test_what_a_newer_release_wrote_is_not_known(shape: tuple[str, int]) -> None:
    assert not REGISTRY.knows(*shape)
    for read in (
        lambda: REGISTRY.require(*shape),
        lambda: REGISTRY.decode(stored(1, *shape, "{}")),
    ):
        with pytest.raises(UnknownEvent, match=f"^{shape[0]} of schema version {shape[1]} is not"):
            read()


def test_it_is_the_same_in_another_process() -> None:
    there = copy.copy(REGISTRY)  # by what it tells `pickle` too
    known = [("Moved", 1), ("Moved", 2), ("Moved", 3), ("Still", 1)]
    assert sorted(there.shapes) == sorted(REGISTRY.shapes) == known
    assert there.decode_all(ROWS) == REGISTRY.decode_all(ROWS)


def test_a_type_without_every_upcast_is_refused() -> None:
    class Moved(Event, frozen=True, kw_only=True):
        schema_version: ClassVar[int] = 3
        upcasts: ClassVar[dict[int, Any]] = {2: lambda state: state}

    with pytest.raises(ValueError, match="Moved lacks upcasts from versions \\[1\\]"):
        Registry([Moved])
