"""One rebuild of a view at a time, and what it leaves aside."""

from ledger.database import DatabaseError
from projections import generations
from projections.reader import Connection
from projections.swapping import FORGET
from projections.view import View
from projections.workers import Login

_ALONE = "SELECT pg_try_advisory_lock(7276436, hashtext(%(view)s))"


class AlreadyRebuilding(DatabaseError):
    """Somebody else is making this view anew."""

    def __init__(self, view: str) -> None:
        """Name the view."""
        super().__init__(f"view {view} is being rebuilt by somebody else")


def be_alone(connection: Connection, view: View) -> None:
    """For as long as the connection lives."""
    if connection.execute(_ALONE, {"view": view.name}).fetchone() != (True,):
        raise AlreadyRebuilding(view.name)


def drop_old(login: Login, view: View) -> int:
    """Drop what a rebuild has replaced, or has begun and not finished; returns how many tables."""
    with login.connect() as connection:
        be_alone(connection, view)
        with connection.transaction():
            return drop_aside(connection, view)


def drop_aside(connection: Connection, view: View) -> int:
    """Drop and forget all that does not serve, in a transaction of the caller's."""
    for statement in FORGET:
        connection.execute(statement, {"view": view.name})
    return generations.drop_aside(connection, view)
