"""Joint work 协同任务: a part of the work is given to another unit, and the complaint waits for it.

Nothing is resolved while a task is open. A close ends the tasks still open, a merge only suspends
them; work that was done all the same is still recorded, but nothing waits for it any more.
"""

from typing import Annotated, Any
from uuid import UUID

import msgspec

from domain.complaint.guards import known_task, require_evidence
from domain.complaint.state import AllowedAt, Complaint, wait_done, wait_for
from domain.kernel import (
    Code,
    Command,
    Context,
    Event,
    Identifier,
    Moment,
    Recorded,
    personal,
)

Instructions = Annotated[str, personal(min_length=1, max_length=20_000)]
Attachments = Annotated[list[UUID], msgspec.Meta(max_length=50)]

# --- commands -------------------------------------------------------------------------------


class DelegateTask(Command, frozen=True, kw_only=True):
    """Give a part of the work to a unit, and to a person of it if one is known."""

    kind: Code
    unit_id: Identifier
    person_id: Identifier | None = None
    instructions: Instructions | None = None
    due_at: Moment | None = None
    evidence_ids: Attachments = []


class CompleteTask(Command, frozen=True, kw_only=True):
    """Record that a delegated part of the work is done, and what came of it."""

    task_id: UUID
    outcome: Code | None = None
    result: Instructions | None = None
    evidence_ids: Attachments = []


# --- events ---------------------------------------------------------------------------------


class TaskDelegated(Event, frozen=True, kw_only=True):
    """A part of the work was given to a unit."""

    task_id: UUID
    kind: Code
    unit_id: Identifier
    person_id: Identifier | None = None
    instructions: Instructions | None = None
    due_at: Moment | None = None
    evidence_ids: Attachments = []


class TaskCompleted(Event, frozen=True, kw_only=True):
    """A delegated part of the work was done."""

    task_id: UUID
    outcome: Code | None = None
    result: Instructions | None = None
    evidence_ids: Attachments = []


# --- decide and evolve ----------------------------------------------------------------------

EVENTS: tuple[type[Any], ...] = (TaskDelegated, TaskCompleted)
RECORDS: dict[type[Any], type[Any]] = {  # the event that keeps what a command says
    DelegateTask: TaskDelegated,
    CompleteTask: TaskCompleted,
}
ALLOWED: AllowedAt = {
    DelegateTask: frozenset({"in_progress"}),
    CompleteTask: frozenset({"in_progress"}),
}


def decide(command: object, state: Complaint, context: Context) -> list[object]:
    """Decide on the commands of this stage."""
    match command:
        case DelegateTask():
            require_evidence(state, *command.evidence_ids)
            return [
                TaskDelegated(
                    task_id=context.new_id("task"),
                    kind=command.kind,
                    unit_id=command.unit_id,
                    person_id=command.person_id,
                    instructions=command.instructions,
                    due_at=command.due_at,
                    evidence_ids=command.evidence_ids,
                )
            ]
        case CompleteTask():
            task = known_task(state, command.task_id)
            require_evidence(state, *command.evidence_ids)
            if task.status == "done":
                return []
            return [
                TaskCompleted(
                    task_id=command.task_id,
                    outcome=command.outcome,
                    result=command.result,
                    evidence_ids=command.evidence_ids,
                )
            ]
    raise TypeError(command)


def evolve(state: Complaint, recorded: Recorded[object]) -> Complaint:
    """What the events of this stage leave."""
    match recorded.event:
        case TaskDelegated(task_id=task_id):
            return wait_for(state, task_id, "task")
        case TaskCompleted(task_id=task_id):
            return wait_done(state, task_id)
    return state
