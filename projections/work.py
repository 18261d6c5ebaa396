"""The view `work`: what is done about complaints: assignments, tasks, remedies and contacts."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from domain.complaint.closure import ComplaintReopened
from domain.complaint.intake import ComplaintRegistered, DetailAdded, FieldCorrected
from domain.complaint.resolution import ResolutionDisputed
from domain.kernel import Recorded
from projections.assignments import (
    ASSIGNMENT_EVENTS,
    ASSIGNMENTS,
    AssignmentRow,
    assignments_after,
)
from projections.contacts import CONTACT_EVENTS, CONTACTS, contact_of
from projections.remedies import REMEDIES, REMEDY_EVENTS, RemedyRow, remedies_after
from projections.tasks import TASK_EVENTS, TASKS, TaskRow, tasks_after
from projections.view import Row, Table, View


class WorkComplaintRow(Row, frozen=True):
    """What the rows of a complaint share: its source, and the cycle they are of."""

    complaint_id: UUID
    ledger_position: int  # of the event that told the source
    source_system: str
    cycle: int


COMPLAINTS = Table("work_complaints", WorkComplaintRow, ("partition", "complaint_id"))
_OF_THE_COMPLAINT = (
    ComplaintRegistered,
    DetailAdded,
    FieldCorrected,
    ResolutionDisputed,
    ComplaintReopened,
)


def work_view() -> View:
    """What is done about complaints: assignments, tasks, remedies and contacts."""
    tables = COMPLAINTS, ASSIGNMENTS, TASKS, REMEDIES, CONTACTS
    events = {
        *_OF_THE_COMPLAINT,
        *ASSIGNMENT_EVENTS,
        *TASK_EVENTS,
        *REMEDY_EVENTS,
        *CONTACT_EVENTS,
    }
    return View("work", tables, events, _fold)


def _fold(rows: Sequence[Row], events: Sequence[Recorded[Any]]) -> Iterable[Row]:
    complaint = next((row for row in rows if isinstance(row, WorkComplaintRow)), None)
    assignments = sorted(
        (row for row in rows if isinstance(row, AssignmentRow)), key=lambda row: row.number
    )
    tasks = {row.task_id: row for row in rows if isinstance(row, TaskRow)}
    remedies = {row.remedy_id: row for row in rows if isinstance(row, RemedyRow)}
    contacts: list[Row] = []
    for recorded in events:
        kind = type(recorded.event)
        complaint = _after(complaint, recorded)
        if kind in ASSIGNMENT_EVENTS:
            assignments = assignments_after(assignments, recorded, complaint.cycle)
        if kind in TASK_EVENTS:
            tasks = tasks_after(tasks, recorded, complaint.cycle)
        if kind in REMEDY_EVENTS:
            remedies = remedies_after(remedies, recorded, complaint.cycle)
        if kind in CONTACT_EVENTS:
            contacts.append(contact_of(recorded, complaint.cycle))
    shared = [] if complaint is None else [complaint]
    return [*shared, *assignments, *tasks.values(), *remedies.values(), *contacts]


def _after(row: WorkComplaintRow | None, recorded: Recorded[Any]) -> WorkComplaintRow:
    """The complaint after an event."""
    event = recorded.event
    if row is None:
        if not isinstance(event, ComplaintRegistered):
            raise ValueError("a complaint begins with its registration")
        return WorkComplaintRow(
            partition=recorded.partition,
            complaint_id=recorded.stream_id,
            ledger_position=recorded.position,
            source_system=event.source_system,
            cycle=1,
        )
    match event:
        case DetailAdded(details=facts) | FieldCorrected(new=facts) if facts.source_system:
            return replace(
                row, source_system=facts.source_system, ledger_position=recorded.position
            )
        case ResolutionDisputed(cycle=cycle):
            return replace(row, cycle=cycle + 1)
        case ComplaintReopened(cycle=cycle):
            return replace(row, cycle=cycle)
    return row
