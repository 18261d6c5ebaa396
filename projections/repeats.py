"""The view `repeats`: how each complaint was classed against earlier ones, and every closing.

A complaint that is reopened has lived twice, as if another had been registered: each of its
closings is an entry of its own, followed by the reopening or by a later complaint that names it.
So the return rate is the same whichever of the two somebody chooses.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from domain.complaint.closure import ComplaintReopened
from domain.complaint.merge import ComplaintUnmerged
from domain.complaint.repeat import RepeatClassified
from domain.complaint.state import ComplaintClosed
from domain.kernel import Recorded
from domain.rulebook.defaults import DEFAULT_RULES
from domain.rules import Rules
from projections.holder import HANDING_OVER, Holder
from projections.progress import is_late_recorded, told_on
from projections.view import Row, Table, View


class RepeatRow(Row, frozen=True):
    """A complaint and its class as last recorded, beside who holds it."""

    complaint_id: UUID
    ledger_position: int  # of the last event of the class, or of the registration
    holder_unit: str
    is_owned: bool
    judgement_count: int  # how often it was classed
    is_external: bool
    after_verified_close: bool

    holder_person: str | None = None
    repeat_class: str | None = None
    rule_version: str | None = None
    earlier_id: UUID | None = None
    days_since_close: int | None = None
    classified_by: str | None = None
    classified_by_kind: str | None = None
    classified_at: datetime | None = None


class ClosingRow(Row, frozen=True):
    """A closing of a complaint, who held it then, and the reopening that followed."""

    complaint_id: UUID
    number: int  # from 1: the complaint's first closing, its second ...
    ledger_position: int  # of the close, or of the reopening
    reason: str
    closed_at: datetime
    closed_at_precision: str
    recorded_at: datetime
    is_late_recorded: bool
    holder_unit: str
    window_days: int  # in which what follows is a return

    holder_person: str | None = None
    closed_on: date | None = None
    reopened_at: datetime | None = None
    reopened_at_precision: str | None = None
    reopened_on: date | None = None


REPEATS = Table("repeats", RepeatRow, ("partition", "complaint_id"))
CLOSINGS = Table("closings", ClosingRow, ("partition", "complaint_id", "number"))

EVENTS: tuple[type[Any], ...] = (
    *HANDING_OVER,
    RepeatClassified,
    ComplaintClosed,
    ComplaintReopened,
    ComplaintUnmerged,
)


def repeats_view(rules: Rules = DEFAULT_RULES) -> View:
    """How each complaint was classed against earlier ones, and every closing of it."""
    fold = partial(_fold, window_days=rules.repeat_window_days)
    return View("repeats", (REPEATS, CLOSINGS), EVENTS, fold)


def _fold(
    rows: Sequence[Row], events: Sequence[Recorded[Any]], *, window_days: int
) -> Iterable[Row]:
    repeat = next((row for row in rows if isinstance(row, RepeatRow)), None)
    closings = sorted(
        (row for row in rows if isinstance(row, ClosingRow)), key=lambda row: row.number
    )
    for recorded in events:
        repeat = _after(_new(recorded) if repeat is None else repeat, recorded)
        closings = _closings_after(closings, recorded, repeat, window_days)
    return [] if repeat is None else [repeat, *closings]


def _new(recorded: Recorded[Any]) -> RepeatRow:
    return RepeatRow(
        partition=recorded.partition,
        complaint_id=recorded.stream_id,
        ledger_position=recorded.position,
        holder_unit="unknown",
        is_owned=False,
        judgement_count=0,
        is_external=False,
        after_verified_close=False,
    )


def _after(row: RepeatRow, recorded: Recorded[Any]) -> RepeatRow:
    """The class and the holder after an event."""
    event = recorded.event
    if isinstance(event, RepeatClassified):
        return replace(
            row,
            ledger_position=recorded.position,
            judgement_count=row.judgement_count + 1,
            repeat_class=event.repeat_class,
            rule_version=event.rule_version,
            earlier_id=event.earlier_id,
            days_since_close=event.days_since_close,
            is_external=event.is_external,
            after_verified_close=event.after_verified_close,
            classified_by=recorded.metadata.by,
            classified_by_kind=recorded.metadata.actor.kind,
            classified_at=recorded.occurred_at,
        )
    before = Holder(row.holder_unit, row.holder_person, row.is_owned)
    holder = before.after(event)
    if holder is before:
        return row
    return replace(
        row, holder_unit=holder.unit, holder_person=holder.person, is_owned=holder.is_owner
    )


def _closings_after(
    closings: list[ClosingRow], recorded: Recorded[Any], held: RepeatRow, window_days: int
) -> list[ClosingRow]:
    """The closings after an event; a merge that is undone never closed anything."""
    match recorded.event:
        case ComplaintClosed(reason=reason):
            return [*closings, _closing(len(closings) + 1, recorded, reason, held, window_days)]
        case ComplaintReopened() if closings:
            reopened = replace(
                closings[-1],
                ledger_position=recorded.position,
                reopened_at=recorded.occurred_at,
                reopened_at_precision=recorded.metadata.occurred_at_precision,
                reopened_on=told_on(recorded),
            )
            return [*closings[:-1], reopened]
        case ComplaintUnmerged():
            return closings[:-1]
    return closings


def _closing(
    number: int, recorded: Recorded[Any], reason: str, held: RepeatRow, window_days: int
) -> ClosingRow:
    return ClosingRow(
        partition=recorded.partition,
        complaint_id=recorded.stream_id,
        number=number,
        ledger_position=recorded.position,
        reason=reason,
        closed_at=recorded.occurred_at,
        closed_at_precision=recorded.metadata.occurred_at_precision,
        closed_on=told_on(recorded),
        recorded_at=recorded.recorded_at,
        is_late_recorded=is_late_recorded(recorded),
        holder_unit=held.holder_unit,
        holder_person=held.holder_person,
        window_days=window_days,
    )
