"""The rows of the view `sla`, and how a row and the clock it records become each other."""

from bisect import insort
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from domain.time.clocks import Clock, Grade
from domain.time.pauses import Pause
from projections.view import Row, Table

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


Told = list[int | str | None]
"""An entry of a list in a row; its times and lengths are microseconds."""
Held = Told
"""Since when, by which unit, by which person a complaint was held."""
Key = tuple[str, int]
"""Which clock of a complaint, and in which cycle."""


class ClockRow(Row, frozen=True):
    """One clock of a complaint in one cycle."""

    complaint_id: UUID
    clock: str
    cycle: int
    ledger_position: int  # of the last event that changed the row
    source_system: str
    recorded_at: datetime  # of the event that started it
    is_late_recorded: bool  # its start or its stop
    started_at: datetime
    severity: str  # whose target is compared
    is_provisional: bool
    is_in_rates: bool
    is_breached_by_reclassification: bool
    disputed_later: bool
    holder_unit: str

    holder_person: str | None = None
    due_at: datetime | None = None
    breach_after: datetime | None = None
    latest_due_at: datetime | None = None  # before a change of severity cut it
    target_microseconds: int | None = None
    stopped_at: datetime | None = None
    stop_reason: str | None = None
    stop_recorded_at: datetime | None = None
    elapsed_microseconds: int | None = None  # without what was paused
    paused_microseconds: int | None = None  # as far as it is over; None: it never pauses
    pause_cap_microseconds: int | None = None  # as much of its pauses as counts
    paused_since: datetime | None = None
    pauses: list[Told] | None = None  # by what, since when, until when
    grades: list[Told] | None = None  # since when, which severity, what it promises, is it named
    verdict_as_occurred: str | None = None
    verdict_as_recorded: str | None = None
    verdict: str | None = None  # the official one of the two

    @property
    def is_running(self) -> bool:
        """Whether nothing has stopped it."""
        return self.stopped_at is None


STOP_COLUMNS = (
    "stopped_at",
    "stop_reason",
    "stop_recorded_at",
    "verdict_as_occurred",
    "verdict_as_recorded",
    "verdict",
)
"""What a stop fills in, beside what follows from the clock, the holder charged and the flags."""


class SlaComplaintRow(Row, frozen=True):
    """What the clocks of a complaint depend on; complaints of an import have none."""

    complaint_id: UUID
    source_system: str
    nature: str
    severity: str
    is_provisional: bool
    cycle: int
    holders: list[Held]  # in the order of time
    close_reason: str | None = None
    stops_while_merged: dict[str, str] | None = None  # by clock: they count if it is undone
    merged_receipts: dict[str, int] | None = None  # when those merged into it had been received


CLOCKS = Table("sla_clocks", ClockRow, ("partition", "complaint_id", "clock", "cycle"))
COMPLAINTS = Table("sla_complaints", SlaComplaintRow, ("partition", "complaint_id"))


def clock_of(row: ClockRow) -> Clock:
    """The clock that a row records."""
    return Clock(
        started_at=row.started_at,
        grades=tuple(_grade(told) for told in row.grades or ()),
        pauses=pauses_of(row.pauses),
        pause_cap=(row.pause_cap_microseconds or 0) * _MICROSECOND,
        stopped_at=row.stopped_at,
    )


def pauses_of(told: list[Told] | None) -> tuple[Pause, ...]:
    """The pauses that a row tells of."""
    return tuple(Pause(instant(one[1]), _instant_or_none(one[2])) for one in told or ())


def with_clock(row: ClockRow, clock: Clock, due: Clock | None = None, **others: Any) -> ClockRow:
    """The row with what became of its clock, and with whatever else changes in it.

    Pauses are noted in the row itself. Its dues may be those of the clock as it was `due`.
    """
    may_pause = row.pause_cap_microseconds is not None
    terms, grades = clock.terms, row.grades or []
    due_at, breach_after = (due := due or clock).dues
    if len(grades) < len(clock.grades):  # one that was given never changes
        grades = [*grades, *map(_told, clock.grades[len(grades) :])]
    return replace(
        row,
        started_at=clock.started_at,
        grades=grades,
        severity=terms.severity,
        is_provisional=terms.is_provisional,
        due_at=due_at,
        breach_after=breach_after,
        latest_due_at=due_at if terms.longest == terms.target else due.latest_due_at,
        target_microseconds=microseconds(terms.target),
        stopped_at=clock.stopped_at,
        elapsed_microseconds=microseconds(clock.elapsed),
        paused_microseconds=microseconds(clock.paused) if may_pause else None,
        paused_since=clock.paused_since,
        **others,
    )


def microseconds(length: timedelta | None) -> int | None:
    """A length of time as a whole number."""
    return None if length is None else _whole(length)


def since_epoch(at: datetime) -> int:
    """An instant as a whole number of microseconds."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _whole(length: timedelta) -> int:
    """The same as a division by a microsecond, in a third of the time."""
    return (length.days * 86_400 + length.seconds) * 1_000_000 + length.microseconds


def _grade(told: Told) -> Grade:
    named_at, severity, promised, is_named = told
    return Grade(
        instant(named_at),
        str(severity),  # type: ignore[arg-type] # written from the same type
        None if promised is None else int(promised) * _MICROSECOND,
        is_provisional=not is_named,
    )


def _told(grade: Grade) -> Told:
    is_named = 0 if grade.is_provisional else 1
    named_at = since_epoch(grade.named_at)
    return [named_at, grade.severity, microseconds(grade.promised), is_named]


def instant(told: int | str | None) -> datetime:
    """A whole number of microseconds as an instant."""
    return _EPOCH + int(told or 0) * _MICROSECOND


def _instant_or_none(told: int | str | None) -> datetime | None:
    return None if told is None else instant(told)


# --- who holds it ---------------------------------------------------------------------------


def held_since(at: datetime, unit: str, person: str | None) -> Held:
    """The entry of somebody who holds the complaint from an instant on."""
    return [since_epoch(at), unit, person]


def handed_over(holders: list[Held], held: Held) -> list[Held]:
    """The holders with a further one; told late, it may lie before another."""
    if _since(held) >= _since(holders[-1]):
        return [*holders, held]
    after = list(holders)
    insort(after, held, key=_since)
    return after


def holder_at(holders: Sequence[Held], at: datetime | None) -> tuple[str, str | None]:
    """Unit and person who held it at an instant; without one, who holds it as far as is told."""
    held = holders[-1]
    if at is not None and len(holders) > 1:
        until = since_epoch(at)
        if _since(held) > until:
            held = next((held for held in reversed(holders) if _since(held) <= until), holders[0])
    _, unit, person = held
    return str(unit), None if person is None else str(person)


def _since(held: Held) -> int:
    return int(held[0] or 0)
