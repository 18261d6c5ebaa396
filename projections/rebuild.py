"""Makes a view anew from the first event on, while readers keep the old rows."""

from collections.abc import Callable

from projections.batch import Connection, Reader, advance
from projections.view import View

_LOCK_POSITIONS = """
SELECT partition FROM views.positions WHERE view = %(view)s ORDER BY partition FOR UPDATE"""
_START_AGAIN = "UPDATE views.positions SET position = 0 WHERE view = %(view)s"
_HEADS = "SELECT partition, position FROM ledger.heads ORDER BY partition"

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
    the view by, because its positions are locked. Raises `ViewHalted`, changing nothing.
    """
    with connection.transaction():
        connection.execute(_LOCK_POSITIONS, {"view": view.name})
        heads = connection.execute(_HEADS).fetchall()
        connection.execute(_START_AGAIN, {"view": view.name})
        for table in view.tables:
            connection.execute(table.delete_all)
        done, total = 0, sum(head for _, head in heads)
        for partition, head in heads:
            position = 0
            while position < head:
                limit = min(batch_size, head - position)
                position += advance(connection, reader, view, partition, limit)
                if progress is not None:
                    progress(done + position, total)
            done += head
    return done
