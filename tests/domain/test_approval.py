"""Offers: what needs approval and by whom, what the customer declines, what a change costs."""

from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain.complaint import COMPLAINT
from domain.complaint.approval import (
    ApproveRemedy,
    DeclineRemedy,
    RejectRemedy,
    RemedyApproved,
    RemedyDeclined,
    RemedyOwed,
    RemedyRejected,
)
from domain.complaint.guards import RemedyNotOpen, UnknownContact, UnknownRemedy, known_remedy
from domain.complaint.handling import AssignComplaint
from domain.complaint.remedy import (
    AcceptRemedy,
    ApprovalRequired,
    FulfilRemedy,
    NothingSuperseded,
    ProposeRemedy,
    RemedyAccepted,
    RemedyNotAccepted,
    RemedyProposed,
    RemedySuperseded,
)
from domain.kernel import Money, ReasonRequired, SecondPersonRequired
from domain.rulebook.defaults import DEFAULT_RULES
from domain.rules import ApprovalRule
from tests import world
from tests.spec import ANY_ID, Outcome, context, given

ELSEWHERE = UUID("01957a6e-0000-7000-8000-0000000000ff")
LIMITS = {"general": 200_00, "important": 1_000_00, "major": 5_000_00}
DIFFERENT: dict[str, Any] = {"reason_code": "parts-missing", "reason_text": "配件缺货"}


def goodwill(minor: int, currency: str = "CNY", **told: Any) -> ProposeRemedy:
    """An offer of money out of goodwill."""
    amount = Money(minor=minor, currency=currency)
    return ProposeRemedy(**{"kind": "voucher", "basis": "goodwill", "amount": amount, **told})


def offered(command: ProposeRemedy, **assessment: Any) -> Outcome:
    """A complaint whose handler has made an offer."""
    return given(world.problem_confirmed(**assessment)).when(command, by=world.HANDLER)


def newest(outcome: Outcome) -> UUID:
    """The id of the offer made last."""
    remedy_id: UUID = outcome.state.remedies[-1].remedy_id
    return remedy_id


# --- what needs approval --------------------------------------------------------------------


@pytest.mark.parametrize("severity", LIMITS)
def test_goodwill_up_to_the_threshold_of_the_severity_needs_no_approval(severity: Any) -> None:
    small = offered(goodwill(LIMITS[severity]), severity=severity)
    assert not small.events[0].needs_approval
    small.when(AcceptRemedy(remedy_id=newest(small))).then(RemedyAccepted)


@pytest.mark.parametrize("severity", LIMITS)
def test_goodwill_above_the_threshold_is_taken_only_once_it_is_approved(severity: Any) -> None:
    large = offered(goodwill(LIMITS[severity] + 1), severity=severity)
    assert large.events[0].needs_approval
    accept = AcceptRemedy(remedy_id=newest(large))
    large.when(accept).rejected(ApprovalRequired, remedy_id=newest(large))
    approved = large.when(ApproveRemedy(remedy_id=newest(large)), by=world.SUPERVISOR)
    approved.then(RemedyApproved(remedy_id=newest(large)))
    approved.when(accept).then(RemedyAccepted)


@pytest.mark.parametrize("basis", ["statutory", "contractual"])
def test_what_is_owed_is_never_delayed_for_an_approval(basis: Any) -> None:
    owed = offered(goodwill(10_000_000_00, basis=basis))
    assert not owed.events[0].needs_approval
    owed.when(AcceptRemedy(remedy_id=newest(owed))).then(RemedyAccepted)


@pytest.mark.parametrize("basis", ["statutory", "contractual"])
def test_what_is_owed_is_never_refused_for_an_approval(basis: Any) -> None:
    owed = offered(goodwill(10_000_000_00, basis=basis))
    reject = RejectRemedy(remedy_id=newest(owed), **world.WHY)
    owed.when(reject, by=world.SUPERVISOR).rejected(RemedyOwed, basis=basis)


def test_small_amounts_add_up_within_a_complaint() -> None:
    first = offered(goodwill(150_00))
    second = first.when(goodwill(51_00))
    assert not first.events[0].needs_approval
    assert second.events[0].needs_approval


def test_what_was_refused_declined_or_superseded_does_not_add_up() -> None:
    first = offered(goodwill(150_00))
    remedy_id = newest(first)
    declined = first.when(DeclineRemedy(remedy_id=remedy_id))
    rejected = first.when(RejectRemedy(remedy_id=remedy_id, **world.WHY), by=world.SUPERVISOR)
    for gone in (declined, rejected):
        assert not gone.when(goodwill(100_00)).events[0].needs_approval
    instead = first.when(goodwill(180_00, supersedes=remedy_id, **DIFFERENT))
    assert not instead.events[-1].needs_approval


def test_what_is_owed_does_not_add_up_with_goodwill() -> None:
    owed = offered(goodwill(1_000_00, basis="statutory"))
    assert not owed.when(goodwill(200_00)).events[0].needs_approval


@pytest.mark.parametrize(("elsewhere", "needs"), [(0, False), (100_00, False), (100_01, True)])
def test_goodwill_of_the_same_customers_other_complaints_adds_up(
    elsewhere: int, needs: bool
) -> None:
    state = given(world.problem_confirmed()).state
    granted = (Money(minor=elsewhere, currency="CNY"),)
    order = context(world.HANDLER, other_goodwill=granted)
    [proposed] = COMPLAINT.decide(goodwill(100_00), state, order)
    assert proposed.needs_approval is needs


def test_goodwill_elsewhere_that_cannot_be_compared_is_not_waved_through() -> None:
    order = context(world.HANDLER, other_goodwill=(Money(minor=1, currency="EUR"),))
    state = given(world.problem_confirmed()).state
    assert COMPLAINT.decide(goodwill(1), state, order)[0].needs_approval


def test_a_negative_amount_makes_no_room_for_another() -> None:
    odd = offered(goodwill(-500_00))
    assert odd.when(goodwill(200_01)).events[0].needs_approval


def test_an_amount_in_another_currency_needs_approval() -> None:
    assert offered(goodwill(1, currency="EUR")).events[0].needs_approval


def test_a_gift_without_an_amount_needs_no_approval() -> None:
    assert not offered(ProposeRemedy(kind="gift", basis="goodwill")).events[0].needs_approval


def test_the_thresholds_are_a_matter_of_the_rulebook() -> None:
    strict = ApprovalRule(limits={"general": 0}, currency="CNY", customer_days=30)
    before = given(world.problem_confirmed())
    assert (
        before.when(goodwill(1), rules=replace(DEFAULT_RULES, approval=strict))
        .events[0]
        .needs_approval
    )
    no_limit = ApprovalRule(limits={}, currency="CNY", customer_days=30)
    lenient = replace(DEFAULT_RULES, approval=no_limit)
    assert not before.when(goodwill(10**9), rules=lenient).events[0].needs_approval


# --- who decides ----------------------------------------------------------------------------


def test_who_proposed_a_remedy_does_not_approve_it() -> None:
    large = offered(goodwill(900_00))
    approve = ApproveRemedy(remedy_id=newest(large))
    refused = large.when(approve, by=world.HANDLER)
    refused.rejected(SecondPersonRequired, rule="remedy_approver", command="ApproveRemedy")
    named = large.when(approve, by=world.ADAPTER, on_behalf_of=world.HANDLER)
    named.rejected(SecondPersonRequired, rule="remedy_approver")
    off = replace(DEFAULT_RULES, four_eyes=DEFAULT_RULES.four_eyes - {"remedy_approver"})
    assert large.when(approve, by=world.HANDLER, rules=off).events


def test_the_proposer_counts_even_when_the_complaint_has_moved_on() -> None:
    moved = offered(goodwill(900_00)).when(AssignComplaint(unit_id="u", person_id="expert-1"))
    approve = ApproveRemedy(remedy_id=newest(moved))
    moved.when(approve, by=world.HANDLER).rejected(SecondPersonRequired)
    assert moved.when(approve, by="expert-1").events


def test_a_remedy_is_refused_with_a_reason() -> None:
    large = offered(goodwill(900_00))
    rejected = large.when(RejectRemedy(remedy_id=newest(large), **world.WHY), by="boss-1")
    rejected.then(RemedyRejected(remedy_id=newest(large), **world.WHY))
    rejected.when(AcceptRemedy(remedy_id=newest(large))).rejected(RemedyNotOpen, status="rejected")


def test_approving_refusing_or_declining_twice_is_silence() -> None:
    before = given(world.remedied())
    for command in (
        ApproveRemedy(remedy_id=world.OFFER_ID),
        RejectRemedy(remedy_id=world.OFFER_ID, **world.WHY),
        DeclineRemedy(remedy_id=world.OFFER_ID),
    ):
        before.when(command, by="boss-1").when(command, by="boss-1").silent()


def test_what_the_customer_has_taken_is_neither_refused_nor_declined_any_more() -> None:
    before = given(world.remedied())
    for command in (
        RejectRemedy(remedy_id=world.REMEDY_ID, **world.WHY),
        DeclineRemedy(remedy_id=world.REMEDY_ID),
        ApproveRemedy(remedy_id=world.REMEDY_ID),
    ):
        before.when(command, by="boss-1").rejected(RemedyNotOpen, status="fulfilled")


# --- what the customer declines, what a change costs ----------------------------------------


def test_a_customer_declines_an_offer_and_may_be_made_another() -> None:
    told: dict[str, Any] = {
        "remedy_id": world.OFFER_ID,
        "contact_id": world.CALL_ID,
        "evidence_id": world.EVIDENCE_ID,
    }
    declined = given(world.proven(world.remedied())).when(DeclineRemedy(**told))
    declined.then(RemedyDeclined(**told))
    declined.when(AcceptRemedy(remedy_id=world.OFFER_ID)).rejected(RemedyNotOpen)
    assert declined.when(goodwill(1)).events


def test_a_refusal_rests_on_a_contact_of_this_complaint() -> None:
    decline = DeclineRemedy(remedy_id=world.OFFER_ID, contact_id=ELSEWHERE)
    given(world.remedied()).when(decline).rejected(UnknownContact)


def test_a_remedy_that_takes_the_place_of_another_says_why_and_what_it_cost() -> None:
    accepted = given(world.remedied()[:-1])  # the refund is accepted, not paid
    cost = Money(minor=120_00, currency="CNY")
    change = ProposeRemedy(
        kind="replacement",
        basis="statutory",
        supersedes=world.REMEDY_ID,
        change_cost=cost,
        **DIFFERENT,
    )
    changed = accepted.when(change)
    changed.then(
        RemedySuperseded(
            remedy_id=world.REMEDY_ID, superseded_by=newest(changed), change_cost=cost, **DIFFERENT
        ),
        RemedyProposed(
            remedy_id=ANY_ID, kind="replacement", basis="statutory", supersedes=world.REMEDY_ID
        ),
    )
    assert known_remedy(changed.state, world.REMEDY_ID).status == "superseded"
    pay = FulfilRemedy(remedy_id=world.REMEDY_ID, payment_reference="PAY-1")
    changed.when(pay).rejected(RemedyNotAccepted, status="superseded")


def test_a_change_of_the_remedy_is_justified() -> None:
    bare = ProposeRemedy(kind="gift", basis="goodwill", supersedes=world.OFFER_ID)
    given(world.remedied()).when(bare).rejected(ReasonRequired, command="ProposeRemedy")


def test_what_was_carried_out_or_superseded_is_not_superseded() -> None:
    done = goodwill(1, supersedes=world.REMEDY_ID, **DIFFERENT)
    given(world.remedied()).when(done).rejected(RemedyNotOpen, status="fulfilled")
    instead = goodwill(1, supersedes=world.OFFER_ID, **DIFFERENT)
    given(world.remedied()).when(instead).when(instead).rejected(RemedyNotOpen, status="superseded")
    unknown = goodwill(1, supersedes=ELSEWHERE, **DIFFERENT)
    given(world.remedied()).when(unknown).rejected(UnknownRemedy, remedy_id=ELSEWHERE)


def test_without_a_change_there_is_no_cost_of_a_change() -> None:
    odd = goodwill(1, change_cost=world.YUAN_100)
    given(world.remedied()).when(odd).rejected(NothingSuperseded)
