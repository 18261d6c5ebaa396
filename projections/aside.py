"""What a view leaves out in a partition: events that a person skipped, streams that are parked.

Live work and rebuilds ask the same `Aside`, so that they leave out the same.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple
from uuid import UUID

from projections.reader import Connection

_SKIPPED = """
SELECT partition, position FROM views.skipped
WHERE view = %(view)s AND partition = ANY(%(partitions)s)"""

_PARKED = """
SELECT partition, stream_id, position FROM views.parked
WHERE view = %(view)s AND partition = ANY(%(partitions)s)"""


class Aside(NamedTuple):
    """What a view leaves out in one partition."""

    skipped: frozenset[int] = frozenset()
    parked: Mapping[UUID, int] = {}  # since which position, by stream

    def takes(self, stream_id: UUID, position: int) -> bool:
        """Whether the event of a stream at a position is taken in."""
        since = self.parked.get(stream_id)
        return position not in self.skipped and (since is None or position < since)

    @property
    def takes_all(self) -> bool:
        """Whether nothing is left out: nearly always, and not worth asking event by event."""
        return not self.skipped and not self.parked


NOTHING = Aside()


def aside_of(connection: Connection, view: str, partitions: Collection[int]) -> dict[int, Aside]:
    """What a view or policy leaves out, by partition."""
    asked = {"view": view, "partitions": list(partitions)}
    skipped: dict[int, set[int]] = {partition: set() for partition in partitions}
    parked: dict[int, dict[UUID, int]] = {partition: {} for partition in partitions}
    for partition, position in connection.execute(_SKIPPED, asked, prepare=True):
        skipped[partition].add(position)
    for partition, stream_id, since in connection.execute(_PARKED, asked, prepare=True):
        parked[partition][stream_id] = since
    return {
        partition: Aside(frozenset(skipped[partition]), parked[partition])
        for partition in partitions
    }
