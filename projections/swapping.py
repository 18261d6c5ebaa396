"""The moment in which the next generation of a view takes the place of the present one.

Whoever reads with an older snapshot (a report that began before) would find rows of the new
generation missing that were written since. So the view is held still for a moment: the next
generation takes in what it lacks, everybody who reads by an older snapshot comes to an end, and
from then on both generations say the same to whoever looks, whichever of them they find.
"""

import time
from collections.abc import Mapping
from typing import NamedTuple
from uuid import uuid4

import psycopg

from projections import parked_aside
from projections.generations import swap
from projections.leases import Place
from projections.reader import Connection
from projections.slices import Job

LOCK_TIMEOUT = "100ms"
"""How long others may have to wait behind us for a table."""
PATIENCE_SECONDS = 1.0
"""How long a view is held still for readers that began before."""
_LOOK_AGAIN_SECONDS = 0.01

_HOLD = """
UPDATE views.positions AS p SET epoch = p.epoch + 1, beat = p.beat + 1, holder = %(me)s
FROM (SELECT partition FROM views.positions WHERE view = %(view)s ORDER BY partition FOR UPDATE)
    AS mine
WHERE p.view = %(view)s AND p.partition = mine.partition
RETURNING p.partition, p.position, p.epoch, p.halted_before"""

_LET_GO = "UPDATE views.positions SET holder = NULL WHERE view = %(view)s AND holder = %(me)s"

_MOVE = """
UPDATE views.positions AS p
SET position = r.position, epoch = p.epoch + 1, holder = NULL,
    halted_before = NULL, halted_cause = NULL
FROM views.rebuilds AS r
WHERE r.view = p.view AND r.partition = p.partition AND p.view = %(view)s AND p.holder = %(me)s"""

FORGET = (
    "DELETE FROM views.rebuild_parked WHERE view = %(view)s",
    "DELETE FROM views.rebuild_slices WHERE view = %(view)s",
    "DELETE FROM views.rebuilds WHERE view = %(view)s",
)

# A transaction that looks by a snapshot goes by its virtual id until it ends. Most of what sessions
# of other logins do is hidden from us, even that a client is behind them; whose they are and their
# xmin are not. Autovacuum, for which nobody need wait, is nobody's.
_READERS = """
SELECT l.virtualtransaction
FROM pg_stat_activity AS a JOIN pg_locks AS l
    ON l.pid = a.pid AND l.locktype = 'virtualxid' AND l.virtualxid = l.virtualtransaction
WHERE a.datname = current_database() AND a.usesysid IS NOT NULL
    AND a.backend_xmin IS NOT NULL AND a.pid <> pg_backend_pid()"""


class NotNow(Exception):
    """Somebody reads who began before, or has the tables; or the view came into other hands."""


class Stand(NamedTuple):
    """A view that is held still, by whom, and where."""

    me: str
    places: Mapping[int, Place]
    is_halted: bool


def hold(connection: Connection, job: Job) -> Stand:
    """Take the view out of the hands of whoever works on it."""
    me = f"rebuild-{uuid4().hex}"
    rows = connection.execute(_HOLD, {"view": job.view.name, "me": me}).fetchall()
    places = {partition: Place(position, epoch) for partition, position, epoch, _ in rows}
    return Stand(me, places, is_halted=any(before is not None for *_, before in rows))


def let_go(connection: Connection, job: Job, stand: Stand) -> None:
    """Give the view back."""
    connection.execute(_LET_GO, {"view": job.view.name, "me": stand.me})


def await_readers(connection: Connection) -> None:
    """Wait until nobody reads any more by a snapshot that was taken before now."""
    before = _readers(connection)
    until = time.monotonic() + PATIENCE_SECONDS
    while before:
        if time.monotonic() >= until:
            raise NotNow
        time.sleep(_LOOK_AGAIN_SECONDS)
        before &= _readers(connection)


def _readers(connection: Connection) -> set[str]:
    return {transaction for (transaction,) in connection.execute(_READERS)}


def take_place(connection: Connection, job: Job, stand: Stand) -> None:
    """Have the generation serve: tables and positions in one transaction."""
    mine = {"view": job.view.name, "me": stand.me}
    try:
        with connection.transaction():
            connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'".encode())
            swap(connection, job.view, job.generation)
            connection.execute("SET LOCAL synchronous_commit = on")
            if connection.execute(_MOVE, mine).rowcount != len(stand.places):
                raise NotNow
            parked_aside.park(connection, job.view.name)
            for statement in FORGET:
                connection.execute(statement, mine)
    except psycopg.errors.LockNotAvailable:
        raise NotNow from None
