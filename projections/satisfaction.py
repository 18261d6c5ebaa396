"""The view `satisfaction`: every resolution that could be asked about, and every answer.

Satisfaction belongs to the resolution of a cycle, not to the complaint: it is dated and charged
where that cycle was resolved, whatever became of the complaint later.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from domain.complaint.resolution import ComplaintResolved, SatisfactionRecorded
from domain.kernel import Recorded
from domain.rulebook.defaults import DEFAULT_RULES
from domain.rules import Rules
from projections.holder import HANDING_OVER, Holder
from projections.progress import is_late_recorded, told_on
from projections.view import Row, Table, View


class HeldRow(Row, frozen=True):
    """Who holds the complaint: what its next resolution is charged to."""

    complaint_id: UUID
    holder_unit: str
    is_owned: bool
    holder_person: str | None = None


class ResolutionRow(Row, frozen=True):
    """The resolution of a cycle, who held the complaint then, and until when answers count."""

    complaint_id: UUID
    cycle: int
    ledger_position: int
    resolved_at: datetime
    resolved_at_precision: str
    recorded_at: datetime
    is_late_recorded: bool
    resolved_by: str  # who counts for four eyes
    holder_unit: str
    expires_at: datetime

    holder_person: str | None = None
    resolved_on: date | None = None


class AnswerRow(Row, frozen=True):
    """An answer to the question how satisfied somebody is with the resolution of a cycle."""

    complaint_id: UUID
    version: int  # of the event
    cycle: int
    ledger_position: int
    answered_at: datetime
    answered_at_precision: str
    recorded_at: datetime
    is_late_recorded: bool
    score: int
    answered_by: str
    channel: str
    is_by_handler: bool
    is_expired: bool
    is_about_resolution: bool  # of that cycle: without one there was nothing to ask about

    answered_on: date | None = None
    result_score: int | None = None
    process_score: int | None = None


HELD = Table("survey_holders", HeldRow, ("partition", "complaint_id"))
RESOLUTIONS = Table("resolutions", ResolutionRow, ("partition", "complaint_id", "cycle"))
ANSWERS = Table(
    "survey_answers", AnswerRow, ("partition", "complaint_id", "version"), is_loaded=False
)

EVENTS: tuple[type[Any], ...] = (*HANDING_OVER, ComplaintResolved, SatisfactionRecorded)


class _Story(msgspec.Struct):
    """A complaint while its events are folded."""

    holder: Holder
    resolutions: dict[int, ResolutionRow]
    answers: list[AnswerRow]


def satisfaction_view(rules: Rules = DEFAULT_RULES) -> View:
    """Every resolution that could be asked about, and every answer."""
    return View("satisfaction", (HELD, RESOLUTIONS, ANSWERS), EVENTS, partial(_fold, rules=rules))


def _fold(rows: Sequence[Row], events: Sequence[Recorded[Any]], *, rules: Rules) -> Iterable[Row]:
    story = _loaded(rows)
    for recorded in events:
        match recorded.event:
            case ComplaintResolved(cycle=cycle):
                story.resolutions[cycle] = _resolution(recorded, cycle, story.holder, rules)
            case SatisfactionRecorded():
                story.answers.append(_answer(recorded, story))
            case event:
                story.holder = story.holder.after(event)
    held = HeldRow(
        events[-1].partition,
        events[-1].stream_id,
        story.holder.unit,
        story.holder.is_owner,
        story.holder.person,
    )
    return [held, *story.resolutions.values(), *story.answers]


def _loaded(rows: Sequence[Row]) -> _Story:
    story = _Story(Holder(), {}, [])
    for row in rows:
        match row:
            case HeldRow():
                story.holder = Holder(row.holder_unit, row.holder_person, row.is_owned)
            case ResolutionRow():
                story.resolutions[row.cycle] = row
    return story


def _resolution(recorded: Recorded[Any], cycle: int, holder: Holder, rules: Rules) -> ResolutionRow:
    resolved_at = recorded.occurred_at
    local = resolved_at.astimezone(ZoneInfo(rules.zone))
    return ResolutionRow(
        partition=recorded.partition,
        complaint_id=recorded.stream_id,
        cycle=cycle,
        ledger_position=recorded.position,
        resolved_at=resolved_at,
        resolved_at_precision=recorded.metadata.occurred_at_precision,
        resolved_on=told_on(recorded),
        recorded_at=recorded.recorded_at,
        is_late_recorded=is_late_recorded(recorded),
        resolved_by=recorded.metadata.accountable,
        holder_unit=holder.unit,
        holder_person=holder.person,
        expires_at=local + timedelta(days=rules.survey_valid_days),
    )


def _answer(recorded: Recorded[Any], story: _Story) -> AnswerRow:
    """Collected by whoever holds the complaint or resolved that cycle, an answer counts for none;
    nor does one that comes after the question has expired.
    """
    event, metadata = recorded.event, recorded.metadata
    resolution = story.resolutions.get(event.cycle)
    handlers = {story.holder.person, resolution.resolved_by if resolution else None}
    return AnswerRow(
        partition=recorded.partition,
        complaint_id=recorded.stream_id,
        version=recorded.version,
        cycle=event.cycle,
        ledger_position=recorded.position,
        answered_at=recorded.occurred_at,
        answered_at_precision=metadata.occurred_at_precision,
        answered_on=told_on(recorded),
        recorded_at=recorded.recorded_at,
        is_late_recorded=is_late_recorded(recorded),
        score=event.score,
        answered_by=event.by,
        channel=event.channel,
        is_by_handler=not handlers.isdisjoint({metadata.by, metadata.accountable}),
        is_expired=resolution is not None and recorded.occurred_at >= resolution.expires_at,
        is_about_resolution=resolution is not None,
        result_score=event.sub_scores.get("result"),
        process_score=event.sub_scores.get("process"),
    )
