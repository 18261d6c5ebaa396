"""Makes a view anew from the first event on, while readers keep the old rows."""

from collections.abc import Callable

from projections.aside import aside_of
from projections.batch import PASSING, Held, take
from projections.halting import halted
from projections.leases import Place
from projections.reader import Connection, Reader
from projections.view import View

_LOCK_POSITIONS = """
SELECT partition FROM views.positions WHERE view = %(view)s ORDER BY partition FOR UPDATE"""
_HEADS = "SELECT partition, position FROM ledger.heads ORDER BY partition"
_MOVE_POSITION = """
UPDATE views.positions
SET position = %(position)s, epoch = epoch + 1, halted_before = NULL, halted_cause = NULL
WHERE view = %(view)s AND partition = %(partition)s"""

Progress = Callable[[int, int], None]
"""Told how many events of how many are taken in."""


def rebuild(
    connection: Connection,
    reader: Reader,
    view: View,
    batch_size: int,
    progress: Progress | None = None,
) -> int:
    """Empty the view and fold every event into it; returns the number of events.

    It is one transaction: readers keep the old rows until it commits, and a runner passes
    the view by, because its positions are locked. They move once, at the end: within one
    transaction every move would leave a version of the row for the next one to walk past.
    Raises `ViewHalted`, changing nothing.
    """
    with connection.transaction():
        connection.execute(_LOCK_POSITIONS, {"view": view.name})
        heads = connection.execute(_HEADS).fetchall()
        for table in view.tables:
            connection.execute(table.delete_all)
        done, total = 0, sum(head for _, head in heads)
        asides = aside_of(connection, view.name, [partition for partition, _ in heads])
        for partition, head in heads:
            held = Held(view, partition, Place(0, 0), asides[partition])
            while held.position < head:
                _take(connection, reader, held, min(batch_size, head - held.position))
                if progress is not None:
                    progress(done + held.position, total)
            connection.execute(
                _MOVE_POSITION, {"view": view.name, "partition": partition, "position": head}
            )
            done += head
    return done


def _take(connection: Connection, reader: Reader, held: Held, limit: int) -> None:
    """Take a batch in; where it fails, event by event up to the one that fails."""
    after = held.position
    try:
        with connection.transaction():
            take(connection, reader, held, limit)
            return
    except PASSING:
        raise
    except Exception as error:
        if limit == 1:
            raise halted(connection, held.name, held.partition, error, after) from None
    while held.position < after + limit:
        _take(connection, reader, held, 1)
