"""What stops a view or policy before an event, told without the words of the error."""

import traceback
from pathlib import PurePath

import psycopg

from ledger.registry import UnknownEvent
from projections import VIEWS
from projections.reader import Connection

_EVENT_AT = """
SELECT type FROM ledger.events WHERE partition = %(partition)s AND position = %(position)s"""


BEYOND = "nothing: beyond the end"
"""What a view is halted before that has taken in more than there is."""
AHEAD = (
    "it has taken in more than the ledger holds (its head was {}), as when the ledger alone is"
    " restored"
)


_AHEAD = f"""
SELECT p.view, p.partition, p.position, h.position
FROM views.positions AS p JOIN ledger.heads AS h USING (partition)
WHERE p.position > h.position AND p.halted_before IS DISTINCT FROM '{BEYOND}'"""

# Whoever holds it: no batch follows, for there is nothing to take in.
_STOP = f"""
UPDATE views.positions SET halted_before = '{BEYOND}', halted_cause = %(cause)s
WHERE view = %(view)s AND partition = %(partition)s AND position = %(position)s"""


class ViewHalted(Exception):
    """A view cannot take in an event and stands still before it; nothing is skipped."""

    def __init__(
        self,
        view: str,
        partition: int,
        position: int,
        event_type: str,
        cause: str,
        *,
        is_of_event: bool = True,
    ) -> None:
        """Name view, place and type, and where in our code it failed; nothing personal.

        `is_of_event`: the event may be to blame, so that parking its stream helps.
        """
        super().__init__(
            f"view {view} halted in partition {partition} at position {position}"
            f" ({event_type}): {cause}"
        )
        self.view = view
        self.partition = partition
        self.position = position
        self.event_type = event_type
        self.cause = cause
        self.is_of_event = is_of_event


def halted(
    connection: Connection, name: str, partition: int, error: Exception, after: int
) -> ViewHalted:
    """The event before which a view or policy stands `after` a position, and why."""
    place = {"partition": partition, "position": after + 1}
    [event_type] = connection.execute(_EVENT_AT, place).fetchone() or ("no event",)
    is_of_event = is_fault_of_event(error)
    cause = told(error)
    return ViewHalted(name, partition, after + 1, event_type, cause, is_of_event=is_of_event)


def is_fault_of_event(error: BaseException) -> bool:
    """Whether the event may be to blame, so that parking its stream helps; not the database."""
    if isinstance(error, psycopg.Error):
        return isinstance(error, psycopg.DataError | psycopg.IntegrityError)
    return True


def stop_ahead(
    connection: Connection, name: str, partition: int, position: int, head: int
) -> ViewHalted:
    """Have one that has taken in events which the ledger has not stand still until it is rebuilt.

    Once as many new events had been recorded, it would look as if it were in step.
    """
    way_out = f"`closedloop rebuild {name}` makes it anew" if name in VIEWS else "docs/backup.md"
    problem = ViewHalted(name, partition, position + 1, BEYOND, f"{AHEAD.format(head)}: {way_out}")
    place = {"view": name, "partition": partition, "position": position}
    connection.execute(_STOP, {**place, "cause": problem.cause})
    return problem


def stop_all_ahead(connection: Connection) -> list[ViewHalted]:
    """Find whatever is ahead of the ledger before that grows again, and have it stand still."""
    return [stop_ahead(connection, *row) for row in connection.execute(_AHEAD).fetchall()]


def told(error: Exception) -> str:
    """What went wrong, in words that may be shown: a message may quote a person."""
    # What it says of an unknown event is our own word.
    return str(error) if isinstance(error, UnknownEvent) else cause_of(error)


def cause_of(error: BaseException) -> str:
    """What went wrong and where in our code, without the words of the error."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename]
    place = f" in {PurePath(ours[-1].filename).name}, line {ours[-1].lineno}" if ours else ""
    return f"{type(error).__name__}{place}"
