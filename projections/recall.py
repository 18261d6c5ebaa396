"""What a policy is told: histories as they were recorded when its trigger was, and nothing later.

What was recorded at one instant comes in the order of partitions, so that of any two events one is
the later and knows the other. Nothing recorded by then may still be under way (the turn has seen
to it), and the view `lookups`, by which streams are found, has to have come so far. So the answer
is for good.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.kernel import Recorded
from domain.policies.policy import Histories, History, Known, Policy, Streams
from ledger.ids import partition_of
from ledger.registry import COLUMNS, Registry
from projections.lookups import NAME as LOOKUPS
from projections.lookups import lookup_key
from projections.reader import Connection

# How far the view has come, and when the first event was recorded that it has not taken in.
_REACH = """
SELECT p.partition, p.position, e.recorded_at
FROM views.positions AS p JOIN ledger.heads AS h USING (partition)
    LEFT JOIN ledger.events AS e ON e.partition = p.partition AND e.position = p.position + 1
WHERE p.view = %(view)s"""

# Known when the trigger was recorded: what came later, however much, is not there for it. From each
# value no more is read than may be told.
_FIND = """
SELECT DISTINCT found.stream_id, found.received_at
FROM unnest(%(keys)s::text[]) AS asked (key) CROSS JOIN LATERAL (
    SELECT l.stream_id, l.received_at FROM views.lookups AS l
    WHERE l.key = asked.key {between}
        AND (l.known_at, l.partition, l.ledger_position) <= (%(at)s, %(partition)s, %(position)s)
    ORDER BY l.received_at DESC, l.stream_id LIMIT %(most)s
) AS found
ORDER BY found.received_at DESC, found.stream_id LIMIT %(most)s"""

_FIND_ALL = _FIND.format(between="")
_FIND_RECEIVED = _FIND.format(
    between="""
        AND l.received_at > coalesce(%(after)s::timestamptz, '-infinity')
        AND l.received_at <= coalesce(%(up_to)s::timestamptz, 'infinity')"""
)

_HISTORIES = f"""
SELECT {COLUMNS} FROM ledger.events
WHERE partition = %(partition)s AND stream_id = ANY(%(streams)s)
    AND (%(types)s::text[] IS NULL OR type = ANY(%(types)s))
ORDER BY stream_id, version"""


class Recall:
    """What one policy is told while it reacts to one batch."""

    def __init__(
        self, connection: Connection, registry: Registry, secret: bytes, partitions: int
    ) -> None:
        """Read from this ledger of so many partitions."""
        self._connection = connection
        self._registry = registry
        self._secret = secret
        self._partitions = partitions
        self._known: dict[UUID, list[Recorded[Any]]] = {}
        self._reach: dict[int, tuple[int, datetime | None]] | None = None

    def answer(
        self, asked: Streams | Known, policy: Policy, trigger: Recorded[Any]
    ) -> Histories | None:
        """What was recorded when the trigger was; None while that cannot be told yet."""
        is_own = isinstance(asked, Streams) and set(asked.ids) == {trigger.stream_id}
        if not is_own and not self._is_all_known(trigger):
            return None
        streams = asked.ids if isinstance(asked, Streams) else self._find(asked, trigger)
        self.prepare(streams, policy)
        cut = (self._as_recorded(self._known.get(stream, []), trigger) for stream in streams)
        return [history for history in cut if history]

    def prepare(self, streams: Iterable[UUID], policy: Policy) -> None:
        """Read what will be asked for, all at once."""
        new = set(streams) - self._known.keys()
        types = [event.__name__ for event in policy.reads]
        self._known.update(self.whole(new, types))

    def whole(
        self, streams: Iterable[UUID], types: list[str] | None = None
    ) -> dict[UUID, list[Recorded[Any]]]:
        """The histories of streams as they are now, of some types of event or of all."""
        histories: dict[UUID, list[Recorded[Any]]] = {stream: [] for stream in streams}
        by_partition: defaultdict[int, list[UUID]] = defaultdict(list)
        for stream in histories:
            by_partition[partition_of(stream, self._partitions)].append(stream)
        for partition, ids in by_partition.items():
            for row in self._connection.execute(
                _HISTORIES,
                {"partition": partition, "streams": ids, "types": types},
                prepare=True,
                binary=True,
            ):
                recorded = self._registry.decode(row)
                histories[recorded.stream_id].append(recorded)
        return histories

    def _find(self, asked: Known, trigger: Recorded[Any]) -> list[UUID]:
        is_any = asked.after is None and asked.up_to is None
        found = self._connection.execute(
            _FIND_ALL if is_any else _FIND_RECEIVED,
            {
                "keys": [lookup_key(self._secret, asked.kind, value) for value in asked.values],
                "after": asked.after,
                "up_to": asked.up_to,
                "most": asked.most,
                "partition": trigger.partition,
                "position": trigger.position,
                "at": trigger.recorded_at,
            },
            prepare=True,
        )
        return [stream for stream, _ in found]

    def _as_recorded(self, history: History, trigger: Recorded[Any]) -> History:
        place = _place(trigger)
        return [item for item in history if _place(item) <= place]

    def _is_all_known(self, trigger: Recorded[Any]) -> bool:
        """Whether what was recorded by then can be found."""
        if self._reach is None:
            rows = self._connection.execute(_REACH, {"view": LOOKUPS}).fetchall()
            self._reach = {partition: (position, first) for partition, position, first in rows}
        if len(self._reach) < self._partitions:
            return False
        return all(
            position >= trigger.position
            if partition == trigger.partition
            else first is None or trigger.recorded_at < first
            for partition, (position, first) in self._reach.items()
        )


def _place(item: Recorded[Any]) -> tuple[datetime, int, int]:
    """Where an event stands among all: in one partition the order is that of positions."""
    return item.recorded_at, item.partition, item.position
