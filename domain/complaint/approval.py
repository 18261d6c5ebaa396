"""What an offer can meet with before it is accepted: approval 审批 or rejection by our own people,
or a customer who does not want it.

Goodwill beyond what a handler may grant alone is decided by another person. What is owed by law
or by contract is never up for approval: nobody can refuse it in this way.
"""

from typing import Any
from uuid import UUID

from domain.complaint.guards import open_remedy, refuse_reporters_word, require_sources
from domain.complaint.state import AllowedAt, Complaint, with_remedy
from domain.kernel import (
    Code,
    Command,
    Context,
    Event,
    ReasonText,
    Recorded,
    Rejected,
    SecondPersonRequired,
)

# --- commands -------------------------------------------------------------------------------


class ApproveRemedy(Command, frozen=True, kw_only=True):
    """Approve a remedy that somebody else has proposed."""

    remedy_id: UUID


class RejectRemedy(Command, frozen=True, kw_only=True):
    """Refuse to grant a remedy out of goodwill, with a reason."""

    remedy_id: UUID
    reason_code: Code
    reason_text: ReasonText


class DeclineRemedy(Command, frozen=True, kw_only=True):
    """Record that the customer does not take the remedy offered."""

    remedy_id: UUID
    contact_id: UUID | None = None
    evidence_id: UUID | None = None


# --- events ---------------------------------------------------------------------------------


class RemedyApproved(Event, frozen=True, kw_only=True):
    """A second person approved the remedy."""

    remedy_id: UUID


class RemedyRejected(Event, frozen=True, kw_only=True):
    """The remedy was not granted."""

    remedy_id: UUID
    reason_code: Code


class RemedyDeclined(Event, frozen=True, kw_only=True):
    """The customer did not take the remedy offered."""

    remedy_id: UUID
    contact_id: UUID | None = None
    evidence_id: UUID | None = None


# --- rejections -----------------------------------------------------------------------------


class RemedyOwed(Rejected):
    """A remedy owed by law or by contract is not refused by approval."""

    title = "The remedy is owed"
    title_zh = "该处理方案属法定或约定义务"
    detail = "The remedy {remedy_id} is {basis}: no approval level refuses it."
    detail_zh = "处理方案 {remedy_id} 的依据为 {basis}，不得以审批级别为由拒绝。"


# --- decide and evolve ----------------------------------------------------------------------

EVENTS: tuple[type[Any], ...] = (RemedyApproved, RemedyRejected, RemedyDeclined)
RECORDS: dict[type[Any], type[Any]] = {  # the event that keeps what a command says
    ApproveRemedy: RemedyApproved,
    RejectRemedy: RemedyRejected,
    DeclineRemedy: RemedyDeclined,
}
ALLOWED: AllowedAt = {
    ApproveRemedy: frozenset({"in_progress"}),
    RejectRemedy: frozenset({"in_progress"}),
    DeclineRemedy: frozenset({"in_progress"}),
}


def decide(command: object, state: Complaint, context: Context) -> list[object]:
    """Decide on the commands of this stage."""
    match command:
        case ApproveRemedy(remedy_id=remedy_id):
            remedy = open_remedy(state, command, "proposed", "approved")
            if remedy.status == "approved":
                return []
            if (
                "remedy_approver" in context.rules.four_eyes
                and remedy.proposed_by in context.people
            ):
                raise SecondPersonRequired(command="ApproveRemedy", rule="remedy_approver")
            return [RemedyApproved(remedy_id=remedy_id)]
        case RejectRemedy(remedy_id=remedy_id):
            remedy = open_remedy(state, command, "proposed", "approved", "rejected")
            if remedy.status == "rejected":
                return []
            if remedy.basis != "goodwill":
                raise RemedyOwed(remedy_id=remedy_id, basis=remedy.basis)
            return [RemedyRejected(remedy_id=remedy_id, reason_code=command.reason_code)]
        case DeclineRemedy(remedy_id=remedy_id):
            require_sources(state, command)
            refuse_reporters_word(command, state)
            if open_remedy(state, command, "proposed", "approved", "declined").status == "declined":
                return []
            return [
                RemedyDeclined(
                    remedy_id=remedy_id,
                    contact_id=command.contact_id,
                    evidence_id=command.evidence_id,
                )
            ]
    raise TypeError(command)


def evolve(state: Complaint, recorded: Recorded[object]) -> Complaint:
    """What the events of this stage leave."""
    match recorded.event:
        case RemedyApproved(remedy_id=remedy_id):
            return with_remedy(state, remedy_id, status="approved")
        case RemedyRejected(remedy_id=remedy_id):
            return with_remedy(state, remedy_id, status="rejected")
        case RemedyDeclined(remedy_id=remedy_id):
            return with_remedy(state, remedy_id, status="declined")
    return state
