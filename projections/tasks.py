"""Joint work 协同任务 in the view `work`: each part of the work given to another unit.

A close ends undone what is open, a merge only suspends it. What was done all the same, or was told
late, is done. Whether a task is overdue depends on the present: `bi.tasks` says so.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from domain.complaint.merge import ComplaintUnmerged
from domain.complaint.state import ComplaintClosed
from domain.complaint.tasks import TaskCompleted, TaskDelegated
from domain.kernel import Recorded
from projections.progress import Imprecise, is_late_recorded, told_at, without
from projections.view import Row, Table


class TaskRow(Row, frozen=True):
    """One task: to whom, by when, and what became of it."""

    complaint_id: UUID
    task_id: UUID
    ledger_position: int  # of the last event that changed the row
    cycle: int
    recorded_at: datetime  # of the event that delegated it
    is_late_recorded: bool  # any of its times
    kind: str
    delegated_by: str
    delegated_at: datetime
    unit_id: str

    person_id: str | None = None
    due_at: datetime | None = None
    completed_by: str | None = None
    completed_at: datetime | None = None
    outcome: str | None = None
    ended_at: datetime | None = None  # undone
    end_reason: str | None = None  # why the complaint was closed
    suspended_at: datetime | None = None  # while the complaint is merged into another
    imprecise: Imprecise = None


TASKS = Table("tasks", TaskRow, ("partition", "complaint_id", "task_id"))
TASK_EVENTS = (TaskDelegated, TaskCompleted, ComplaintClosed, ComplaintUnmerged)
Tasks = dict[UUID, TaskRow]


def tasks_after(rows: Tasks, recorded: Recorded[Any], cycle: int) -> Tasks:
    """The tasks of a complaint after an event, by id."""
    event = recorded.event
    match event:
        case TaskDelegated():
            return {**rows, event.task_id: _delegated(event, recorded, cycle)}
        case TaskCompleted(task_id=task_id, outcome=outcome):
            row = rows[task_id]
            row = replace(row, **without(row.imprecise, "ended", "suspended"), end_reason=None)
            done = _changed(
                row, "completed", recorded, completed_by=recorded.metadata.by, outcome=outcome
            )
            return {**rows, task_id: done}
        case ComplaintClosed(reason=reason):
            facts = {} if reason == "duplicate" else {"end_reason": reason}
            name = "suspended" if reason == "duplicate" else "ended"
            return {
                key: _changed(row, name, recorded, **facts) if _is_open(row) else row
                for key, row in rows.items()
            }
        case ComplaintUnmerged():
            return {
                key: row if row.suspended_at is None else _resumed(row, recorded)
                for key, row in rows.items()
            }
    return rows


def _delegated(event: TaskDelegated, recorded: Recorded[Any], cycle: int) -> TaskRow:
    return TaskRow(
        partition=recorded.partition,
        complaint_id=recorded.stream_id,
        task_id=event.task_id,
        ledger_position=recorded.position,
        cycle=cycle,
        recorded_at=recorded.recorded_at,
        is_late_recorded=is_late_recorded(recorded),
        kind=event.kind,
        delegated_by=recorded.metadata.by,
        unit_id=event.unit_id,
        person_id=event.person_id,
        due_at=event.due_at,
        **told_at(None, "delegated", recorded),
    )


def _is_open(row: TaskRow) -> bool:
    return row.completed_at is None and row.ended_at is None and row.suspended_at is None


def _resumed(row: TaskRow, recorded: Recorded[Any]) -> TaskRow:
    going_on = without(row.imprecise, "suspended")
    return replace(row, ledger_position=recorded.position, **going_on)


def _changed(row: TaskRow, name: str, recorded: Recorded[Any], **facts: Any) -> TaskRow:
    return replace(
        row,
        ledger_position=recorded.position,
        is_late_recorded=row.is_late_recorded or is_late_recorded(recorded),
        **told_at(row.imprecise, name, recorded),
        **facts,
    )
