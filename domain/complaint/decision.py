"""Decision 沟通决定 and final position 最终答复: the complainant is told what was decided, why, and
where else to turn; where they do not accept the resolution and nothing more can be offered, a
supervisor who did not handle the complaint declares it the last word.
"""

from typing import Annotated, Any
from uuid import UUID

from msgspec.structs import replace

from domain.complaint.guards import (
    refuse_handler,
    refuse_involved,
    require_contact,
    require_supervisor,
)
from domain.complaint.state import AllowedAt, Complaint
from domain.complaint.vocabulary import Language
from domain.kernel import Code, Command, Context, Event, Recorded, Rejected, personal

Text = Annotated[str, personal(min_length=1, max_length=20_000)]

# --- commands -------------------------------------------------------------------------------


class CommunicateDecision(Command, frozen=True, kw_only=True):
    """Record that the complainant was told the decision, its reasons and where else to turn."""

    decision: Code
    reasons: Text
    recourse: Text | None = None
    language: Language
    contact_id: UUID


class DeclareFinalPosition(Command, frozen=True, kw_only=True):
    """Declare what was decided to be the last word of the organisation."""


# --- events ---------------------------------------------------------------------------------


class DecisionCommunicated(Event, frozen=True, kw_only=True):
    """The complainant was told the decision, its reasons and where else to turn."""

    decision: Code
    reasons: Text
    recourse: Text | None = None
    language: Language
    contact_id: UUID


class FinalPositionDeclared(Event, frozen=True, kw_only=True):
    """What was decided is the last word of the organisation in this cycle."""

    cycle: int


# --- rejections -----------------------------------------------------------------------------


class DecisionNotCommunicated(Rejected):
    """There is no last word before the complainant knows the decision and the outside recourse."""

    title = "Decision not communicated"
    title_zh = "尚未沟通决定"
    detail = "Communicate the decision of this cycle together with the outside recourse first."
    detail_zh = "请先告知客户本轮的决定及外部救济途径。"


# --- decide and evolve ----------------------------------------------------------------------

EVENTS: tuple[type[Any], ...] = (DecisionCommunicated, FinalPositionDeclared)
RECORDS: dict[type[Any], type[Any]] = {  # the event that keeps what a command says
    CommunicateDecision: DecisionCommunicated,
    DeclareFinalPosition: FinalPositionDeclared,
}
ALLOWED: AllowedAt = {
    CommunicateDecision: frozenset({"in_progress"}),
    DeclareFinalPosition: frozenset({"resolved"}),
}


def forbidden(command: type, state: Complaint) -> Rejected | None:
    """The rule that forbids a command whatever its body says."""
    if command is DeclareFinalPosition and state.recourse_told_in_cycle != state.cycle:
        return DecisionNotCommunicated()
    return None


def decide(command: object, state: Complaint, context: Context) -> list[object]:
    """Decide on the commands of this stage."""
    match command:
        case CommunicateDecision():
            require_contact(state, command.contact_id)
            return [
                DecisionCommunicated(
                    decision=command.decision,
                    reasons=command.reasons,
                    recourse=command.recourse,
                    language=command.language,
                    contact_id=command.contact_id,
                )
            ]
        case DeclareFinalPosition():
            require_supervisor(command, context)
            refuse_involved(command, state, context, rule="final_position")
            refuse_handler(command, state, context, rule="final_position")
            return [FinalPositionDeclared(cycle=state.cycle)]
    raise TypeError(command)


def evolve(state: Complaint, recorded: Recorded[object]) -> Complaint:
    """What the events of this stage leave."""
    match recorded.event:
        case DecisionCommunicated(recourse=recourse) if recourse is not None:
            return replace(state, recourse_told_in_cycle=state.cycle)
        case FinalPositionDeclared():
            return replace(state, stage="final_position", final_position_at=recorded.occurred_at)
    return state
