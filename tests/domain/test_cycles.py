"""Cycles: a dispute or a reopening begins the work again; what was done before stays done."""

import pytest

from domain.complaint.assessment import AcceptComplaint, ComplaintAccepted
from domain.complaint.closure import ComplaintReopened, ReopenComplaint
from domain.complaint.handling import AssignComplaint, ConfirmProblem, SignForAssignment
from domain.complaint.resolution import (
    ComplaintResolved,
    ConfirmResolution,
    DisputeResolution,
    RecordSatisfaction,
    ResolutionConfirmed,
    ResolutionDisputed,
    ResolveComplaint,
    SatisfactionRecorded,
)
from domain.kernel import NotAllowedAtStage
from tests import world
from tests.spec import given

REOPEN = ReopenComplaint(**world.WHY)


def test_a_disputed_resolution_opens_the_next_cycle() -> None:
    outcome = given(world.resolved()).when(DisputeResolution(explanation="还是不制冷"))
    outcome.then(ResolutionDisputed(cycle=1, explanation="还是不制冷"))
    assert (outcome.state.stage, outcome.state.cycle) == ("in_progress", 2)


def test_even_a_confirmed_resolution_can_be_disputed_before_the_close() -> None:
    outcome = given(world.confirmed()).when(DisputeResolution())
    outcome.then(ResolutionDisputed(cycle=1))
    assert not outcome.state.is_resolution_confirmed


def test_a_disputed_complaint_stays_with_its_owner() -> None:
    before, after = given(world.resolved()).state, given(world.disputed()).state
    owner = (world.UNIT, world.HANDLER, True)
    assert (before.owner_unit, before.owner_person, before.is_signed_for) == owner
    assert (after.owner_unit, after.owner_person, after.is_signed_for) == owner


def test_the_second_resolution_belongs_to_the_second_cycle() -> None:
    before = given(world.proven(world.disputed()))
    resolved = before.when(ResolveComplaint(), by=world.HANDLER)
    resolved.then(ComplaintResolved(cycle=2))
    confirm = ConfirmResolution(by="customer", how="on_site", evidence_id=world.EVIDENCE_ID)
    confirmed = resolved.when(confirm, by=world.CALLER)
    confirmed.then(
        ResolutionConfirmed(cycle=2, by="customer", how="on_site", evidence_id=world.EVIDENCE_ID)
    )
    assert confirmed.when(DisputeResolution()).state.cycle == 3


@pytest.mark.parametrize(
    ("before", "stage"),
    [
        (world.closed(), "in_progress"),
        (world.closed_unreachable(), "in_progress"),
        (world.withdrawn(world.in_progress()), "in_progress"),
        (world.withdrawn(world.accepted()), "in_progress"),
        (world.withdrawn(world.resolved()), "in_progress"),
        (world.declined(world.assessed()), "assessed"),
        (world.withdrawn(world.assessed()), "assessed"),
        (world.declined(world.registered()), "registered"),
        (world.withdrawn(world.registered()), "registered"),
        (world.closed_imported(), "registered"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_a_complaint_is_reopened_to_where_its_work_goes_on(
    before: world.History, stage: str
) -> None:
    outcome = given(before).when(REOPEN, by=world.SUPERVISOR)
    outcome.then(ComplaintReopened(cycle=2, **world.WHY))
    assert (outcome.state.stage, outcome.state.cycle) == (stage, 2)


def test_a_reopened_complaint_goes_back_to_its_last_owner() -> None:
    moved = given(world.in_progress()).when(
        AssignComplaint(unit_id="second-line", person_id="expert-1")
    )
    signed = moved.when(SignForAssignment(), by="expert-1")
    outcome = given(world.withdrawn(signed.history)).when(REOPEN)
    assert outcome.state.owner_unit == outcome.state.holder_unit == "second-line"
    assert outcome.state.owner_person == "expert-1"


def test_a_complaint_reopened_before_anybody_accepted_it_is_held_by_who_received_it() -> None:
    outcome = given(world.declined()).when(REOPEN)
    assert outcome.state.owner_unit is None
    assert outcome.state.holder_unit == "hotline"


def test_a_declined_complaint_can_be_accepted_after_all() -> None:
    outcome = given(world.declined()).when(REOPEN).when(AcceptComplaint(unit_id=world.UNIT))
    outcome.then(ComplaintAccepted(unit_id=world.UNIT))


def test_a_reopened_complaint_is_resolved_and_confirmed_anew() -> None:
    reopened = given(world.reopened())
    assert not reopened.state.is_resolution_confirmed
    resolved = reopened.when(ResolveComplaint()).then(ComplaintResolved(cycle=2))
    assert not resolved.state.is_resolution_confirmed


def test_a_complaint_can_be_closed_and_reopened_again_and_again() -> None:
    history = world.closed()
    for cycle in (2, 3, 4):
        reopened = given(history).when(REOPEN).then(ComplaintReopened(cycle=cycle, **world.WHY))
        history = world.withdrawn(reopened.history)
    assert given(history).state.cycle == 4


def test_the_problem_need_not_be_confirmed_again_in_a_later_cycle() -> None:
    assert given(world.reopened()).state.problem_confirmed_in_cycle == 1
    again = given(world.reopened()).when(ConfirmProblem(by="customer", how="callback"))
    assert again.state.problem_confirmed_in_cycle == 1


def test_satisfaction_belongs_to_the_cycle_that_was_resolved_last() -> None:
    answer = RecordSatisfaction(score=2, by="customer", channel="sms")
    said = SatisfactionRecorded(cycle=1, score=2, by="customer", channel="sms")
    given(world.resolved()).when(answer).then(said)
    given(world.disputed()).when(answer).then(said)  # the answer comes after the dispute
    given(world.reopened()).when(answer).then(said)
    second = given(world.disputed()).when(ResolveComplaint(), by=world.HANDLER)
    second.when(answer).then(SatisfactionRecorded(cycle=2, score=2, by="customer", channel="sms"))


def test_nobody_is_asked_how_satisfied_they_are_before_anything_was_resolved() -> None:
    answer = RecordSatisfaction(score=5, by="customer", channel="sms")
    given(world.remedied()).when(answer).rejected(NotAllowedAtStage, stage="in_progress")


def test_every_answer_of_a_cycle_is_kept() -> None:
    answer = RecordSatisfaction(score=1, by="customer", channel="sms")
    second_answer = given(world.resolved()).when(answer).when(answer)
    second_answer.then(SatisfactionRecorded(cycle=1, score=1, by="customer", channel="sms"))
