"""Remedies: what is offered, what the customer takes, what was really done."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.complaint.guards import UnknownContact, UnknownRemedy, known_remedy
from domain.complaint.remedy import (
    AcceptRemedy,
    FulfilRemedy,
    MorePaidThanAccepted,
    PaymentReferenceRequired,
    ProposeRemedy,
    RemedyAccepted,
    RemedyFulfilled,
    RemedyNotAccepted,
    RemedyProposed,
)
from domain.complaint.resolution import ComplaintResolved, ResolveComplaint
from domain.kernel import Money
from tests import world
from tests.spec import ANY_ID, given

OTHER_ID = UUID("01957a6e-0000-7000-8000-0000000000ff")


def accepted_refund() -> world.History:
    """A refund was accepted and not yet paid."""
    return world.remedied()[:-1]


@pytest.mark.parametrize("basis", ["statutory", "contractual", "goodwill"])
def test_an_offer_says_on_what_basis_it_is_made(basis: Any) -> None:
    told: dict[str, Any] = {
        "kind": "refund",
        "basis": basis,
        "legal_ref": "消费者权益保护法 第二十四条",
        "amount": world.YUAN_100,
        "description": "全额退款",
    }
    outcome = given(world.in_progress()).when(ProposeRemedy(**told))
    outcome.then(RemedyProposed(remedy_id=ANY_ID, **told))


def test_every_offer_gets_an_id_of_its_own() -> None:
    offer = ProposeRemedy(kind="repair", basis="goodwill")
    remedies = given(world.in_progress()).when(offer).when(offer).state.remedies
    assert len({remedy.remedy_id for remedy in remedies}) == 2
    assert {(remedy.kind, remedy.basis) for remedy in remedies} == {("repair", "goodwill")}


def test_the_customer_takes_one_offer_and_not_the_other() -> None:
    told: dict[str, Any] = {
        "remedy_id": world.OFFER_ID,
        "contact_id": world.CALL_ID,
        "evidence_id": world.EVIDENCE_ID,
    }
    outcome = given(world.proven(accepted_refund())).when(AcceptRemedy(**told))
    outcome.then(RemedyAccepted(**told))
    offered = given(world.remedied())
    assert known_remedy(offered.state, world.OFFER_ID).status == "proposed"
    assert known_remedy(offered.state, world.REMEDY_ID).status == "fulfilled"


def test_a_remedy_nobody_proposed_is_neither_taken_nor_carried_out() -> None:
    for command in (AcceptRemedy(remedy_id=OTHER_ID), FulfilRemedy(remedy_id=OTHER_ID)):
        given(world.remedied()).when(command).rejected(UnknownRemedy, remedy_id=OTHER_ID)


def test_an_acceptance_rests_on_a_contact_of_this_complaint() -> None:
    accept = AcceptRemedy(remedy_id=world.OFFER_ID, contact_id=OTHER_ID)
    given(world.remedied()).when(accept).rejected(UnknownContact)


def test_nothing_is_carried_out_that_the_customer_has_not_accepted() -> None:
    fulfil = FulfilRemedy(remedy_id=world.OFFER_ID)
    refused = given(world.remedied()).when(fulfil)
    refused.rejected(RemedyNotAccepted, remedy_id=world.OFFER_ID, status="proposed")


def test_money_counts_as_paid_only_with_the_reference_of_the_payment() -> None:
    before = given(accepted_refund())
    unproven = FulfilRemedy(remedy_id=world.REMEDY_ID, amount=world.YUAN_100)
    before.when(unproven).rejected(PaymentReferenceRequired, remedy_id=world.REMEDY_ID)
    told: dict[str, Any] = {
        "remedy_id": world.REMEDY_ID,
        "payment_reference": "PAY-1",
        "amount": world.YUAN_100,
    }
    paid = before.when(FulfilRemedy(**told)).then(RemedyFulfilled(**told))
    assert known_remedy(paid.state, world.REMEDY_ID).status == "fulfilled"


def test_a_repair_needs_no_payment_reference() -> None:
    taken = given(world.remedied()).when(AcceptRemedy(remedy_id=world.OFFER_ID))
    taken.when(FulfilRemedy(remedy_id=world.OFFER_ID)).then(
        RemedyFulfilled(remedy_id=world.OFFER_ID)
    )


def test_a_second_payment_is_a_second_fact() -> None:
    rest = FulfilRemedy(remedy_id=world.REMEDY_ID, payment_reference="PAY-2")
    given(world.remedied()).when(rest).then(
        RemedyFulfilled(remedy_id=world.REMEDY_ID, payment_reference="PAY-2")
    )


def test_goodwill_pays_out_what_was_accepted_and_no_more() -> None:
    """Else a gift of one yuan, which needs no approval, could pay out ten thousand."""
    offer = ProposeRemedy(kind="gift", basis="goodwill", amount=world.YUAN_100)
    proposed = given(world.in_progress()).when(offer)
    [remedy] = proposed.state.remedies
    taken = proposed.when(AcceptRemedy(remedy_id=remedy.remedy_id))

    def pay(minor: int, currency: str = "CNY") -> FulfilRemedy:
        amount = Money(minor=minor, currency=currency)
        return FulfilRemedy(remedy_id=remedy.remedy_id, payment_reference="PAY-1", amount=amount)

    taken.when(pay(10_001)).rejected(MorePaidThanAccepted, remedy_id=remedy.remedy_id)
    taken.when(pay(1, "USD")).rejected(MorePaidThanAccepted)
    half = taken.when(pay(6_000)).then(RemedyFulfilled)
    half.when(pay(4_001)).rejected(MorePaidThanAccepted)
    half.when(pay(4_000)).then(RemedyFulfilled)


def test_a_complaint_may_be_resolved_while_a_promised_payment_is_on_its_way() -> None:
    resolved = given(accepted_refund()).when(ResolveComplaint())
    resolved.then(ComplaintResolved(cycle=1))
    paid = resolved.when(FulfilRemedy(remedy_id=world.REMEDY_ID, payment_reference="PAY-1"))
    paid.then(RemedyFulfilled)


def test_a_payment_can_be_recorded_after_the_close() -> None:
    withdrawn = given(world.withdrawn(accepted_refund()))
    pay = FulfilRemedy(remedy_id=world.REMEDY_ID, payment_reference="PAY-1")
    later = withdrawn.history[-1].recorded_at + timedelta(days=20)
    assert withdrawn.when(pay, at=later).state.stage == "closed"
