"""Handling: the complaint is given to somebody 派单, signed for 签收 or handed back 退单, and
its problem is confirmed with the customer 问题确认 before anything is offered.
"""

from typing import Any, Literal
from uuid import UUID

from msgspec.structs import replace

from domain.complaint.guards import require_sources, require_voice, require_word
from domain.complaint.state import AllowedAt, Complaint
from domain.complaint.vocabulary import How
from domain.kernel import Code, Command, Context, Event, Identifier, ReasonText, Recorded

Confirmer = Literal["customer", "representative"]

# --- commands -------------------------------------------------------------------------------


class AssignComplaint(Command, frozen=True, kw_only=True):
    """Give the complaint to a unit, and to a person of it if one is known."""

    unit_id: Identifier
    person_id: Identifier | None = None


class SignForAssignment(Command, frozen=True, kw_only=True):
    """Take the complaint into one's own hands."""


class ReturnAssignment(Command, frozen=True, kw_only=True):
    """Hand the complaint back to the supervisor queue of the unit that owns it, with a reason."""

    reason_code: Code
    reason_text: ReasonText


class ConfirmProblem(Command, frozen=True, kw_only=True):
    """Record that the customer has confirmed what the problem is (the first verification)."""

    by: Confirmer
    how: How
    contact_id: UUID | None = None
    evidence_id: UUID | None = None


# --- events ---------------------------------------------------------------------------------


class ComplaintAssigned(Event, frozen=True, kw_only=True):
    """The complaint was given to a unit, perhaps to a person of it."""

    unit_id: Identifier
    person_id: Identifier | None = None


class AssignmentSignedFor(Event, frozen=True, kw_only=True):
    """A person took the complaint into their hands."""

    unit_id: Identifier
    person_id: Identifier


class AssignmentReturned(Event, frozen=True, kw_only=True):
    """The complaint was handed back to the supervisor queue of its unit."""

    unit_id: Identifier
    person_id: Identifier | None = None
    reason_code: Code


class ProblemConfirmed(Event, frozen=True, kw_only=True):
    """The customer confirmed what the problem is; late, if a remedy had been proposed before."""

    by: Confirmer
    how: How
    contact_id: UUID | None = None
    evidence_id: UUID | None = None
    is_late: bool = False


# --- decide and evolve ----------------------------------------------------------------------

EVENTS: tuple[type[Any], ...] = (
    ComplaintAssigned,
    AssignmentSignedFor,
    AssignmentReturned,
    ProblemConfirmed,
)
RECORDS: dict[type[Any], type[Any]] = {  # the event that keeps what a command says
    AssignComplaint: ComplaintAssigned,
    SignForAssignment: AssignmentSignedFor,
    ReturnAssignment: AssignmentReturned,
    ConfirmProblem: ProblemConfirmed,
}
ALLOWED: AllowedAt = {
    AssignComplaint: frozenset({"accepted", "in_progress"}),
    SignForAssignment: frozenset({"accepted", "in_progress"}),
    ReturnAssignment: frozenset({"accepted", "in_progress"}),
    ConfirmProblem: frozenset({"in_progress"}),
}


def decide(command: object, state: Complaint, context: Context) -> list[object]:
    """Decide on the commands of this stage."""
    match command:
        case AssignComplaint():
            return [ComplaintAssigned(unit_id=command.unit_id, person_id=command.person_id)]
        case SignForAssignment():
            if state.is_signed_for and state.owner_person == context.by:
                return []
            return [AssignmentSignedFor(unit_id=state.holder_unit, person_id=context.by)]
        case ReturnAssignment():
            return [
                AssignmentReturned(
                    unit_id=state.holder_unit,
                    person_id=state.owner_person,
                    reason_code=command.reason_code,
                )
            ]
        case ConfirmProblem():
            require_sources(state, command)
            require_word(state, command.contact_id)
            require_voice(command, state, by_link=command.how == "link")
            return [
                ProblemConfirmed(
                    by=command.by,
                    how=command.how,
                    contact_id=command.contact_id,
                    evidence_id=command.evidence_id,
                    is_late=bool(state.remedies),
                )
            ]
    raise TypeError(command)


def evolve(state: Complaint, recorded: Recorded[object]) -> Complaint:
    """What the events of this stage leave."""
    match recorded.event:
        case ComplaintAssigned(unit_id=unit_id, person_id=person_id):
            return replace(
                state,
                stage="in_progress",
                owner_unit=unit_id,
                owner_person=person_id,
                is_signed_for=False,
            )
        case AssignmentSignedFor(unit_id=unit_id, person_id=person_id):
            return replace(
                state,
                stage="in_progress",
                owner_unit=unit_id,
                owner_person=person_id,
                is_signed_for=True,
            )
        case AssignmentReturned():
            return replace(state, stage="accepted", owner_person=None, is_signed_for=False)
        case ProblemConfirmed() if state.problem_confirmed_in_cycle is None:
            return replace(state, problem_confirmed_in_cycle=state.cycle)
    return state
