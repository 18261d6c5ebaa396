"""Pauses of a clock: the times in which it stands still, each moment once and up to a cap.

Half-open `[began, ended)`, in UTC. A pause that has not ended runs on to whatever instant one asks
about, so that what is known of it at any time is what had been paused by then.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec

Span = tuple[datetime, datetime]

FOREVER = datetime.max.replace(tzinfo=UTC)


class Pause(msgspec.Struct, frozen=True):
    """A time in which a clock stands still; without an end it still does."""

    began_at: datetime
    ended_at: datetime | None = None


def spans(pauses: Iterable[Pause], start: datetime, until: datetime) -> list[Span]:
    """The times paused between two instants, one after the other, however pauses overlap."""
    found: list[Span] = []
    for began, ended in sorted(
        (max(pause.began_at, start), min(pause.ended_at or until, until)) for pause in pauses
    ):
        if found and began <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], ended))
        elif began < ended:
            found.append((began, ended))
    return found


def counted(paused: Iterable[Span], cap: timedelta) -> list[Span]:
    """Of the times paused, the first that make up the cap: beyond it the clock runs on."""
    left, found = cap, []
    for began, ended in paused:
        if left <= timedelta(0):
            break
        ended = min(ended, began + left)
        found.append((began, ended))
        left -= ended - began
    return found


def length(paused: Iterable[Span]) -> timedelta:
    """How long they are together."""
    return sum((ended - began for began, ended in paused), timedelta(0))


def paused_since(pauses: Iterable[Pause], start: datetime) -> datetime | None:
    """Since when a clock stands still without interruption; None while it does not."""
    paused = spans(pauses, start, FOREVER)
    return paused[-1][0] if paused and paused[-1][1] == FOREVER else None
