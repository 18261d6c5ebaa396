"""Assigning, signing for, handing back, and confirming the problem with the customer."""

from typing import Any

import pytest

from domain.complaint.guards import UnknownContact
from domain.complaint.handling import (
    AssignComplaint,
    AssignmentReturned,
    AssignmentSignedFor,
    ComplaintAssigned,
    ConfirmProblem,
    ProblemConfirmed,
    ReturnAssignment,
    SignForAssignment,
)
from domain.complaint.remedy import ProposeRemedy
from domain.complaint.resolution import ComplaintResolved, ProblemNotConfirmed, ResolveComplaint
from tests import world
from tests.spec import given

RETURN = ReturnAssignment(reason_code="wrong-unit", reason_text="应由物流处理")


def owner(state: Any) -> tuple[str | None, str | None, bool]:
    """Who has it: the unit, the person, and whether that person signed."""
    return state.owner_unit, state.owner_person, state.is_signed_for


# --- assignment, sign-for and return --------------------------------------------------------


def test_a_complaint_is_given_to_a_unit_and_to_a_person_if_one_is_known() -> None:
    to_unit = given(world.accepted()).when(AssignComplaint(unit_id="second-line"))
    to_unit.then(ComplaintAssigned(unit_id="second-line"))
    assert owner(to_unit.state) == ("second-line", None, False)
    to_person = to_unit.when(AssignComplaint(unit_id="second-line", person_id="expert-1"))
    to_person.then(ComplaintAssigned(unit_id="second-line", person_id="expert-1"))
    assert owner(to_person.state) == ("second-line", "expert-1", False)


def test_the_owner_is_a_person_once_signed_for() -> None:
    assigned = given(world.accepted()).when(AssignComplaint(unit_id="second-line"))
    signed = assigned.when(SignForAssignment(), by="expert-1")
    signed.then(AssignmentSignedFor(unit_id="second-line", person_id="expert-1"))
    assert owner(signed.state) == ("second-line", "expert-1", True)


def test_signing_takes_an_accepted_complaint_out_of_the_queue_of_its_unit() -> None:
    outcome = given(world.accepted()).when(SignForAssignment(), by=world.HANDLER)
    outcome.then(AssignmentSignedFor(unit_id=world.UNIT, person_id=world.HANDLER))
    assert outcome.state.stage == "in_progress"


def test_who_signs_is_the_person_named_not_the_key_that_was_used() -> None:
    outcome = given(world.accepted()).when(
        SignForAssignment(), by=world.ADAPTER, on_behalf_of=world.HANDLER
    )
    assert outcome.state.owner_person == world.HANDLER


def test_a_complaint_given_to_somebody_else_has_to_be_signed_for_again() -> None:
    moved = given(world.in_progress()).when(AssignComplaint(unit_id=world.UNIT, person_id="bo"))
    assert owner(moved.state) == (world.UNIT, "bo", False)
    assert moved.when(SignForAssignment(), by="bo").events


def test_a_complaint_handed_back_waits_in_the_queue_of_its_unit_and_is_never_nobodys() -> None:
    outcome = given(world.in_progress()).when(RETURN, by=world.HANDLER)
    outcome.then(
        AssignmentReturned(
            unit_id=world.UNIT,
            person_id=world.HANDLER,
            reason_code="wrong-unit",
            reason_text="应由物流处理",
        )
    )
    assert outcome.state.stage == "accepted"
    assert owner(outcome.state) == (world.UNIT, None, False)


def test_a_complaint_is_handed_back_to_the_unit_it_was_last_given_to() -> None:
    moved = given(world.in_progress()).when(AssignComplaint(unit_id="second-line"))
    assert moved.when(RETURN).state.owner_unit == "second-line"


def test_handing_back_keeps_what_was_already_done() -> None:
    before = given(world.remedied())
    after = before.when(RETURN, by=world.HANDLER)
    assert after.state.remedies == before.state.remedies
    assert after.state.problem_confirmed_in_cycle == 1
    signed = after.when(SignForAssignment(), by="expert-1")
    assert signed.when(ResolveComplaint(), by="expert-1").state.stage == "resolved"


# --- problem confirmation -------------------------------------------------------------------


@pytest.mark.parametrize("by", ["customer", "representative"])
@pytest.mark.parametrize("how", ["callback", "link", "in_writing", "on_site"])
def test_who_confirmed_the_problem_and_how_is_recorded(by: Any, how: Any) -> None:
    confirm = ConfirmProblem(by=by, how=how, evidence_id=world.EVIDENCE_ID)
    outcome = given(world.authorised(world.in_progress())).when(confirm)
    outcome.then(ProblemConfirmed(by=by, how=how, evidence_id=world.EVIDENCE_ID))
    assert outcome.state.problem_confirmed_in_cycle == 1


def test_a_problem_is_confirmed_by_a_call_of_this_complaint() -> None:
    confirm = ConfirmProblem(by="customer", how="callback", contact_id=world.CALL_ID)
    given(world.in_progress()).when(confirm).rejected(UnknownContact, contact_id=world.CALL_ID)
    called = given(world.problem_confirmed()).when(confirm)
    called.then(ProblemConfirmed(by="customer", how="callback", contact_id=world.CALL_ID))


def test_a_problem_confirmed_after_the_first_offer_is_kept_and_flagged_late() -> None:
    offered = given(world.in_progress()).when(ProposeRemedy(kind="repair", basis="goodwill"))
    assert offered.events, "the remedy is not refused"
    confirm = ConfirmProblem(by="customer", how="callback")
    outcome = offered.when(confirm)
    outcome.then(ProblemConfirmed(by="customer", how="callback", is_late=True))
    assert outcome.state.problem_confirmed_in_cycle == 1


def test_a_problem_confirmed_before_the_first_offer_is_in_time() -> None:
    confirm = ConfirmProblem(by="customer", how="callback")
    event = given(world.in_progress()).when(confirm).events[0]
    assert not event.is_late


def test_nothing_is_resolved_whose_problem_the_customer_has_not_confirmed() -> None:
    given(world.in_progress()).when(ResolveComplaint()).rejected(ProblemNotConfirmed)


def test_a_late_confirmation_of_the_problem_still_allows_the_resolution() -> None:
    offered = given(world.in_progress()).when(ProposeRemedy(kind="repair", basis="goodwill"))
    late = offered.when(ConfirmProblem(by="customer", how="callback"))
    late.when(ResolveComplaint()).then(ComplaintResolved(cycle=1))


def test_a_problem_confirmed_in_an_earlier_cycle_allows_the_resolution_of_a_later_one() -> None:
    given(world.disputed()).when(ResolveComplaint()).then(ComplaintResolved(cycle=2))
