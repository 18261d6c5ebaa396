"""Merging what was registered twice, undoing it, and classing what comes again."""

from typing import Any

import pytest
from msgspec.structs import replace

from domain.complaint.closure import ReopenComplaint, UnmergeInstead, WithdrawComplaint
from domain.complaint.merge import (
    ComplaintMerged,
    ComplaintUnmerged,
    MergeComplaint,
    MergedIntoItself,
    MergeReceived,
    MergeReverted,
    MergeTargetClosed,
    NotMerged,
    NotTheSameComplainant,
    PoliciesOnly,
    RecordMergeReceived,
    RecordMergeReverted,
    UnknownMergeTarget,
    UnmergeComplaint,
)
from domain.complaint.repeat import (
    ClassifyRepeat,
    EarlierComplaintRequired,
    NoEarlierComplaint,
    RepeatClassified,
)
from domain.complaint.resolution import ResolveComplaint, TaskOpen
from domain.complaint.state import ComplaintClosed
from domain.complaint.vocabulary import Complainant
from domain.kernel import NotAllowedAtStage, Other, ReasonRequired
from tests import world
from tests.spec import RECEIVED, STREAM, Given, Outcome, given

MERGE = MergeComplaint(target_id=world.SURVIVOR_ID, **world.WHY)
UNMERGE = UnmergeComplaint(**world.WHY)
RECEIVED_IT = RecordMergeReceived(source_id=world.DUPLICATE_ID)
REVERTED_IT = RecordMergeReverted(source_id=world.DUPLICATE_ID)


def merge(before: Given, target: Other | None = world.SURVIVOR, **told: Any) -> Outcome:
    """The merge, ordered by somebody who has read this of the target."""
    others = {} if target is None else {world.SURVIVOR_ID: target}
    return before.when(MERGE, by=world.SUPERVISOR, facts_of_others=others, **told)


# --- merging --------------------------------------------------------------------------------


def test_a_duplicate_names_its_survivor_and_closes() -> None:
    outcome = merge(given(world.in_progress()))
    outcome.then(
        ComplaintMerged(target_id=world.SURVIVOR_ID, **world.WHY),
        ComplaintClosed(reason="duplicate"),
    )
    assert (outcome.state.stage, outcome.state.merged_into) == ("closed", world.SURVIVOR_ID)


def test_a_complaint_is_not_merged_into_itself() -> None:
    itself = MergeComplaint(target_id=STREAM, **world.WHY)
    others = {STREAM: world.SURVIVOR}
    refused = given(world.in_progress()).when(itself, by="boss-1", facts_of_others=others)
    refused.rejected(MergedIntoItself)


def test_nothing_is_merged_into_a_complaint_that_does_not_exist() -> None:
    refused = merge(given(world.in_progress()), None)
    refused.rejected(UnknownMergeTarget, target_id=world.SURVIVOR_ID)


def test_nothing_is_merged_into_a_closed_complaint_nor_into_a_duplicate() -> None:
    closed = Other(stage="closed", customer_id=world.CUSTOMER)
    merge(given(world.in_progress()), closed).rejected(MergeTargetClosed)


def test_complaints_of_different_customers_are_never_merged() -> None:
    other = Other(stage="in_progress", customer_id="cust-2")
    merge(given(world.in_progress()), other).rejected(NotTheSameComplainant)


def test_complaints_of_nobody_known_are_never_merged() -> None:
    """Two unknown customers are not the same customer."""
    anonymous = given(world.registered(customer_id=None))
    merge(anonymous, Other(stage="registered")).rejected(NotTheSameComplainant)


def test_one_party_that_speaks_for_two_customers_is_one_complainant() -> None:
    speaker = Complainant(role="representative", party_id="party-1")
    before = given(world.registered(customer_id=None, complainant=speaker))
    target = Other(stage="registered", customer_id="cust-2", party_id="party-1")
    merge(before, target).then(ComplaintMerged, ComplaintClosed)


def test_a_closed_complaint_is_not_merged() -> None:
    merge(given(world.closed())).rejected(NotAllowedAtStage, stage="closed")


# --- undoing it -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "before",
    [world.registered, world.assessed, world.accepted, world.in_progress, world.final_position],
    ids=lambda part: part.__name__,
)
def test_a_merge_undone_leaves_the_complaint_where_it_stood(before: Any) -> None:
    story = given(before())
    undone = merge(story).when(UNMERGE, by=world.SUPERVISOR)
    undone.then(
        ComplaintUnmerged(target_id=world.SURVIVOR_ID, stage=story.state.stage, **world.WHY)
    )
    changing = {"version", "stages_seen"}
    for name in type(story.state).__struct_fields__:
        if name not in changing:
            assert getattr(undone.state, name) == getattr(story.state, name), name


def test_a_merge_only_suspends_the_open_work() -> None:
    before = given(world.waiting(world.problem_confirmed()))
    duplicate = merge(before)
    assert duplicate.state.waiting_on == "none"
    undone = duplicate.when(UNMERGE)
    assert undone.state.waiting_on == "customer"
    undone.when(ResolveComplaint()).rejected(TaskOpen, task_id=world.TASK_ID)


def test_a_duplicate_is_unmerged_and_not_reopened() -> None:
    """The survivor would never hear of it."""
    given(world.merged()).when(ReopenComplaint(**world.WHY)).rejected(UnmergeInstead)


def test_only_a_merge_is_undone_by_unmerging() -> None:
    given(world.closed()).when(UNMERGE).rejected(NotMerged)
    withdrawn = given(world.withdrawn())
    withdrawn.when(UNMERGE).rejected(NotMerged)
    given(world.in_progress()).when(UNMERGE).rejected(NotAllowedAtStage)


def test_a_complaint_unmerged_can_be_merged_again_and_closed_otherwise() -> None:
    undone = merge(given(world.proven(world.in_progress()))).when(UNMERGE)
    assert merge(undone).state.merged_into == world.SURVIVOR_ID
    taken_back = undone.when(WithdrawComplaint(evidence_id=world.EVIDENCE_ID, **world.WHY))
    assert taken_back.state.close_reason == "withdrawn"
    assert taken_back.when(ReopenComplaint(**world.WHY)).events


# --- the survivor ---------------------------------------------------------------------------


def test_the_survivor_is_told_of_a_merge_and_of_its_undoing() -> None:
    before = given(world.closed())  # closed since, it hears of it all the same
    told = before.when(RECEIVED_IT, by=world.POLICY)
    told.then(MergeReceived(source_id=world.DUPLICATE_ID))
    when = replace(RECEIVED_IT, source_received_at=RECEIVED)
    given(world.registered()).when(when, by=world.POLICY).then(
        MergeReceived(source_id=world.DUPLICATE_ID, source_received_at=RECEIVED)
    )
    assert told.state.duplicates == {world.DUPLICATE_ID}
    undone = told.when(REVERTED_IT, by=world.POLICY)
    undone.then(MergeReverted(source_id=world.DUPLICATE_ID))
    assert undone.state.duplicates == frozenset()


def test_the_survivor_is_told_once() -> None:
    told = given(world.registered()).when(RECEIVED_IT, by=world.POLICY)
    told.when(RECEIVED_IT, by=world.POLICY).silent()
    given(world.registered()).when(REVERTED_IT, by=world.POLICY).silent()


@pytest.mark.parametrize("command", [RECEIVED_IT, REVERTED_IT], ids=["received", "reverted"])
@pytest.mark.parametrize("by", [world.SUPERVISOR, world.ADAPTER, world.IMPORTER])
def test_nobody_but_a_policy_tells_the_survivor(command: Any, by: Any) -> None:
    given(world.registered()).when(command, by=by).rejected(PoliciesOnly)


# --- repeat classes -------------------------------------------------------------------------


def classed(repeat_class: Any, **told: Any) -> ClassifyRepeat:
    """A class, judged by the rules of section 10."""
    return ClassifyRepeat(repeat_class=repeat_class, rule_version="default@0", **told)


def test_a_policy_classes_without_giving_a_reason() -> None:
    told: dict[str, Any] = {
        "earlier_id": world.DUPLICATE_ID,
        "days_since_close": 41,
        "after_verified_close": True,
    }
    outcome = given(world.assessed()).when(classed("repeat", **told), by=world.POLICY)
    outcome.then(RepeatClassified(repeat_class="repeat", rule_version="default@0", **told))


def test_a_person_who_classes_says_why() -> None:
    before = given(world.closed())
    before.when(classed("initial")).rejected(ReasonRequired, command="ClassifyRepeat")
    before.when(classed("initial", **world.WHY)).then(
        RepeatClassified(repeat_class="initial", rule_version="default@0", **world.WHY)
    )


def test_a_later_class_corrects_an_earlier_one() -> None:
    first = given(world.assessed()).when(classed("initial"), by=world.POLICY)
    related = classed("related", earlier_id=world.DUPLICATE_ID, **world.WHY)
    corrected = first.when(related).then(RepeatClassified)
    assert corrected.state.repeat_class["repeat_class"] == "related"


def test_the_class_it_has_already_is_not_given_again() -> None:
    once = given(world.assessed()).when(classed("unknown"), by=world.POLICY)
    once.when(classed("unknown"), by=world.POLICY).silent()


@pytest.mark.parametrize("repeat_class", ["repeat", "related"])
def test_what_comes_again_names_the_earlier_complaint(repeat_class: str) -> None:
    before = given(world.assessed())
    alone = classed(repeat_class)
    before.when(alone, by=world.POLICY).rejected(EarlierComplaintRequired)
    itself = classed(repeat_class, earlier_id=STREAM)
    before.when(itself, by=world.POLICY).rejected(EarlierComplaintRequired)


def test_an_escalation_may_be_about_a_request_that_was_no_complaint() -> None:
    escalated = classed("escalated_recomplaint", is_external=True)
    assert given(world.assessed()).when(escalated, by=world.POLICY).events


@pytest.mark.parametrize("repeat_class", ["initial", "unknown"])
def test_a_first_complaint_names_no_earlier_one(repeat_class: str) -> None:
    odd = classed(repeat_class, earlier_id=world.DUPLICATE_ID)
    given(world.assessed()).when(odd, by=world.POLICY).rejected(NoEarlierComplaint)
