"""A complaint, from receipt to a close that the customer has confirmed.

The slice joins its stage files: each holds the commands, events and rejections of one act of
the story with its own `decide` and `evolve`. This module knows which file a command is of, and
the rules that hold for all of them: the stage, the time told, and that a fact told twice is one.
"""

from types import ModuleType
from typing import Any

from msgspec.structs import replace

from domain.complaint import (
    approval,
    assessment,
    closure,
    contact,
    decision,
    emergency,
    evidence,
    handling,
    identity,
    intake,
    investigation,
    merge,
    pausing,
    referral,
    remedy,
    repeat,
    resolution,
    supervision,
    tasks,
)
from domain.complaint.approval import DeclineRemedy
from domain.complaint.closure import CloseComplaint
from domain.complaint.contact import RecordChaser, RecordContact
from domain.complaint.decision import CommunicateDecision
from domain.complaint.emergency import FlagEmergency, RecordContainment
from domain.complaint.guards import require_proof
from domain.complaint.handling import AssignmentSignedFor, ConfirmProblem
from domain.complaint.intake import AcknowledgeComplaint, RegisterComplaint
from domain.complaint.investigation import RecordFinding, RecordInformation
from domain.complaint.referral import RecordOutsideOutcome, ReportOutcomeToBody
from domain.complaint.remedy import AcceptRemedy, FulfilRemedy, ProposeRemedy
from domain.complaint.resolution import ConfirmResolution, DisputeResolution, RecordSatisfaction
from domain.complaint.state import OPEN, AllowedAt, Complaint
from domain.complaint.supervision import EscalateComplaint, RemindHandler
from domain.complaint.tasks import CompleteTask
from domain.kernel import (
    Context,
    Decider,
    NotAllowedAtStage,
    Recorded,
    Rejected,
)
from domain.time.telling import events_told, is_backdated, refuse_backdated, refuse_future

STAGE_FILES: tuple[ModuleType, ...] = (
    intake,
    contact,
    evidence,
    emergency,
    assessment,
    handling,
    tasks,
    investigation,
    referral,
    remedy,
    approval,
    decision,
    resolution,
    closure,
    merge,
    identity,
    repeat,
    supervision,
    pausing,
)
ALLOWED: AllowedAt = {k: v for module in STAGE_FILES for k, v in module.ALLOWED.items()}
_OF_COMMAND = {command: module for module in STAGE_FILES for command in module.ALLOWED}
_RECORDS = {k: v for module in STAGE_FILES for k, v in module.RECORDS.items()}
_EVOLVE = {event: module.evolve for module in STAGE_FILES for event in module.EVENTS}

LATE_FACTS = frozenset(
    {
        AcknowledgeComplaint,
        FlagEmergency,
        RecordContainment,
        ConfirmProblem,
        RecordFinding,
        CompleteTask,
        RecordInformation,
        RecordOutsideOutcome,
        ReportOutcomeToBody,
        ProposeRemedy,
        AcceptRemedy,
        DeclineRemedy,
        CommunicateDecision,
        ConfirmResolution,
        EscalateComplaint,
        RemindHandler,
    }
)
"""A closed complaint still takes these when they occurred before the close."""

_NEVER_SILENT = frozenset(
    {
        RecordContact,
        RecordChaser,
        RecordInformation,
        DisputeResolution,
        RecordSatisfaction,
        FulfilRemedy,
        RemindHandler,
    }
)
_NEED_PROOF_WHEN_BACKDATED = (AcknowledgeComplaint, ConfirmProblem, ConfirmResolution)


# --- rejections -----------------------------------------------------------------------------


class UnknownComplaint(Rejected):
    """There is no complaint at this address."""

    status = 404
    title = "Unknown complaint"
    title_zh = "投诉不存在"
    detail = "There is no complaint at this address."
    detail_zh = "该地址下没有投诉。"


class BeforeReceipt(Rejected):
    """Nothing happens to a complaint before it is received."""

    title = "Before the receipt"
    title_zh = "早于接收时间"
    detail = "occurred_at lies before the receipt of the complaint."
    detail_zh = "occurred_at 早于投诉接收时间。"


# --- decide ---------------------------------------------------------------------------------


def decide(command: Any, state: Complaint, context: Context) -> list[Any]:
    """What follows from a command, or the rule that forbids it."""
    stage_file = _OF_COMMAND[type(command)]
    if _is_told_already(command, state, context):
        return []
    _refuse_stage(command, state, context)
    _refuse_time(command, state, context)
    if (forbidden := _forbidden(type(command), state)) is not None:
        raise forbidden
    events: list[Any] = stage_file.decide(command, state, context)
    if events and command.reason_text is not None:
        events[0] = replace(events[0], reason_text=command.reason_text)
    return events


def allowed_commands(state: Complaint) -> dict[type[Any], Rejected | None]:
    """Each command with the rule that forbids it at present, as far as no body is needed."""
    answer: dict[type[Any], Rejected | None] = {}
    for command, stages in ALLOWED.items():
        if state.stage in stages:
            answer[command] = _forbidden(command, state)
        else:
            answer[command] = NotAllowedAtStage(command=command.__name__, stage=state.stage)
    return answer


def _forbidden(command: type[Any], state: Complaint) -> Rejected | None:
    rule = getattr(_OF_COMMAND[command], "forbidden", None)
    return rule(command, state) if rule else None


def _refuse_stage(command: Any, state: Complaint, context: Context) -> None:
    kind = type(command)
    if state.stage is None:
        if kind is not RegisterComplaint:
            raise UnknownComplaint
        return
    stages = ALLOWED[kind]
    if isinstance(command, CloseComplaint) and command.reason == "imported":
        stages = OPEN
    if state.stage in stages:
        return
    told = context.told_at(command)
    is_late_fact = (
        kind in LATE_FACTS
        and told is not None
        and state.closed_at is not None
        and told < state.closed_at
        and not stages.isdisjoint(state.stages_seen)
    )
    if not is_late_fact:
        raise NotAllowedAtStage(command=kind.__name__, stage=state.stage)


def _refuse_time(command: Any, state: Complaint, context: Context) -> None:
    if command.occurred_at is None:
        return
    refuse_future(command, context)
    if state.received_at is not None and command.occurred_at < state.received_at:
        raise BeforeReceipt
    refuse_backdated(command, context)
    if isinstance(command, _NEED_PROOF_WHEN_BACKDATED) and is_backdated(command, context):
        require_proof(state, command)


def _is_told_already(command: Any, state: Complaint, context: Context) -> bool:
    """Whether a fact of the same content and time is recorded: telling it twice is silence."""
    if command.occurred_at is None or type(command) in _NEVER_SILENT:
        return False
    return any(
        # all that signing says is who signs
        not isinstance(event, AssignmentSignedFor) or event.person_id == context.by
        for event in events_told(command, _RECORDS[type(command)], state.told, context)
    )


# --- evolve ---------------------------------------------------------------------------------


def evolve(state: Complaint, recorded: Recorded[Any]) -> Complaint:
    """What an event leaves."""
    after: Complaint = _EVOLVE[type(recorded.event)](state, recorded)
    if after.stage is not None and after.stage not in after.stages_seen:
        after = replace(after, stages_seen=after.stages_seen | {after.stage})
    if (told := recorded.metadata.occurred_at) is not None:
        after = replace(after, told=(*after.told, (told, recorded.event)))
    return after


COMPLAINT = Decider[Complaint](
    name="complaint",
    initial=Complaint(),
    decide=decide,
    evolve=evolve,
    commands=tuple(_OF_COMMAND),
    events=tuple(_EVOLVE),
)
