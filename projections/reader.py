"""Reads the ledger in order, batch by batch, and proves that nothing is missing in between."""

from collections import OrderedDict
from collections.abc import Collection
from typing import Any

import psycopg

from domain.kernel import Recorded
from ledger.registry import COLUMNS, Registry, StoredRow, UnknownEvent

Connection = psycopg.Connection[Any]

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
        skipped: Collection[int] = (),
    ) -> tuple[int, list[Recorded[Any]]]:
        """The last position read and the events of these types up to it, but for those skipped.

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
        return window.events(event_types, after, limit, skipped)

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
        self._unknown = {
            row[_POSITION]: row[_SCHEMA_VERSION]
            for row in rows
            if not registry.knows(row[_TYPE], row[_SCHEMA_VERSION])
        }

    def events(
        self, event_types: Collection[str], after: int, limit: int, skipped: Collection[int]
    ) -> tuple[int, list[Recorded[Any]]]:
        """The last position, and the events of these types up to it."""
        begin, end = after - self.after, min(after + limit, self.last) - self.after
        for position, schema_version in self._unknown.items():
            if after < position <= self.after + end and position not in skipped:
                raise UnknownEvent(f"schema version {schema_version} is not known to this release")
        events, rows, decoded = [], self._rows, self._decoded
        for index in range(begin, end):
            row = rows[index]
            if row[_TYPE] not in event_types or row[_POSITION] in skipped:
                continue
            if (recorded := decoded[index]) is None:
                recorded = decoded[index] = self._registry.decode(row[1:])
            events.append(recorded)
        return self.after + end, events


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
