"""One batch of events into one view: read and folded at leisure, written in one statement.

Events never change and the rows of a view are written only by whoever holds it, so reading and
folding need no transaction and no lock. What came of it is written by a single statement that
moves the position first, from where it was and under the epoch by which the view is held: rows and
position together, or, if somebody else has taken over, nothing. A worker that is stopped anywhere
leaves no lock behind: a statement is carried out whole or has not arrived.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from domain.kernel import Recorded
from ledger import database
from projections.aside import NOTHING, Aside
from projections.garbage import uncollected
from projections.halting import halted
from projections.leases import LeaseLost, Place
from projections.reader import Connection, CorruptLedger, Reader
from projections.view import Row, Table, View

# The beat moves too: whoever takes events in needs no other sign of life.
MOVE = """
UPDATE views.positions
SET position = %(new)s, beat = beat + 1, halted_before = NULL, halted_cause = NULL
WHERE view = %(view)s AND partition = %(partition)s AND position = %(old)s AND epoch = %(epoch)s
RETURNING 1"""

_encode = msgspec.json.Encoder().encode


def passes(error: BaseException) -> bool:
    """Whether an error says nothing of an event, nor of a fold: whatever was asked for may be asked
    for again."""
    return isinstance(error, CorruptLedger | LeaseLost) or database.passes(error)


class Known:
    """The rows of streams that were last worked on, so that they need not be read again."""

    def __init__(self, most: int) -> None:
        """Remember at most so many rows."""
        self._most = most
        self._rows = 0
        self._streams: OrderedDict[UUID, Sequence[Row]] = OrderedDict()

    def get(self, stream: UUID) -> Sequence[Row] | None:
        """The rows of a stream, if they are known."""
        return self._streams.get(stream)

    def put(self, stream: UUID, rows: Sequence[Row]) -> None:
        """The rows of a stream as they were just written."""
        before = self._streams.pop(stream, None)
        self._rows += len(rows) + 1 - (0 if before is None else len(before) + 1)
        self._streams[stream] = rows
        while self._rows > self._most:
            _, gone = self._streams.popitem(last=False)
            self._rows -= len(gone) + 1

    def clear(self) -> None:
        """Forget everything: it may not be so any more."""
        self._streams.clear()
        self._rows = 0


class Held:
    """A view in one partition, in the hands of this worker."""

    def __init__(
        self,
        view: View,
        partition: int,
        place: Place,
        aside: Aside = NOTHING,
        *,
        name: str | None = None,
        remember: int = 0,
    ) -> None:
        """Stand at a place; `name` keys the position where it is not the view's own."""
        self.view = view
        self.name = name or view.name
        self.partition = partition
        self.position, self.epoch = place
        self.aside = aside
        self.known = Known(remember)


class Changes(NamedTuple):
    """What a batch comes to."""

    written: dict[Table, list[Row]]
    vanished: dict[Table, list[dict[str, Any]]]  # keys
    streams: dict[UUID, list[Row]]  # what each has in loaded tables


def advance(connection: Connection, reader: Reader, held: Held, limit: int) -> int:
    """Take a batch in; where it fails, half of it, down to the event that fails.

    Returns the number of events passed: 0 at the head. Raises `ViewHalted` at the event that
    cannot be taken in, and `LeaseLost` where somebody else has taken over.
    """
    while True:
        try:
            return _advance(connection, reader, held, limit)
        except Exception as error:
            held.known.clear()
            if passes(error):
                raise
            if limit == 1:
                after = held.position
                raise halted(connection, held.name, held.partition, error, after) from None
            limit = (limit + 1) // 2


def _advance(connection: Connection, reader: Reader, held: Held, limit: int) -> int:
    old = held.position
    new, changes = fold(connection, reader, held, limit)
    if new > old:
        _write(connection, held, new, changes)
        held.position = new
        for stream, rows in changes.streams.items():
            held.known.put(stream, rows)
    return new - old


def take(connection: Connection, reader: Reader, held: Held, limit: int) -> None:
    """Take a batch in without moving the recorded position, in a transaction of the caller's."""
    new, changes = fold(connection, reader, held, limit)
    put(connection, held.view, changes)
    held.position = new


# --- folding --------------------------------------------------------------------------------


def fold(connection: Connection, reader: Reader, held: Held, limit: int) -> tuple[int, Changes]:
    """The last position of the next batch, and what it comes to."""
    with uncollected():
        return _fold(connection, reader, held, limit)


def _fold(connection: Connection, reader: Reader, held: Held, limit: int) -> tuple[int, Changes]:
    view, partition, aside = held.view, held.partition, held.aside
    takes = None if aside.takes_all else aside.takes
    last, events = reader.read(connection, view.event_types, partition, held.position, limit, takes)
    streams: defaultdict[UUID, list[Recorded[Any]]] = defaultdict(list)
    for recorded in events:
        streams[recorded.stream_id].append(recorded)
    return last, changes_of(view, streams, _present(connection, held, streams))


def changes_of(
    view: View,
    streams: dict[UUID, list[Recorded[Any]]],
    present: dict[UUID, Sequence[Row]],
) -> Changes:
    """What the events of streams change in the rows that are present."""
    written: dict[Table, list[Row]] = {table: [] for table in view.tables}
    vanished: dict[Table, list[dict[str, Any]]] = {table: [] for table in view.tables}
    after: dict[UUID, list[Row]] = {}
    keys = {table.row: table.key_in_stream for table in view.tables}
    for stream, history in streams.items():
        before = present.get(stream, ())
        known = {(kind := type(row), keys[kind](row)): row for row in before}
        folded = view.fold(before, history)
        now = {(kind := type(row), keys[kind](row)): row for row in folded}
        loaded = after[stream] = []
        for key, row in now.items():
            table = view.table_of[key[0]]
            had = known.pop(key, None)
            if had is not row and had != row:  # most are the very same
                written[table].append(row)
            if table.is_loaded:
                loaded.append(row)
        for row in known.values():
            table = view.table_of[type(row)]
            vanished[table].append(dict(zip(table.key, table.key_of(row), strict=True)))
    return Changes(written, vanished, after)


def _present(
    connection: Connection, held: Held, streams: dict[UUID, list[Recorded[Any]]]
) -> dict[UUID, Sequence[Row]]:
    """The rows that streams have: those known, none of what begins here, and those read."""
    present: dict[UUID, Sequence[Row]] = {}
    asked: list[UUID] = []
    for stream, history in streams.items():
        if (rows := held.known.get(stream)) is not None:
            present[stream] = rows
        elif history[0].version > 1:
            asked.append(stream)
    return present | load(connection, held.view, held.partition, asked) if asked else present


def load(
    connection: Connection, view: View, partition: int, streams: Sequence[UUID]
) -> dict[UUID, list[Row]]:
    """The rows that streams have in the tables of a view."""
    present: dict[UUID, list[Row]] = {stream: [] for stream in streams}
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


# --- writing --------------------------------------------------------------------------------


def _write(connection: Connection, held: Held, new: int, changes: Changes) -> None:
    """Write the position and what changed, if the view is still held and stands where it did."""
    place = {"view": held.name, "partition": held.partition, "epoch": held.epoch}
    rows = {
        f"w{number}": _encode(changes.written[table]).decode()
        for number, table in enumerate(held.view.tables)
    }
    deletes = any(changes.vanished.values())
    if deletes:
        rows |= {
            f"v{number}": _encode(changes.vanished[table]).decode()
            for number, table in enumerate(held.view.tables)
        }
    [(moved,)] = connection.execute(
        _statement(held.view.tables, deletes),
        {**place, "old": held.position, "new": new, **rows},
        prepare=True,
    ).fetchall()
    if not moved:
        raise LeaseLost


@lru_cache(maxsize=256)
def _statement(tables: tuple[Table, ...], deletes: bool) -> str:
    """Moves the position and, if that was possible, writes the rows of all tables."""
    steps = [f"moved AS ({MOVE})"]
    for number, table in enumerate(tables):
        if deletes:
            steps.append(f"d{number} AS ({table.delete_rows(f'v{number}', _IF_MOVED)})")
        steps.append(f"u{number} AS ({table.upsert_rows(f'w{number}', _IF_MOVED)})")
    return f"WITH {', '.join(steps)} SELECT count(*) FROM moved"


_IF_MOVED = "EXISTS (SELECT FROM moved)"


def only(view: View, rows: Iterable[Row]) -> Changes:
    """Rows that are all there will be of their streams, as a batch comes to them."""
    written: dict[Table, dict[tuple[Any, ...], Row]] = {table: {} for table in view.tables}
    for row in rows:
        table = view.table_of[type(row)]
        written[table][table.key_of(row)] = row
    return Changes(
        {table: list(found.values()) for table, found in written.items()},
        {table: [] for table in view.tables},
        {},
    )


def put(connection: Connection, view: View, changes: Changes) -> None:
    """Write what changed, in a transaction of the caller's."""
    for table in view.tables:
        if changes.vanished[table]:
            _execute(connection, table.delete, changes.vanished[table])
        if changes.written[table]:
            _execute(connection, table.upsert, changes.written[table])


def _execute(connection: Connection, statement: Any, rows: Iterable[Any]) -> None:
    connection.execute(statement, {"rows": _encode(rows).decode()}, prepare=True)
