"""One clock on a calendar that is always open (24x7): when it is due, whether it was met.

A clock runs from its start with the target of the severity it was started with. Until somebody
has named a severity that grade is provisional; the first one named settles it, every later one
is a regrade in flight. While it is paused it stands still, up to its cap. A stopped clock never
changes. All arithmetic is done in UTC, so that a change to or from summer time neither adds nor
takes an hour.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec
from msgspec.structs import replace

from domain.rules import Duration, PauseRule, Severity
from domain.time import pauses
from domain.time.pauses import FOREVER, Pause

Verdict = Literal["met", "missed", "cancelled"]
Targets = Mapping[Severity, Duration]
Dues = tuple[datetime | None, datetime | None]

_MINUTE = timedelta(minutes=1)
_NOTHING = timedelta(0)


class Grade(msgspec.Struct, frozen=True):
    """The severity named at an instant, and what is promised for it."""

    named_at: datetime
    severity: Severity
    promised: timedelta | None = None
    is_provisional: bool = False


class Terms(msgspec.Struct, frozen=True):
    """What a clock is compared with: the target of a severity, and the longest it ever had."""

    severity: Severity
    is_provisional: bool
    target: timedelta | None
    longest: timedelta | None  # before a change cut it


class Clock(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A clock that was started; without a due it only measures."""

    started_at: datetime
    grades: tuple[Grade, ...]  # the first is that of the start, then each as it was named
    pauses: tuple[Pause, ...] = ()
    pause_cap: timedelta = _NOTHING  # as much of its pauses as counts
    stopped_at: datetime | None = None

    @property
    def terms(self) -> Terms:
        """What it is compared with, worked out once."""
        known: Terms | None = self.__dict__.get("terms")  # (the library's way takes a lock)
        if known is None:
            known = self.__dict__["terms"] = _terms(self)
        return known

    @property
    def severity(self) -> Severity:
        """The severity whose target is compared."""
        return self.terms.severity

    @property
    def is_provisional(self) -> bool:
        """Whether nobody has named a severity."""
        return self.terms.is_provisional

    @property
    def target(self) -> timedelta | None:
        """The target that is compared: what has elapsed at the due."""
        return self.terms.target

    @property
    def elapsed(self) -> timedelta | None:
        """The time from start to stop without what was paused; None while it runs."""
        return None if self.stopped_at is None else elapsed_at(self, self.stopped_at)

    @property
    def paused(self) -> timedelta:
        """How long it stood still, as far as it is over: no more than the cap."""
        return pauses.length(_counted(self, self._known_until)) if self.pauses else _NOTHING

    @property
    def paused_since(self) -> datetime | None:
        """Since when it stands still; None while it runs on, and once it was stopped."""
        if self.stopped_at is not None or not self.pauses:
            return None
        return pauses.paused_since(self.pauses, self.started_at)

    @property
    def due_at(self) -> datetime | None:
        """The first instant at which elapsed equals the target, if a pause were over now."""
        return self.dues[0]

    @property
    def breach_after(self) -> datetime | None:
        """The last such instant: a pause that begins at the due itself comes before a miss."""
        return self.dues[1]

    @property
    def breach_at_latest(self) -> datetime | None:
        """The last such instant, if it stood still for as long as it may."""
        return _first_and_last(self, self.terms.target, self.stopped_at or FOREVER)[1]

    @property
    def latest_due_at(self) -> datetime | None:
        """The latest due it ever had, before a change of severity cut it."""
        return _first_and_last(self, self.terms.longest, self._known_until)[0]

    @property
    def dues(self) -> Dues:
        """The first and the last of them, worked out once."""
        known: Dues | None = self.__dict__.get("dues")
        if known is None:
            promised = self.terms.target
            known = self.__dict__["dues"] = _first_and_last(self, promised, self._known_until)
        return known

    @property
    def _known_until(self) -> datetime:
        """How long a pause without an end ran: to the stop, else nobody knows yet."""
        return self.stopped_at or self.paused_since or FOREVER


def target(targets: Targets, severity: Severity) -> timedelta | None:
    """How long a clock may take at this severity; None where nothing is promised."""
    promised = targets.get(severity)
    return None if promised is None else length(promised)


def length(promised: Duration) -> timedelta:
    """An amount of minutes on a calendar that is always open."""
    if promised.unit not in ("minutes", "business_minutes"):
        raise ValueError(f"{promised.unit} need another arithmetic")
    return promised.amount * _MINUTE


def elapsed_at(clock: Clock, at: datetime) -> timedelta:
    """What has elapsed by an instant; by one that was told before the start, nothing."""
    # (a difference to a time in UTC is one in UTC)
    wall = at - clock.started_at
    if wall < _NOTHING:
        wall = _NOTHING
    return wall - paused_at(clock, at) if clock.pauses else wall


def paused_at(clock: Clock, at: datetime) -> timedelta:
    """How long it had stood still by an instant."""
    return pauses.length(_counted(clock, at.astimezone(UTC)))


def start(
    targets: Targets,
    at: datetime,
    severity: Severity,
    *,
    is_provisional: bool,
    pause: PauseRule | None = None,
) -> Clock:
    """Start a clock with the target of the severity, provisional until one has been named."""
    started_at = at.astimezone(UTC)
    grade = Grade(started_at, severity, target(targets, severity), is_provisional)
    return Clock(
        started_at=started_at,
        grades=(grade,),
        pause_cap=_NOTHING if pause is None else length(pause.cap),
    )


def regrade(clock: Clock, targets: Targets, severity: Severity, at: datetime) -> Clock:
    """The clock after a severity was named: it settles a provisional grade, or changes it.

    A change in flight gives the new target from the change on, yet never more time than was
    left. Settling gives the new target from the start, yet never less time than a change would.
    After the due neither changes anything: the miss has happened.
    """
    if clock.stopped_at is not None:
        return clock
    grade = Grade(at.astimezone(UTC), severity, target(targets, severity))
    return replace(clock, grades=(*clock.grades, grade))


def stop(clock: Clock, at: datetime) -> Clock:
    """Stop the clock; one that was stopped before stays as it is."""
    if clock.stopped_at is not None:
        return clock
    stopped = replace(clock, stopped_at=at.astimezone(UTC))
    stopped.__dict__["terms"] = clock.terms  # a stop changes nothing of what was named before it
    return stopped


def verdict(clock: Clock, stopped_at: datetime) -> Verdict | None:
    """Whether a stop at this instant meets the target, to the microsecond; None without one."""
    promised = clock.terms.target
    if promised is None:
        return None
    return "met" if elapsed_at(clock, stopped_at) <= promised else "missed"


def verdict_at_close(clock: Clock, closed_at: datetime) -> Verdict | None:
    """What a clock comes to that still runs when its complaint ends in another way."""
    came_to = verdict(clock, closed_at)
    return "cancelled" if came_to == "met" else came_to


def is_breached_by_reclassification(clock: Clock, stopped_at: datetime) -> bool:
    """Whether a stop at this instant misses a due that only a change of severity brought."""
    longest = clock.terms.longest
    return (
        verdict(clock, stopped_at) == "missed"
        and longest is not None
        and elapsed_at(clock, stopped_at) <= longest
    )


# --- how it is worked out -------------------------------------------------------------------


def _counted(clock: Clock, until: datetime) -> list[pauses.Span]:
    if not clock.pauses:  # most clocks: nothing to sort
        return []
    return pauses.counted(pauses.spans(clock.pauses, clock.started_at, until), clock.pause_cap)


def _first_and_last(clock: Clock, promised: timedelta | None, until: datetime) -> Dues:
    """The first and the last instant at which so much has elapsed."""
    if promised is None:
        return None, None
    first = last = clock.started_at + promised
    if not clock.pauses:
        return first, last
    for began, ended in _counted(clock, until):
        if began < first:
            first += ended - began
        if began <= last:
            last += ended - began
    return first, last


def _terms(clock: Clock) -> Terms:
    """What the severities come to that were named; what is paused by then has not elapsed."""
    first, *named = clock.grades
    terms = Terms(first.severity, first.is_provisional, first.promised, first.promised)
    for grade in named:
        if grade.severity == terms.severity and not terms.is_provisional:
            continue
        gone = elapsed_at(clock, grade.named_at)
        if terms.target is not None and gone > terms.target:
            continue
        from_change = None if grade.promised is None else gone + grade.promised
        due = _shorter(terms.target, from_change)
        if terms.is_provisional:
            is_unpromised = grade.promised is None or due is None
            due = None if is_unpromised else _longer(grade.promised, due)
        terms = Terms(grade.severity, False, due, _longer(terms.longest, due))
    return terms


def _shorter(one: timedelta | None, other: timedelta | None) -> timedelta | None:
    """The shorter of two targets; None is no target at all."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _longer(one: timedelta | None, other: timedelta | None) -> timedelta | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)
