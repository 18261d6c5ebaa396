"""Resolution 办结 and follow-up 回访: the complaint is resolved, and then only the customer's
own word confirms or disputes it; silence never confirms, and a dispute opens a new cycle.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.complaint.guards import refuse_handler, require_proof, require_sources, require_voice
from domain.complaint.state import AllowedAt, Complaint, end_waits
from domain.complaint.vocabulary import SEVERITY_ORDER, How
from domain.kernel import (
    Code,
    Command,
    Context,
    Event,
    NotAllowedAtStage,
    Recorded,
    Rejected,
    SecondPersonRequired,
    personal,
)

Text = Annotated[str, personal(min_length=1, max_length=20_000)]
Score = Annotated[int, msgspec.Meta(ge=1, le=5)]
Confirmer = Literal["customer", "representative"]

# --- commands -------------------------------------------------------------------------------


class ResolveComplaint(Command, frozen=True, kw_only=True):
    """Declare the work on the complaint done; its problem has to be confirmed before."""

    outcome: Code | None = None
    summary: Text | None = None


class ConfirmResolution(Command, frozen=True, kw_only=True):
    """Record that the customer has confirmed the resolution (the second verification)."""

    by: Confirmer
    how: How
    contact_id: UUID | None = None
    evidence_id: UUID | None = None


class DisputeResolution(Command, frozen=True, kw_only=True):
    """Record that the customer does not accept the resolution: the work begins again."""

    explanation: Text | None = None
    contact_id: UUID | None = None
    evidence_id: UUID | None = None


class RecordSatisfaction(Command, frozen=True, kw_only=True):
    """Record how satisfied the customer says to be with the last resolution."""

    score: Score
    by: Confirmer
    channel: Code
    sub_scores: dict[Code, Score] = {}
    comment: Text | None = None


# --- events ---------------------------------------------------------------------------------


class ComplaintResolved(Event, frozen=True, kw_only=True):
    """The work on the complaint was declared done."""

    cycle: int
    outcome: Code | None = None
    summary: Text | None = None


class ResolutionConfirmed(Event, frozen=True, kw_only=True):
    """The customer confirmed the resolution."""

    cycle: int
    by: Confirmer
    how: How
    contact_id: UUID | None = None
    evidence_id: UUID | None = None


class ResolutionDisputed(Event, frozen=True, kw_only=True):
    """The customer did not accept the resolution of this cycle; the next one began."""

    cycle: int
    explanation: Text | None = None
    contact_id: UUID | None = None
    evidence_id: UUID | None = None


class SatisfactionRecorded(Event, frozen=True, kw_only=True):
    """The customer said how satisfied they are with the resolution of this cycle."""

    cycle: int
    score: Score
    by: Confirmer
    channel: Code
    sub_scores: dict[Code, Score] = {}
    comment: Text | None = None


# --- rejections -----------------------------------------------------------------------------


class ProblemNotConfirmed(Rejected):
    """Nothing is resolved whose problem the customer has not confirmed."""

    title = "Problem not confirmed"
    title_zh = "问题尚未与客户确认"
    detail = "The customer has not confirmed what the problem is: use ConfirmProblem first."
    detail_zh = "尚未与客户确认问题，请先执行 ConfirmProblem。"


class TaskOpen(Rejected):
    """Nothing is resolved while a delegated task is open."""

    title = "A task is open"
    title_zh = "仍有未完成的协同任务"
    detail = "The task {task_id} is still open."
    detail_zh = "协同任务 {task_id} 尚未完成。"


# --- decide and evolve ----------------------------------------------------------------------

EVENTS: tuple[type[Any], ...] = (
    ComplaintResolved,
    ResolutionConfirmed,
    ResolutionDisputed,
    SatisfactionRecorded,
)
RECORDS: dict[type[Any], type[Any]] = {  # the event that keeps what a command says
    ResolveComplaint: ComplaintResolved,
    ConfirmResolution: ResolutionConfirmed,
    DisputeResolution: ResolutionDisputed,
    RecordSatisfaction: SatisfactionRecorded,
}
ALLOWED: AllowedAt = {
    ResolveComplaint: frozenset({"in_progress"}),
    ConfirmResolution: frozenset({"resolved", "final_position"}),
    DisputeResolution: frozenset({"resolved", "final_position"}),
    # "from resolved on": in a later cycle the answer to the earlier one may still come in
    RecordSatisfaction: frozenset({"in_progress", "resolved", "final_position", "closed"}),
}


def forbidden(command: type, state: Complaint) -> Rejected | None:
    """The rule that forbids a command whatever its body says."""
    if command is ResolveComplaint and state.problem_confirmed_in_cycle is None:
        return ProblemNotConfirmed()
    if command is ResolveComplaint:
        for wait in state.waits:
            if wait.on == "task" and wait.status == "open":
                return TaskOpen(task_id=wait.id)
    if (
        command is RecordSatisfaction
        and state.stage == "in_progress"
        and state.last_resolved_cycle is None
    ):
        return NotAllowedAtStage(command="RecordSatisfaction", stage=state.stage)
    return None


def decide(command: object, state: Complaint, context: Context) -> list[object]:
    """Decide on the commands of this stage."""
    match command:
        case ResolveComplaint():
            return [
                ComplaintResolved(
                    cycle=state.cycle, outcome=command.outcome, summary=command.summary
                )
            ]
        case ConfirmResolution():
            return _confirm(command, state, context)
        case DisputeResolution():
            require_sources(state, command)
            return [
                ResolutionDisputed(
                    cycle=state.cycle,
                    explanation=command.explanation,
                    contact_id=command.contact_id,
                    evidence_id=command.evidence_id,
                )
            ]
        case RecordSatisfaction():
            refuse_handler(command, state, context, rule="survey_collector")
            require_voice(command, state, by_link=command.channel == "link")
            return [
                SatisfactionRecorded(
                    cycle=state.last_resolved_cycle or state.cycle,
                    score=command.score,
                    by=command.by,
                    channel=command.channel,
                    sub_scores=command.sub_scores,
                    comment=command.comment,
                )
            ]
    raise TypeError(command)


def _confirm(command: ConfirmResolution, state: Complaint, context: Context) -> list[object]:
    require_proof(state, command, since=state.resolved_at)
    require_voice(command, state, by_link=command.how == "link")
    if (
        "confirmation_recorder" in context.rules.four_eyes
        and SEVERITY_ORDER[state.severity] >= SEVERITY_ORDER["important"]
        and state.resolved_by in context.people
    ):
        raise SecondPersonRequired(command="ConfirmResolution", rule="confirmation_recorder")
    return [
        ResolutionConfirmed(
            # told late, after a close in a cycle without a resolution: it meant the one before
            cycle=state.last_resolved_cycle or state.cycle,
            by=command.by,
            how=command.how,
            contact_id=command.contact_id,
            evidence_id=command.evidence_id,
        )
    ]


def evolve(state: Complaint, recorded: Recorded[object]) -> Complaint:
    """What the events of this stage leave."""
    match recorded.event:
        case ComplaintResolved(cycle=cycle):
            return replace(
                end_waits(state, "customer", "supplier"),  # what was asked is no longer needed
                stage="resolved",
                resolved_by=recorded.metadata.accountable,
                resolved_at=recorded.occurred_at,
                last_resolved_cycle=cycle,
            )
        case ResolutionConfirmed(cycle=cycle) if cycle == state.cycle:
            return replace(state, is_resolution_confirmed=True)
        case ResolutionDisputed():
            return replace(
                state,
                stage="in_progress",
                cycle=state.cycle + 1,
                is_resolution_confirmed=False,
            )
    return state
