"""Remedies 处理方案: what is offered to put things right, whether the customer takes it,
what replaced it and at what cost, and whether it was really done; money is done when it is paid.
Goodwill above a threshold is taken only once it is approved.
"""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from msgspec.structs import replace

from domain.complaint.guards import (
    RemedyNotOpen,
    known_remedy,
    needs_approval,
    open_remedy,
    refuse_reporters_word,
    require_sources,
)
from domain.complaint.state import AllowedAt, Complaint, Remedy, with_remedy
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
    require_reason,
)

Basis = Literal["statutory", "contractual", "goodwill"]
Description = Annotated[str, personal(min_length=1, max_length=20_000)]

# --- commands -------------------------------------------------------------------------------


class ProposeRemedy(Command, frozen=True, kw_only=True):
    """Offer the customer something that puts the matter right, perhaps in place of another."""

    kind: Code
    basis: Basis
    legal_ref: Label | None = None
    amount: Money | None = None
    description: Description | None = None
    supersedes: UUID | None = None
    change_cost: Money | None = None


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
    supersedes: UUID | None = None
    needs_approval: bool = False

    schema_version: ClassVar[int] = 2
    # Version 1 knew neither approval nor superseding; nothing needed them then.
    upcasts: ClassVar[dict[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {1: dict}


class RemedySuperseded(Event, frozen=True, kw_only=True):
    """Another remedy took the place of this one, and the change had cost so much by then."""

    remedy_id: UUID
    superseded_by: UUID
    reason_code: Code
    change_cost: Money | None = None


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


class ApprovalRequired(Rejected):
    """Goodwill above the threshold is taken only after a second person has approved it."""

    title = "Approval required"
    title_zh = "须先审批"
    detail = "The remedy {remedy_id} has to be approved before it is accepted."
    detail_zh = "处理方案 {remedy_id} 须经审批后方可由客户接受。"


class NothingSuperseded(Rejected):
    """A change costs something only where one remedy takes the place of another."""

    title = "Nothing is superseded"
    title_zh = "没有被替换的处理方案"
    detail = "change_cost is told together with the remedy that is superseded."
    detail_zh = "change_cost 须与被替换的处理方案 (supersedes) 一并填写。"


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


class MorePaidThanAccepted(Rejected):
    """What goodwill pays out is what was accepted, and approved where it had to be."""

    title = "More paid than accepted"
    title_zh = "付款超出已接受的金额"
    detail = (
        "The remedy {remedy_id} would pay more than was accepted: propose another for the rest."
    )
    detail_zh = "处理方案 {remedy_id} 的付款将超出已接受的金额，超出部分须另行提出方案。"


# --- decide and evolve ----------------------------------------------------------------------

EVENTS: tuple[type[Any], ...] = (
    RemedyProposed,
    RemedySuperseded,
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
            return _propose(command, state, context)
        case AcceptRemedy():
            require_sources(state, command)
            refuse_reporters_word(command, state)
            remedy = open_remedy(state, command, "proposed", "approved", "accepted", "fulfilled")
            if remedy.status in ("accepted", "fulfilled"):
                return []
            if remedy.needs_approval and remedy.status != "approved":
                raise ApprovalRequired(remedy_id=remedy.remedy_id)
            return [
                RemedyAccepted(
                    remedy_id=command.remedy_id,
                    contact_id=command.contact_id,
                    evidence_id=command.evidence_id,
                )
            ]
        case FulfilRemedy():
            remedy = known_remedy(state, command.remedy_id)
            if remedy.status not in ("accepted", "fulfilled"):
                raise RemedyNotAccepted(remedy_id=remedy.remedy_id, status=remedy.status)
            if remedy.amount is not None and command.payment_reference is None:
                raise PaymentReferenceRequired(remedy_id=remedy.remedy_id)
            _refuse_excess(remedy, command.amount)
            return [
                RemedyFulfilled(
                    remedy_id=command.remedy_id,
                    payment_reference=command.payment_reference,
                    amount=command.amount,
                )
            ]
    raise TypeError(command)


def _propose(command: ProposeRemedy, state: Complaint, context: Context) -> list[object]:
    remedy_id, events = context.new_id("remedy"), list[object]()
    if command.supersedes is not None:
        require_reason(command)
        before = known_remedy(state, command.supersedes)
        if before.status in ("fulfilled", "superseded"):
            raise RemedyNotOpen(
                command="ProposeRemedy", remedy_id=before.remedy_id, status=before.status
            )
        events.append(
            RemedySuperseded(
                remedy_id=command.supersedes,
                superseded_by=remedy_id,
                reason_code=command.reason_code or "",
                change_cost=command.change_cost,
            )
        )
    elif command.change_cost is not None:
        raise NothingSuperseded
    proposed = RemedyProposed(
        remedy_id=remedy_id,
        kind=command.kind,
        basis=command.basis,
        legal_ref=command.legal_ref,
        amount=command.amount,
        description=command.description,
        supersedes=command.supersedes,
        needs_approval=needs_approval(command, state, context),
    )
    return [*events, proposed]


def _refuse_excess(remedy: Remedy, paid: Money | None) -> None:
    """Else goodwill of one yuan, which needs no approval, could pay out ten thousand."""
    granted = remedy.amount
    if remedy.basis != "goodwill" or granted is None or paid is None:
        return
    if paid.currency != granted.currency or remedy.paid_minor + paid.minor > granted.minor:
        raise MorePaidThanAccepted(remedy_id=remedy.remedy_id)


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
                needs_approval=event.needs_approval,
                proposed_by=recorded.metadata.accountable,
                proposed_at=recorded.occurred_at,
            )
            return replace(state, remedies=(*state.remedies, remedy))
        case RemedySuperseded(remedy_id=remedy_id):
            return with_remedy(state, remedy_id, status="superseded")
        case RemedyAccepted(remedy_id=remedy_id):
            return with_remedy(state, remedy_id, status="accepted")
        case RemedyFulfilled(remedy_id=remedy_id, amount=amount):
            before = known_remedy(state, remedy_id).paid_minor
            paid = before + (amount.minor if amount else 0)
            return with_remedy(state, remedy_id, status="fulfilled", paid_minor=paid)
    return state
