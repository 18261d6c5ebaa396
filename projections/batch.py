"""One batch of events into one view: rows and position in one transaction."""

import traceback
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePath
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from domain.kernel import Recorded
from ledger import database
from ledger.registry import COLUMNS, Registry, StoredRow, UnknownEvent
from projections.view import Row, Table, View

Connection = psycopg.Connection[Any]

_LOCK_POSITION = """
SELECT position FROM views.positions
WHERE view = %(view)s AND partition = %(partition)s FOR UPDATE SKIP LOCKED"""

_MOVE_POSITION = """
UPDATE views.positions SET position = %(new)s
WHERE view = %(view)s AND partition = %(partition)s AND position = %(old)s"""

# Head and events of one snapshot: what is missing below the head is missing for good.
_READ = f"""
SELECT h.position, e.* FROM ledger.heads AS h LEFT JOIN LATERAL (
    SELECT {COLUMNS} FROM ledger.events
    WHERE partition = h.partition AND position > %(after)s ORDER BY position LIMIT %(limit)s
) AS e ON true
WHERE h.partition = %(partition)s ORDER BY e.position"""

_POSITION = 1 + StoredRow._fields.index("position")  # in a row of _READ
_TYPE = 1 + StoredRow._fields.index("type")
_SCHEMA_VERSION = 1 + StoredRow._fields.index("schema_version")

_STANDS_AT = """
SELECT position FROM views.positions WHERE view = %(view)s AND partition = %(partition)s"""

_TYPE_AT = """
SELECT type FROM ledger.events WHERE partition = %(partition)s AND position = %(position)s"""

_encode = msgspec.json.Encoder().encode


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


class ViewHalted(Exception):
    """A view cannot take in an event and stands still before it; nothing is skipped."""

    def __init__(
        self, view: str, partition: int, position: int, event_type: str, cause: str
    ) -> None:
        """Name view, place and type, and where in our code it failed; nothing personal."""
        super().__init__(
            f"view {view} halted in partition {partition} at position {position}"
            f" ({event_type}): {cause}"
        )
        self.view = view
        self.partition = partition
        self.position = position
        self.event_type = event_type


class Reader:
    """Reads events in batches; views that stand at one place share what was read and decoded."""

    def __init__(self, registry: Registry) -> None:
        """Decode with this registry."""
        self._registry = registry
        self._known = {name: kind.schema_version for name, kind in registry.types.items()}
        self._batches: dict[int, tuple[tuple[int, int], list[Any], dict[int, Recorded[Any]]]] = {}

    def read(
        self,
        connection: Connection,
        event_types: frozenset[str],
        partition: int,
        after: int,
        limit: int,
    ) -> tuple[int, list[Recorded[Any]]]:
        """The last position read and the events of these types up to it.

        Events of other types are passed over. Raises `UnknownEvent` for one that a newer release
        wrote, whoever asks: nobody here can say that it does not concern the view or policy.
        """
        asked, rows, decoded = self._batches.get(partition, ((-1, 0), [], {}))
        if asked != (after, limit):
            rows, decoded = _dense(connection, partition, after, limit), {}
            self._refuse_unknown(rows)
            if rows:  # an event never changes; that there is none yet, does
                self._batches[partition] = ((after, limit), rows, decoded)
        events = []
        for row in rows:
            if row[_TYPE] in event_types:
                recorded = decoded.get(row[_POSITION])
                if recorded is None:
                    recorded = decoded[row[_POSITION]] = self._registry.decode(row[1:])
                events.append(recorded)
        return after + len(rows), events

    def _refuse_unknown(self, rows: Iterable[Any]) -> None:
        for row in rows:
            name, schema_version = row[_TYPE], row[_SCHEMA_VERSION]
            if not 1 <= schema_version <= self._known.get(name, 0):
                raise UnknownEvent(f"schema version {schema_version} is not known to this release")


def _dense(connection: Connection, partition: int, after: int, limit: int) -> list[Any]:
    """The rows that follow a position, each behind the head, without a hole up to limit or head."""
    rows = connection.execute(
        _READ,
        {"partition": partition, "after": after, "limit": limit},
        prepare=True,
        binary=True,
    ).fetchall()
    head = rows[0][0] if rows else 0
    if rows and rows[0][_POSITION] is None:  # the head alone
        rows = []
    for number, row in enumerate(rows, after + 1):
        if row[_POSITION] != number:
            raise CorruptLedger(partition, number, head)
    if len(rows) < min(limit, head - after) or after > head:
        raise CorruptLedger(partition, min(after, head) + len(rows) + 1, head)
    return rows


def advance(connection: Connection, reader: Reader, view: View, partition: int, limit: int) -> int:
    """Take a batch in; where it fails, event by event up to the one that fails.

    Returns the number of events passed: 0 at the head, or while somebody else works on this
    view. Raises `ViewHalted` at the event that cannot be taken in; those before it are.
    """
    try:
        return _take(connection, reader, view, partition, limit)
    except (*database.TRANSIENT, CorruptLedger):
        raise
    except Exception as error:
        if limit == 1:
            raise halted(connection, view.name, partition, error) from None
    passed = 0
    while passed < limit and (one := advance(connection, reader, view, partition, 1)):
        passed += one
    return passed


def _take(connection: Connection, reader: Reader, view: View, partition: int, limit: int) -> int:
    """Take the next batch in, with the position, in one transaction (or savepoint)."""
    with connection.transaction():
        place = {"view": view.name, "partition": partition}
        locked = connection.execute(_LOCK_POSITION, place, prepare=True).fetchone()
        if locked is None:
            return 0
        old: int = locked[0]
        new = take(connection, reader, view, partition, old, limit)
        if new > old:
            moved = connection.execute(
                _MOVE_POSITION, {**place, "old": old, "new": new}, prepare=True
            )
            if moved.rowcount != 1:
                raise RuntimeError(f"the position of view {view.name} moved while it was locked")
        return new - old


def take(
    connection: Connection, reader: Reader, view: View, partition: int, after: int, limit: int
) -> int:
    """Take in the batch that follows a position, which is the caller's; returns its last."""
    last, events = reader.read(connection, view.event_types, partition, after, limit)
    if events:
        _write(connection, view, partition, events)
    return last


def _write(
    connection: Connection, view: View, partition: int, events: Iterable[Recorded[Any]]
) -> None:
    """Fold events into the rows of their streams and write what changed."""
    streams: defaultdict[UUID, list[Recorded[Any]]] = defaultdict(list)
    for recorded in events:
        streams[recorded.stream_id].append(recorded)
    # A stream that begins in this batch has no rows yet: most of an import is spared the reading.
    old = [stream for stream, history in streams.items() if history[0].version > 1]
    present = _load(connection, view, partition, old) if old else {}

    changed: dict[Table, dict[tuple[Any, ...], Row]] = {table: {} for table in view.tables}
    vanished: dict[Table, list[dict[str, Any]]] = {table: [] for table in view.tables}
    for stream, history in streams.items():
        before = present.get(stream, [])
        known = {(table := view.table_of[type(row)], table.key_of(row)): row for row in before}
        for row in view.fold(before, history):
            table = view.table_of[type(row)]
            key = table.key_of(row)
            if known.pop((table, key), None) != row:
                changed[table][key] = row
        for table, key in known:
            vanished[table].append(dict(zip(table.key, key, strict=True)))

    for table in view.tables:
        if vanished[table]:
            _execute(connection, table.delete, vanished[table])
        if changed[table]:
            _execute(connection, table.upsert, list(changed[table].values()))


def _load(
    connection: Connection, view: View, partition: int, streams: Sequence[UUID]
) -> dict[UUID, list[Row]]:
    present: defaultdict[UUID, list[Row]] = defaultdict(list)
    for table in view.tables:
        if table.is_loaded:
            make: Callable[..., Row] = table.row
            for values in connection.execute(
                table.select,
                {"partition": partition, "streams": streams},
                prepare=True,
                binary=True,
            ):
                row = make(*values)
                present[table.stream_of(row)].append(row)
    return present


def _execute(connection: Connection, statement: Any, rows: Sequence[Any]) -> None:
    connection.execute(statement, {"rows": _encode(rows).decode()}, prepare=True)


def halted(
    connection: Connection, name: str, partition: int, error: Exception, after: int | None = None
) -> ViewHalted:
    """The event before which a view or policy stands, without the words of the error.

    It stands `after` this position, or where its own row of positions says.
    """
    place = {"view": name, "partition": partition}
    if after is None:
        [[after]] = connection.execute(_STANDS_AT, place).fetchall()
    found = connection.execute(_TYPE_AT, {"partition": partition, "position": after + 1})
    [event_type] = found.fetchone() or ("no event",)
    # What it says of an unknown event is our own word; any other message may quote a person.
    cause = str(error) if isinstance(error, UnknownEvent) else cause_of(error)
    return ViewHalted(name, partition, after + 1, event_type, cause)


def cause_of(error: BaseException) -> str:
    """What went wrong and where in our code, without the words of the error."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename]
    place = f" in {PurePath(ours[-1].filename).name}, line {ours[-1].lineno}" if ours else ""
    return f"{type(error).__name__}{place}"
