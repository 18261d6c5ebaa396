"""Streams that a rebuild parks: noted beside the generation that it fills, and parked in the view
in the moment in which that one serves. Until then they are no concern of live work."""

from collections.abc import Mapping
from uuid import UUID

from projections.aside import Aside
from projections.halting import told
from projections.reader import Connection

_NOTE = """
INSERT INTO views.rebuild_parked AS p
    (view, partition, stream_id, position, type, cause, parked_at)
SELECT %(view)s, partition, stream_id, position, type, %(cause)s, ledger.clock()
FROM ledger.events WHERE partition = %(partition)s AND position = %(position)s
ON CONFLICT (partition, view, stream_id) DO UPDATE
SET position = EXCLUDED.position, type = EXCLUDED.type, cause = EXCLUDED.cause
WHERE EXCLUDED.position < p.position"""

_NOTED = """
SELECT partition, stream_id, position FROM views.rebuild_parked WHERE view = %(view)s"""

_PARK = """
INSERT INTO views.parked (view, partition, stream_id, position, type, cause, parked_at)
SELECT view, partition, stream_id, position, type, cause, parked_at
FROM views.rebuild_parked WHERE view = %(view)s
ON CONFLICT DO NOTHING"""

Parked = Mapping[tuple[int, UUID], int]
"""Since which position, by partition and stream."""


def note(connection: Connection, view: str, place: tuple[int, int], error: Exception) -> None:
    """Park the stream of the event at a place (partition, position) that cannot be taken in."""
    partition, position = place
    asked = {"view": view, "partition": partition, "position": position, "cause": told(error)}
    connection.execute(_NOTE, asked)


def noted(connection: Connection, view: str) -> Parked:
    """What a rebuild has parked so far."""
    rows = connection.execute(_NOTED, {"view": view}).fetchall()
    return {(partition, stream): position for partition, stream, position in rows}


def park(connection: Connection, view: str) -> None:
    """Park in the view what its next generation passes over, as that one begins to serve."""
    connection.execute(_PARK, {"view": view})


def with_parked(asides: Mapping[int, Aside], parked: Parked) -> dict[int, Aside]:
    """What a view leaves out, and what its rebuild has parked besides."""
    return {
        partition: Aside(
            aside.skipped,
            {**aside.parked, **{s: since for (p, s), since in parked.items() if p == partition}},
        )
        for partition, aside in asides.items()
    }


def without_parked(asides: Mapping[int, Aside], parked: Parked) -> dict[int, Aside]:
    """What a view leaves out, but for what its rebuild has parked at the same place."""
    return {
        partition: Aside(
            aside.skipped,
            {s: since for s, since in aside.parked.items() if parked.get((partition, s)) != since},
        )
        for partition, aside in asides.items()
    }
