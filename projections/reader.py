"""Reads the ledger in order, batch by batch, and proves that nothing is missing in between."""

from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID

import psycopg

from domain.kernel import Recorded
from ledger.registry import COLUMNS, Registry, StoredRow

Connection = psycopg.Connection[Any]

Takes = Callable[[UUID, int], bool]
"""Whether the event of a stream at a position is to be taken in."""

BYTES = 16 * 2**20
"""Of event data, at most, in one batch; a single event may be larger."""
KEPT = 16_000
"""Events that are kept at hand for views which have not come so far."""

# Head and events of one snapshot: what is missing below the head is missing for good.
_READ = f"""
SELECT h.position, e.* FROM ledger.heads AS h LEFT JOIN LATERAL (
    SELECT {COLUMNS} FROM (
        SELECT {COLUMNS}, sum(octet_length(data)) OVER (ORDER BY position) AS bytes FROM (
            SELECT {COLUMNS} FROM ledger.events
            WHERE partition = h.partition AND position > %(after)s ORDER BY position LIMIT %(limit)s
        ) AS following
    ) AS measured WHERE bytes - octet_length(data) < %(bytes)s
) AS e ON true
WHERE h.partition = %(partition)s ORDER BY e.position"""

_POSITION = 1 + StoredRow._fields.index("position")  # in a row of _READ
_STREAM = 1 + StoredRow._fields.index("stream_id")
_TYPE = 1 + StoredRow._fields.index("type")
_SCHEMA_VERSION = 1 + StoredRow._fields.index("schema_version")


class CorruptLedger(Exception):
    """An event that was committed is not there: the ledger was damaged."""

    def __init__(self, partition: int, position: int, head: int) -> None:
        """Name the first place that is wrong."""
        super().__init__(
            f"the ledger is corrupt: partition {partition} has no event at position {position}"
            f" (its head is {head})"
        )
        self.partition = partition
        self.position = position


class Reader:
    """Reads events in batches; views that stand near each other share what was read and decoded."""

    def __init__(self, registry: Registry) -> None:
        """Decode with this registry."""
        self._registry = registry
        self._windows: OrderedDict[int, _Window] = OrderedDict()  # by partition

    def read(
        self,
        connection: Connection,
        event_types: Collection[str],
        partition: int,
        after: int,
        limit: int,
        takes: Takes | None = None,
    ) -> tuple[int, list[Recorded[Any]]]:
        """The last position read and the events of these types up to it, of those that are taken.

        Events of other types are passed over. Raises `UnknownEvent` for one that a newer release
        wrote, whoever asks: nobody here can say that it does not concern the view or policy.
        """
        window = self._windows.get(partition)
        if window is None or not window.after <= after < window.last:
            rows = _dense(connection, partition, after, limit)
            if not rows:  # an event never changes; that there is none yet, does
                return after, []
            window = _Window(after, rows, self._registry)
            self._keep(partition, window)
        return window.events(event_types, after, limit, takes)

    def _keep(self, partition: int, window: "_Window") -> None:
        """Keep what was read lately at hand."""
        self._windows[partition] = window
        self._windows.move_to_end(partition)
        while len(self._windows) > 1 and sum(w.size for w in self._windows.values()) > KEPT:
            self._windows.popitem(last=False)


class _Window:
    """Events of one partition that follow each other, each decoded once at most."""

    def __init__(self, after: int, rows: list[Any], registry: Registry) -> None:
        self.after = after
        self.size = len(rows)
        self.last = after + len(rows)
        self._rows = rows
        self._decoded: list[Recorded[Any] | None] = [None] * len(rows)
        self._registry = registry
        self._unknown = [
            index for index, row in enumerate(rows) if not registry.knows(*_shape(row))
        ]

    def events(
        self, event_types: Collection[str], after: int, limit: int, takes: Takes | None
    ) -> tuple[int, list[Recorded[Any]]]:
        """The last position, and the events of these types up to it."""
        begin, end = after - self.after, min(after + limit, self.last) - self.after
        for index in self._unknown:
            if begin <= index < end and _is_taken(self._rows[index], takes):
                self._registry.require(*_shape(self._rows[index]))
        events, rows, decoded = [], self._rows, self._decoded
        for index in range(begin, end):
            row = rows[index]
            if row[_TYPE] not in event_types or not _is_taken(row, takes):
                continue
            if (recorded := decoded[index]) is None:
                recorded = decoded[index] = self._registry.decode(row[1:])
            events.append(recorded)
        return self.after + end, events


def _shape(row: Any) -> tuple[str, int]:
    return row[_TYPE], row[_SCHEMA_VERSION]


def _is_taken(row: Any, takes: Takes | None) -> bool:
    return takes is None or takes(row[_STREAM], row[_POSITION])


def _dense(connection: Connection, partition: int, after: int, limit: int) -> list[Any]:
    """The rows that follow a position, without a hole; none only at the head."""
    rows = connection.execute(
        _READ,
        {"partition": partition, "after": after, "limit": limit, "bytes": BYTES},
        prepare=True,
        binary=True,
    ).fetchall()
    head = rows[0][0] if rows else 0
    if rows and rows[0][_POSITION] is None:  # the head alone
        rows = []
    for number, row in enumerate(rows, after + 1):
        if row[_POSITION] != number:
            raise CorruptLedger(partition, number, head)
    if after > head or (not rows and after < head):
        raise CorruptLedger(partition, min(after, head) + 1, head)
    return rows
