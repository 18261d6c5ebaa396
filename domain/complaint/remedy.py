"""Remedies 处理方案: what is offered to put things right, whether the customer takes it, and
whether it was really done; money counts as done when it was paid.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec.structs import replace

from domain.complaint.state import (
    AllowedAt,
    Complaint,
    Remedy,
    require_sources,
)
from domain.kernel import (
    Code,
    Command,
    Context,
    Event,
    Label,
    Money,
    PersonalText,
    Recorded,
    Rejected,
    personal,
)

Basis = Literal["statutory", "contractual", "goodwill"]
Description = Annotated[str, personal(min_length=1, max_length=20_000)]

# --- commands -------------------------------------------------------------------------------


class ProposeRemedy(Command, frozen=True, kw_only=True):
    """Offer the customer something that puts the matter right."""

    kind: Code
    basis: Basis
    legal_ref: Label | None = None
    amount: Money | None = None
    description: Description | None = None


class AcceptRemedy(Command, frozen=True, kw_only=True):
    """Record that the customer takes the remedy offered."""

    remedy_id: UUID
    contact_id: UUID | None = None
    evidence_id: UUID | None = None


class FulfilRemedy(Command, frozen=True, kw_only=True):
    """Record that an accepted remedy was carried out; for money, with the payment's reference."""

    remedy_id: UUID
    payment_reference: PersonalText | None = None
    amount: Money | None = None


# --- events ---------------------------------------------------------------------------------


class RemedyProposed(Event, frozen=True, kw_only=True):
    """The customer was offered something that puts the matter right."""

    remedy_id: UUID
    kind: Code
    basis: Basis
    legal_ref: Label | None = None
    amount: Money | None = None
    description: Description | None = None


class RemedyAccepted(Event, frozen=True, kw_only=True):
    """The customer took the remedy offered."""

    remedy_id: UUID
    contact_id: UUID | None = None
    evidence_id: UUID | None = None


class RemedyFulfilled(Event, frozen=True, kw_only=True):
    """A remedy was carried out."""

    remedy_id: UUID
    payment_reference: PersonalText | None = None
    amount: Money | None = None


# --- rejections -----------------------------------------------------------------------------


class RemedyNotAccepted(Rejected):
    """Only a remedy that the customer has accepted is carried out."""

    title = "Remedy not accepted"
    title_zh = "处理方案尚未被客户接受"
    detail = "The remedy {remedy_id} is {status}; only an accepted one is carried out."
    detail_zh = "处理方案 {remedy_id} 的状态为 {status}；客户接受后方可执行。"


class PaymentReferenceRequired(Rejected):
    """Money counts as paid only with the reference of the payment."""

    title = "Payment reference required"
    title_zh = "须填写付款凭证号"
    detail = "The remedy {remedy_id} is about money: name its payment_reference."
    detail_zh = "处理方案 {remedy_id} 涉及金额，须填写 payment_reference。"


# --- decide and evolve ----------------------------------------------------------------------

EVENTS: tuple[type[Any], ...] = (
    RemedyProposed,
    RemedyAccepted,
    RemedyFulfilled,
)
RECORDS: dict[type[Any], type[Any]] = {  # the event that keeps what a command says
    ProposeRemedy: RemedyProposed,
    AcceptRemedy: RemedyAccepted,
    FulfilRemedy: RemedyFulfilled,
}
ALLOWED: AllowedAt = {
    ProposeRemedy: frozenset({"in_progress"}),
    AcceptRemedy: frozenset({"in_progress"}),
    FulfilRemedy: frozenset({"in_progress", "resolved", "final_position", "closed"}),
}


def decide(command: object, state: Complaint, context: Context) -> list[object]:
    """Decide on the commands of this stage."""
    match command:
        case ProposeRemedy():
            return [
                RemedyProposed(
                    remedy_id=context.new_id("remedy"),
                    kind=command.kind,
                    basis=command.basis,
                    legal_ref=command.legal_ref,
                    amount=command.amount,
                    description=command.description,
                )
            ]
        case AcceptRemedy():
            require_sources(state, command)
            if state.remedy(command.remedy_id).status != "proposed":
                return []
            return [
                RemedyAccepted(
                    remedy_id=command.remedy_id,
                    contact_id=command.contact_id,
                    evidence_id=command.evidence_id,
                )
            ]
        case FulfilRemedy():
            remedy = state.remedy(command.remedy_id)
            if remedy.status == "proposed":
                raise RemedyNotAccepted(remedy_id=remedy.remedy_id, status=remedy.status)
            if remedy.amount is not None and command.payment_reference is None:
                raise PaymentReferenceRequired(remedy_id=remedy.remedy_id)
            return [
                RemedyFulfilled(
                    remedy_id=command.remedy_id,
                    payment_reference=command.payment_reference,
                    amount=command.amount,
                )
            ]
    raise TypeError(command)


def evolve(state: Complaint, recorded: Recorded[object]) -> Complaint:
    """What the events of this stage leave."""
    match recorded.event:
        case RemedyProposed() as event:
            remedy = Remedy(
                remedy_id=event.remedy_id,
                kind=event.kind,
                basis=event.basis,
                status="proposed",
                amount=event.amount,
            )
            return replace(state, remedies=(*state.remedies, remedy))
        case RemedyAccepted(remedy_id=remedy_id):
            return _with_status(state, remedy_id, "accepted")
        case RemedyFulfilled(remedy_id=remedy_id):
            return _with_status(state, remedy_id, "fulfilled")
    return state


def _with_status(state: Complaint, remedy_id: UUID, status: str) -> Complaint:
    remedies = tuple(
        replace(remedy, status=status) if remedy.remedy_id == remedy_id else remedy
        for remedy in state.remedies
    )
    return replace(state, remedies=remedies)
