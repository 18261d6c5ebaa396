"""One clock on a calendar that is always open (24x7): when it is due, whether it was met.

A clock runs from its start with the target of the severity it was started with. Until somebody
has named a severity that grade is provisional; the first one named settles it, every later one
is a regrade in flight. A stopped clock never changes. All arithmetic is done in UTC, so that a
change to or from summer time neither adds nor takes an hour.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec
from msgspec.structs import replace

from domain.rules import Duration, Severity

Verdict = Literal["met", "missed", "cancelled"]
Targets = Mapping[Severity, Duration]

_MINUTE = timedelta(minutes=1)
_NOTHING = timedelta(0)


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """A clock that was started; without a due it only measures."""

    started_at: datetime
    severity: Severity
    is_provisional: bool = False
    due_at: datetime | None = None  # the first instant at which elapsed equals the target
    latest_due_at: datetime | None = None  # the latest due it ever had, before a change cut it
    stopped_at: datetime | None = None

    @property
    def breach_after(self) -> datetime | None:
        """The last instant at which elapsed equals the target: always open, the due itself."""
        return self.due_at

    @property
    def target(self) -> timedelta | None:
        """The target that is compared: what has elapsed at the due."""
        return None if self.due_at is None else self.due_at - self.started_at

    @property
    def elapsed(self) -> timedelta | None:
        """The time from start to stop; None while it runs."""
        return None if self.stopped_at is None else elapsed(self.started_at, self.stopped_at)


def target(targets: Targets, severity: Severity) -> timedelta | None:
    """How long a clock may take at this severity; None where nothing is promised."""
    promised = targets.get(severity)
    if promised is None:
        return None
    if promised.unit not in ("minutes", "business_minutes"):
        raise ValueError(f"a target in {promised.unit} needs another arithmetic")
    return promised.amount * _MINUTE


def elapsed(start: datetime, stop: datetime) -> timedelta:
    """The time that counts between two instants; a stop told before the start took none."""
    return max(stop.astimezone(UTC) - start.astimezone(UTC), _NOTHING)


def start(targets: Targets, at: datetime, severity: Severity, *, is_provisional: bool) -> Clock:
    """Start a clock with the target of the severity, provisional until one has been named."""
    started_at, promised = at.astimezone(UTC), target(targets, severity)
    due = None if promised is None else started_at + promised
    return Clock(
        started_at=started_at,
        severity=severity,
        is_provisional=is_provisional,
        due_at=due,
        latest_due_at=due,
    )


def regrade(clock: Clock, targets: Targets, severity: Severity, at: datetime) -> Clock:
    """The clock after a severity was named: it settles a provisional grade, or changes it.

    A change in flight gives the new target from the change on, yet never more time than was
    left. Settling gives the new target from the start, yet never less time than a change would.
    After the due neither changes anything: the miss has happened.
    """
    if clock.stopped_at is not None or (severity == clock.severity and not clock.is_provisional):
        return clock
    changed_at = max(at.astimezone(UTC), clock.started_at)
    if clock.due_at is not None and changed_at > clock.due_at:
        return clock
    promised = target(targets, severity)
    from_change = None if promised is None else changed_at + promised
    due = _earlier(clock.due_at, from_change)
    if clock.is_provisional:
        from_start = None if promised is None else clock.started_at + promised
        due = None if from_start is None or due is None else max(from_start, due)
    return replace(
        clock,
        severity=severity,
        is_provisional=False,
        due_at=due,
        latest_due_at=_later(clock.latest_due_at, due),
    )


def stop(clock: Clock, at: datetime) -> Clock:
    """Stop the clock; one that was stopped before stays as it is."""
    return clock if clock.stopped_at is not None else replace(clock, stopped_at=at.astimezone(UTC))


def verdict(clock: Clock, stopped_at: datetime) -> Verdict | None:
    """Whether a stop at this instant meets the target, to the microsecond; None without one."""
    if clock.breach_after is None:
        return None
    return "met" if stopped_at <= clock.breach_after else "missed"


def verdict_at_close(clock: Clock, closed_at: datetime) -> Verdict | None:
    """What a clock comes to that still runs when its complaint ends in another way."""
    came_to = verdict(clock, closed_at)
    return "cancelled" if came_to == "met" else came_to


def is_breached_by_reclassification(clock: Clock, stopped_at: datetime) -> bool:
    """Whether a stop at this instant misses a due that only a change of severity brought."""
    return (
        verdict(clock, stopped_at) == "missed"
        and clock.latest_due_at is not None
        and stopped_at <= clock.latest_due_at
    )


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    """The earlier of two dues; None is no due at all."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)
