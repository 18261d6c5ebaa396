"""The view `timeline`: everything that happened to a complaint, in order."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.complaint import COMPLAINT
from domain.complaint.assessment import ComplaintAccepted
from domain.complaint.handling import AssignmentReturned, AssignmentSignedFor, ComplaintAssigned
from domain.kernel import Recorded
from projections.progress import Progress
from projections.view import Row, Table, View


class TimelineRow(Row, frozen=True):
    """One event of a complaint: what, when, by whom, and what it moved."""

    complaint_id: UUID
    version: int
    ledger_position: int
    type: str
    occurred_at: datetime
    occurred_at_source: str
    occurred_at_precision: str
    recorded_at: datetime
    actor_id: str
    actor_kind: str
    actor_role: str
    answered_by: str  # on whose behalf, else the actor
    stage_after: str
    cycle: int  # after the event
    stage_before: str | None = None
    unit_id: str | None = None  # the unit it happened in, as far as the actor says
    to_unit: str | None = None  # who has the complaint because of it
    to_person: str | None = None
    reason_code: str | None = None


class TimelineEndRow(Row, frozen=True):
    """Where the timeline of a complaint has come to: what the next event starts from."""

    complaint_id: UUID
    stage: str
    cycle: int
    is_assessed: bool
    is_accepted: bool


TIMELINE = Table("timeline", TimelineRow, ("partition", "complaint_id", "version"), is_loaded=False)
ENDS = Table("timeline_ends", TimelineEndRow, ("partition", "complaint_id"))


_HAND_OVER = frozenset(
    {ComplaintAccepted, ComplaintAssigned, AssignmentSignedFor, AssignmentReturned}
)
"""Others name a unit too, that works on a part or is asked for help, and do not give it this."""


_REASONED = frozenset(
    event for event in COMPLAINT.events if "reason_code" in event.__struct_fields__
)


def timeline_view() -> View:
    """Everything that happened to a complaint, in order, for readers without personal rights."""
    return View("timeline", (TIMELINE, ENDS), COMPLAINT.events, _fold)


def _fold(rows: Sequence[Row], events: Sequence[Recorded[Any]]) -> Iterable[Row]:
    progress = Progress()
    for row in rows:
        if isinstance(row, TimelineEndRow):
            progress = Progress(row.stage, row.cycle, row.is_assessed, row.is_accepted)
    for recorded in events:
        before, progress = progress, progress.after(recorded.event)
        yield _entry(recorded, before, progress)
    last = events[-1]
    yield TimelineEndRow(
        last.partition,
        last.stream_id,
        _stage(progress),
        progress.cycle,
        progress.is_assessed,
        progress.is_accepted,
    )


def _entry(recorded: Recorded[Any], before: Progress, after: Progress) -> TimelineRow:
    event, metadata = recorded.event, recorded.metadata
    kind, actor = type(event), metadata.actor
    is_handed_over = kind in _HAND_OVER
    is_returned = kind is AssignmentReturned
    return TimelineRow(
        partition=recorded.partition,
        complaint_id=recorded.stream_id,
        version=recorded.version,
        ledger_position=recorded.position,
        type=kind.__name__,
        occurred_at=recorded.occurred_at,
        occurred_at_source=metadata.occurred_at_source,
        occurred_at_precision=metadata.occurred_at_precision,
        recorded_at=recorded.recorded_at,
        actor_id=actor.id,
        actor_kind=actor.kind,
        actor_role=actor.role,
        answered_by=metadata.by,
        stage_before=before.stage,
        stage_after=_stage(after),
        cycle=after.cycle,
        unit_id=actor.unit_id,
        to_unit=event.unit_id if is_handed_over else None,
        # handed back, it lies in the queue of the unit and is nobody's
        to_person=getattr(event, "person_id", None) if is_handed_over and not is_returned else None,
        reason_code=(event.reason_code if kind in _REASONED else None) or metadata.reason,
    )


def _stage(progress: Progress) -> str:
    if progress.stage is None:
        raise ValueError("a complaint begins with its registration")
    return progress.stage
