"""Assignments 派单 in the view `work`: each time a unit or a person is given a complaint.

The close of the complaint ends the one that stands. Undoing a merge takes that back; a reopening
gives the complaint anew to whoever held it last, who signs for it again only if they had not.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from domain.complaint.closure import ComplaintReopened
from domain.complaint.handling import AssignmentReturned, AssignmentSignedFor, ComplaintAssigned
from domain.complaint.merge import ComplaintUnmerged
from domain.complaint.state import ComplaintClosed
from domain.kernel import Recorded
from projections.progress import Imprecise, is_late_recorded, told_at, without
from projections.view import Row, Table


class AssignmentRow(Row, frozen=True):
    """One assignment: to whom, whether it was signed for, and how it ended."""

    complaint_id: UUID
    number: int  # from 1, in the order of recording
    ledger_position: int  # of the last event that changed the row
    cycle: int
    recorded_at: datetime  # of the event that gave it
    is_late_recorded: bool  # any of its times
    given_by: str  # assignment, sign_for, reopening
    assigned_by: str
    assigned_at: datetime
    unit_id: str

    person_id: str | None = None
    signed_for_by: str | None = None
    signed_for_at: datetime | None = None  # None beside a name: had signed before a reopening
    ended_at: datetime | None = None
    ended_by: str | None = None  # handed_on, returned, closed
    reason_code: str | None = None  # of the return
    imprecise: Imprecise = None


ASSIGNMENTS = Table("assignments", AssignmentRow, ("partition", "complaint_id", "number"))
ASSIGNMENT_EVENTS = (
    ComplaintAssigned,
    AssignmentSignedFor,
    AssignmentReturned,
    ComplaintClosed,
    ComplaintReopened,
    ComplaintUnmerged,
)


def assignments_after(
    rows: list[AssignmentRow], recorded: Recorded[Any], cycle: int
) -> list[AssignmentRow]:
    """The assignments of a complaint after an event, in order."""
    event = recorded.event
    last = rows[-1] if rows else None
    is_open = last is not None and last.ended_at is None
    match event:
        case ComplaintAssigned(unit_id=unit, person_id=person):
            given = _given(rows, recorded, cycle, "assignment", unit, person)
            return [*_ended(rows, recorded, "handed_on"), given]
        case AssignmentSignedFor(person_id=person) if is_open and rows[-1].signed_for_by is None:
            return _changed(rows, "signed_for", recorded, signed_for_by=person)
        case AssignmentSignedFor(unit_id=unit, person_id=person):
            taken = _given(rows, recorded, cycle, "sign_for", unit, person)
            signed = _changed([taken], "signed_for", recorded, signed_for_by=person)
            return [*_ended(rows, recorded, "handed_on"), *signed]
        case AssignmentReturned(reason_code=reason):
            return _ended(rows, recorded, "returned", reason)
        case ComplaintClosed():
            return _ended(rows, recorded, "closed")
        case ComplaintUnmerged() if last is not None and last.ended_by == "closed":
            going_on = without(last.imprecise, "ended")
            position = recorded.position
            return [*rows[:-1], replace(last, ledger_position=position, ended_by=None, **going_on)]
        case ComplaintReopened() if last is not None and last.ended_by == "closed":
            person = last.signed_for_by or last.person_id
            again = _given(rows, recorded, cycle, "reopening", last.unit_id, person)
            return [*rows, replace(again, signed_for_by=last.signed_for_by)]
    return rows


def _given(
    rows: list[AssignmentRow],
    recorded: Recorded[Any],
    cycle: int,
    by: str,
    unit: str,
    person: str | None,
) -> AssignmentRow:
    return AssignmentRow(
        partition=recorded.partition,
        complaint_id=recorded.stream_id,
        number=len(rows) + 1,
        ledger_position=recorded.position,
        cycle=cycle,
        recorded_at=recorded.recorded_at,
        is_late_recorded=is_late_recorded(recorded),
        given_by=by,
        assigned_by=recorded.metadata.by,
        unit_id=unit,
        person_id=person,
        **told_at(None, "assigned", recorded),
    )


def _ended(
    rows: list[AssignmentRow], recorded: Recorded[Any], by: str, reason_code: str | None = None
) -> list[AssignmentRow]:
    """The one that stands, if any, ends; there is nothing to end in the queue of a unit."""
    if not rows or rows[-1].ended_at is not None:
        return rows
    return _changed(rows, "ended", recorded, ended_by=by, reason_code=reason_code)


def _changed(
    rows: list[AssignmentRow], name: str, recorded: Recorded[Any], **facts: Any
) -> list[AssignmentRow]:
    last = rows[-1]
    changed = replace(
        last,
        ledger_position=recorded.position,
        is_late_recorded=last.is_late_recorded or is_late_recorded(recorded),
        **told_at(last.imprecise, name, recorded),
        **facts,
    )
    return [*rows[:-1], changed]
