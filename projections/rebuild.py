"""Makes a view anew from the first event on, while readers keep the old rows."""

from collections.abc import Callable

from ledger import database
from projections.batch import Connection, CorruptLedger, Reader, halted, take
from projections.view import View

_LOCK_POSITIONS = """
SELECT partition FROM views.positions WHERE view = %(view)s ORDER BY partition FOR UPDATE"""
_HEADS = "SELECT partition, position FROM ledger.heads ORDER BY partition"
_MOVE_POSITION = """
UPDATE views.positions SET position = %(position)s
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
        for partition, head in heads:
            position = 0
            while position < head:
                limit = min(batch_size, head - position)
                position = _take(connection, reader, view, partition, position, limit)
                if progress is not None:
                    progress(done + position, total)
            connection.execute(
                _MOVE_POSITION, {"view": view.name, "partition": partition, "position": head}
            )
            done += head
    return done


def _take(
    connection: Connection, reader: Reader, view: View, partition: int, after: int, limit: int
) -> int:
    """Take a batch in; where it fails, event by event up to the one that fails."""
    try:
        with connection.transaction():
            return take(connection, reader, view, partition, after, limit)
    except (*database.TRANSIENT, CorruptLedger):
        raise
    except Exception as error:
        if limit == 1:
            raise halted(connection, view.name, partition, error, after) from None
    position = after
    while position < after + limit:
        position = _take(connection, reader, view, partition, position, 1)
    return position
