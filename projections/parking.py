"""Setting aside what a view cannot take in: a stream parked, an event skipped, and back again.

Whatever is done by hand raises the epoch, in one transaction with what it changes: a worker that
holds the view notices, and asks anew what is left out.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from uuid import UUID

from ledger.ids import partition_of
from ledger.registry import COLUMNS, Registry
from projections.aside import Aside, aside_of
from projections.batch import MOVE, Held, only, put
from projections.halting import BEYOND, ViewHalted, told
from projections.leases import LeaseLost
from projections.lookups import NAME as LOOKUPS
from projections.reader import Connection
from projections.view import View

BY_HAND = "parked by hand"

_PARK = f"""
WITH moved AS ({MOVE})
INSERT INTO views.parked (view, partition, stream_id, position, type, cause, parked_at)
SELECT %(view)s, partition, stream_id, position, type, %(cause)s, ledger.clock()
FROM ledger.events, moved WHERE partition = %(partition)s AND position = %(new)s"""

_STANDS = """
SELECT p.position, h.position, p.halted_before
FROM views.positions AS p JOIN ledger.heads AS h USING (partition)
WHERE p.view = %(view)s AND p.partition = %(partition)s FOR UPDATE OF p"""

_HALTED = """
SELECT partition FROM views.positions
WHERE view = %(view)s AND halted_cause IS NOT NULL ORDER BY partition"""

_CHANGED = """
UPDATE views.positions
SET epoch = epoch + 1, holder = NULL, halted_before = NULL, halted_cause = NULL
WHERE view = %(view)s AND partition = %(partition)s"""

_EVENT = """
SELECT stream_id, type FROM ledger.events
WHERE partition = %(partition)s AND position = %(position)s"""

_PARK_BY_HAND = """
INSERT INTO views.parked (view, partition, stream_id, position, type, cause, parked_at)
VALUES (%(view)s, %(partition)s, %(stream)s, %(position)s, %(type)s, %(cause)s, ledger.clock())
ON CONFLICT DO NOTHING"""

_LAST_OF_STREAM = """
SELECT type FROM ledger.events WHERE partition = %(partition)s AND stream_id = %(stream)s
ORDER BY version DESC LIMIT 1"""

_UNPARK = """
DELETE FROM views.parked
WHERE view = %(view)s AND partition = %(partition)s AND stream_id = %(stream)s"""

_PARKED = "SELECT stream_id FROM views.parked WHERE view = %(view)s ORDER BY partition, stream_id"

_STREAM = f"""
SELECT {COLUMNS} FROM ledger.events
WHERE partition = %(partition)s AND stream_id = %(stream)s AND position <= %(position)s
ORDER BY version"""

_SKIP = """
INSERT INTO views.skipped (view, partition, position, reason, actor, skipped_at)
VALUES (%(view)s, %(partition)s, %(position)s, %(reason)s, %(actor)s, ledger.clock())
ON CONFLICT DO NOTHING"""


class CannotSetAside(Exception):
    """What was asked for cannot be done; one line says why."""


class Parked(NamedTuple):
    """The event from which on a stream is parked."""

    position: int
    event_type: str
    cause: str


def park_next(connection: Connection, held: Held, problem: ViewHalted) -> int:
    """Park the stream of the event before which a view stands; the view passes it over."""
    place = {"view": held.name, "partition": held.partition, "epoch": held.epoch}
    step = {"old": held.position, "new": held.position + 1, "cause": problem.cause}
    if connection.execute(_PARK, {**place, **step}).rowcount != 1:
        raise LeaseLost
    held.position += 1
    held.aside = aside_of(connection, held.name, [held.partition])[held.partition]
    return 1


def fold_stream(
    view: View, registry: Registry, stored: list[Any], aside: Aside
) -> tuple[list[Any], Parked | None]:
    """The rows that the whole of a stream leaves in a view, from its stored events in order.

    Where an event cannot be taken in: what those before it leave, and the event with the cause.
    """
    taken = [row for row in stored if aside.takes(row[2], row[1])]
    try:
        return _folded(view, registry, taken), None
    except Exception:
        for number, row in enumerate(taken):
            try:
                _folded(view, registry, taken[: number + 1])
            except Exception as error:
                before = _folded(view, registry, taken[:number])
                return before, Parked(row[1], row[4], told(error))
        raise


def _folded(view: View, registry: Registry, stored: list[Any]) -> list[Any]:
    for row in stored:
        registry.require(row[4], row[5])
    events = [registry.decode(row) for row in stored if row[4] in view.event_types]
    return list(view.fold([], events)) if events else []


# --- by hand --------------------------------------------------------------------------------


def park(connection: Connection, view: View, partitions: int, stream: UUID | None) -> UUID:
    """Park a stream from here on: that of the event before which the view stands, or a named one.

    Raises `CannotSetAside`.
    """
    if view.name == LOOKUPS:
        raise CannotSetAside(f"{LOOKUPS} cannot be parked: policies find streams by it")
    if stream is None:
        halted = connection.execute(_HALTED, {"view": view.name}).fetchone()
        if halted is None:
            raise CannotSetAside(f"{view.name} does not stand before an event: give --stream")
        [partition] = halted
    else:
        partition = partition_of(stream, partitions)
    place = {"view": view.name, "partition": partition}
    with _changing(connection, place) as (position, _):
        if stream is None:
            next_one = {"partition": partition, "position": position + 1}
            stream, event_type = _only(connection, _EVENT, next_one, "there is no event")
        else:
            asked = {"partition": partition, "stream": stream}
            unknown = f"the ledger has no stream {stream}"
            [event_type] = _only(connection, _LAST_OF_STREAM, asked, unknown)
        about = {"stream": stream, "position": position + 1, "type": event_type}
        done = connection.execute(_PARK_BY_HAND, {**place, **about, "cause": BY_HAND})
        if done.rowcount == 0:
            raise CannotSetAside(f"{stream} is parked in {view.name} already")
    return stream


def parked_streams(connection: Connection, view: str) -> list[UUID]:
    """The streams that are parked in a view."""
    return [stream for (stream,) in connection.execute(_PARKED, {"view": view})]


def unpark(
    connection: Connection, registry: Registry, view: View, partitions: int, stream: UUID
) -> None:
    """Take a parked stream in, from its first event up to where the view stands.

    Raises `CannotSetAside` where it is not parked, or still cannot be taken in: it stays parked.
    """
    partition = partition_of(stream, partitions)
    place = {"view": view.name, "partition": partition}
    with _changing(connection, place) as (position, _):
        if connection.execute(_UNPARK, {**place, "stream": stream}).rowcount == 0:
            raise CannotSetAside(f"{stream} is not parked in {view.name}")
        asked = {"partition": partition, "stream": stream, "position": position}
        stored = connection.execute(_STREAM, asked, binary=True).fetchall()
        aside = aside_of(connection, view.name, [partition])[partition]
        rows, parked = fold_stream(view, registry, stored, aside)
        if parked is not None:
            raise CannotSetAside(
                f"{stream} stays parked in {view.name}: {partition}:{parked.position}"
                f" ({parked.event_type}): {parked.cause}"
            )
        for table in view.tables:
            connection.execute(table.delete_stream, {"partition": partition, "stream": stream})
        put(connection, view, only(view, rows))


def skip(
    connection: Connection,
    view: str,
    place: tuple[int, int],
    reason: str,
    actor: str,
) -> None:
    """Leave an event out of a view or policy for good. Raises `CannotSetAside`.

    An event that was taken in cannot be left out any more, unless its stream is parked from there
    on: unparking folds it without what is skipped.
    """
    partition, position = place
    key = {"view": view, "partition": partition}
    where = f"{partition}:{position}"
    with _changing(connection, key) as (stands_at, head):
        if position > head:
            raise CannotSetAside(f"there is no event at {where}")
        asked = {"partition": partition, "position": position}
        stream, _ = _only(connection, _EVENT, asked, f"there is no event at {where}")
        parked = aside_of(connection, view, [partition])[partition].parked
        if position <= stands_at and position < parked.get(stream, position + 1):
            raise CannotSetAside(f"{view} has taken in {where} already (it is at {stands_at})")
        done = connection.execute(_SKIP, {**key, **asked, "reason": reason, "actor": actor})
        if done.rowcount == 0:
            raise CannotSetAside(f"{where} is skipped in {view} already")


@contextmanager
def _changing(connection: Connection, place: dict[str, Any]) -> Iterator[tuple[int, int]]:
    """Hold a view where it stands (and tell the head) while what it leaves out is changed."""
    unknown = f"{place['view']} has no partition {place['partition']}"
    with connection.transaction():
        stands_at, head, before = _only(connection, _STANDS, place, unknown)
        if before == BEYOND:
            raise CannotSetAside(f"{place['view']} is ahead of the ledger: see docs/backup.md")
        yield stands_at, head
        connection.execute(_CHANGED, place)


def _only(connection: Connection, statement: str, asked: dict[str, Any], missing: str) -> Any:
    """The one row asked for. Raises `CannotSetAside`, saying what is missing."""
    row = connection.execute(statement, asked).fetchone()
    if row is None:
        raise CannotSetAside(missing)
    return row
