"""Supervision 督办: whoever should act is reminded 催办, and what is stuck is lifted 升级 to a
level, a unit or a person that can move it; who holds the complaint is settled by assigning alone.
"""

from typing import Annotated, Any
from uuid import UUID

from domain.complaint.guards import known_task
from domain.complaint.state import OPEN, AllowedAt, Complaint
from domain.kernel import (
    Code,
    Command,
    Context,
    Event,
    Identifier,
    ReasonText,
    Recorded,
    Rejected,
    personal,
)

Message = Annotated[str, personal(min_length=1, max_length=20_000)]

# --- commands -------------------------------------------------------------------------------


class EscalateComplaint(Command, frozen=True, kw_only=True):
    """Lift the complaint to a level, a unit or a person that can move it, and say why."""

    level: Code | None = None
    unit_id: Identifier | None = None
    person_id: Identifier | None = None
    reason_code: Code
    reason_text: ReasonText


class RemindHandler(Command, frozen=True, kw_only=True):
    """Remind whoever holds the complaint, or somebody else at work on it, of what is due."""

    about: Code
    unit_id: Identifier | None = None
    person_id: Identifier | None = None
    task_id: UUID | None = None
    message: Message | None = None


# --- events ---------------------------------------------------------------------------------


class ComplaintEscalated(Event, frozen=True, kw_only=True):
    """The complaint was lifted to a level, a unit or a person that can move it."""

    level: Code | None = None
    unit_id: Identifier | None = None
    person_id: Identifier | None = None
    reason_code: Code


class HandlerReminded(Event, frozen=True, kw_only=True):
    """A unit, or a person of it, was reminded of what is due."""

    about: Code
    unit_id: Identifier
    person_id: Identifier | None = None
    task_id: UUID | None = None
    message: Message | None = None


# --- rejections -----------------------------------------------------------------------------


class EscalatedToNobody(Rejected):
    """An escalation has to say to which level, unit or person."""

    title = "Escalated to nobody"
    title_zh = "未指明升级对象"
    detail = "EscalateComplaint needs a level, a unit_id or a person_id."
    detail_zh = "EscalateComplaint 须填写 level、unit_id 或 person_id。"


class NothingLeftToDo(Rejected):
    """Nobody is reminded of a task that is done, or that nothing waits for any more."""

    title = "Nothing left to do"
    title_zh = "任务已无待办"
    detail = "The task {task_id} is {status}."
    detail_zh = "任务 {task_id} 的状态为 {status}。"


# --- decide and evolve ----------------------------------------------------------------------

EVENTS: tuple[type[Any], ...] = (ComplaintEscalated, HandlerReminded)
RECORDS: dict[type[Any], type[Any]] = {  # the event that keeps what a command says
    EscalateComplaint: ComplaintEscalated,
    RemindHandler: HandlerReminded,
}
ALLOWED: AllowedAt = {EscalateComplaint: OPEN, RemindHandler: OPEN}


def decide(command: object, state: Complaint, context: Context) -> list[object]:
    """Decide on the commands of this stage."""
    match command:
        case EscalateComplaint():
            if not (command.level or command.unit_id or command.person_id):
                raise EscalatedToNobody
            return [
                ComplaintEscalated(
                    level=command.level,
                    unit_id=command.unit_id,
                    person_id=command.person_id,
                    reason_code=command.reason_code,
                )
            ]
        case RemindHandler():
            if command.task_id is not None:
                task = known_task(state, command.task_id)
                if task.status != "open":
                    raise NothingLeftToDo(task_id=task.id, status=task.status)
            # nobody named, it is the holder who is reminded; of another unit, only who is named
            is_holder = command.unit_id is None and command.person_id is None
            return [
                HandlerReminded(
                    about=command.about,
                    unit_id=command.unit_id or state.holder_unit,
                    person_id=state.owner_person if is_holder else command.person_id,
                    task_id=command.task_id,
                    message=command.message,
                )
            ]
    raise TypeError(command)


def evolve(state: Complaint, recorded: Recorded[object]) -> Complaint:
    """What the events of this stage leave: who holds the complaint is as it was."""
    return state
