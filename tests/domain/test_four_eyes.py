"""Second persons and reasons: what one person alone may not do, and what has to be justified."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from domain.complaint.approval import RejectRemedy
from domain.complaint.assessment import AssessComplaint, ComplaintAssessed, DeclineComplaint
from domain.complaint.closure import ReopenComplaint, WithdrawComplaint
from domain.complaint.evidence import WithdrawEvidence
from domain.complaint.handling import AssignComplaint, ReturnAssignment
from domain.complaint.intake import CorrectField
from domain.complaint.merge import MergeComplaint, UnmergeComplaint
from domain.complaint.resolution import (
    ConfirmResolution,
    RecordSatisfaction,
    ResolveComplaint,
)
from domain.complaint.vocabulary import Category, Facts
from domain.kernel import Actor, ReasonRequired, SecondPersonRequired
from domain.rulebook.defaults import DEFAULT_RULES
from tests import world
from tests.spec import Given, given

DECLINE = DeclineComplaint(notice=world.NOTICE, **world.WHY)
CONFIRM = ConfirmResolution(by="customer", how="callback", contact_id=world.CONTACT_ID)
OTHER = Category(path=["服务体验", "客服态度"], taxonomy_version="2026-01")


def grade(severity: str | None = None, **told: Any) -> AssessComplaint:
    """Another assessment, justified."""
    return AssessComplaint(**{**world.ASSESSED, "severity": severity, **world.WHY, **told})


def refused(before: Given, command: Any, by: str, rule: str) -> None:
    """This person alone may not do it; another one may, and anybody once the rule is off."""
    others = {world.SURVIVOR_ID: world.SURVIVOR}
    before.when(command, by=by, facts_of_others=others).rejected(
        SecondPersonRequired, command=type(command).__name__, rule=rule
    )
    assert before.when(command, by="second-person", facts_of_others=others).events
    switched_off = replace(DEFAULT_RULES, four_eyes=DEFAULT_RULES.four_eyes - {rule})
    assert before.when(command, by=by, rules=switched_off, facts_of_others=others).events


# --- second persons -------------------------------------------------------------------------


@pytest.mark.parametrize("by", [world.CLERK, world.ASSESSOR])
def test_who_registered_or_assessed_a_complaint_does_not_decline_it(by: str) -> None:
    refused(given(world.assessed()), DECLINE, by, "decline")


def test_the_holder_of_a_complaint_does_not_decline_it() -> None:
    held = given(world.assessed()).with_state(owner_person=world.HANDLER)
    refused(held, DECLINE, world.HANDLER, "decline")


@pytest.mark.parametrize("by", [world.CLERK, world.ASSESSOR, world.HANDLER])
def test_nobody_involved_makes_a_complaint_less_grave(by: str) -> None:
    refused(given(world.in_progress(severity="major")), grade("important"), by, "regrade_down")
    refused(given(world.in_progress(severity="important")), grade("general"), by, "regrade_down")


def test_anybody_may_make_a_complaint_more_grave() -> None:
    outcome = given(world.in_progress()).when(grade("major"), by=world.ASSESSOR)
    assert outcome.state.severity == "major"


def test_only_the_last_assessor_counts_as_involved() -> None:
    again = given(world.assessed(severity="important")).when(grade("major"), by="second-person")
    again.when(grade("general"), by="second-person").rejected(SecondPersonRequired)
    assert again.when(grade("general"), by=world.ASSESSOR).state.severity == "general"


@pytest.mark.parametrize("by", [world.CLERK, world.ASSESSOR, world.HANDLER])
@pytest.mark.parametrize(
    "command",
    [
        AssessComplaint(**world.ASSESSED, nature="enquiry"),
        CorrectField(new=Facts(nature="suggestion"), **world.WHY),
    ],
    ids=["assessed", "corrected"],
)
def test_nobody_involved_makes_a_complaint_something_else(command: Any, by: str) -> None:
    refused(given(world.in_progress()), command, by, "nature_away")


def test_what_an_assessment_made_a_complaint_is_protected_as_well() -> None:
    """Registered as an enquiry, assessed as a complaint: the way back takes a second person."""
    enquiry = given(world.registered(nature="enquiry"))
    is_complaint = AssessComplaint(**world.ASSESSED, nature="complaint")
    complaint = enquiry.when(is_complaint, by=world.ASSESSOR)
    correct = CorrectField(new=Facts(nature="enquiry"), **world.WHY)
    refused(complaint, correct, world.ASSESSOR, "nature_away")
    assert complaint.when(correct, by="second-person").state.nature == "enquiry"


def test_what_is_no_complaint_may_become_one_by_anybody() -> None:
    enquiry = given(world.registered(nature="enquiry"))
    correct = CorrectField(new=Facts(nature="complaint"), **world.WHY)
    assert enquiry.when(correct, by=world.CLERK).state.nature == "complaint"
    praise = CorrectField(new=Facts(nature="praise"), **world.WHY)
    assert enquiry.when(praise, by=world.CLERK).state.nature == "praise"


@pytest.mark.parametrize("severity", ["important", "major"])
def test_who_resolved_a_grave_complaint_does_not_record_its_confirmation(severity: str) -> None:
    refused(
        given(world.followed_up(severity=severity)), CONFIRM, world.HANDLER, "confirmation_recorder"
    )


def test_who_resolved_a_general_complaint_may_record_its_confirmation() -> None:
    assert given(world.followed_up()).when(CONFIRM, by=world.HANDLER).events


def test_the_resolver_of_the_last_cycle_counts() -> None:
    resolved = given(world.disputed(severity="major")).when(ResolveComplaint(), by="expert-1")
    again = given(world.followed_up(resolved.history))
    again.when(CONFIRM, by="expert-1").rejected(SecondPersonRequired)
    assert again.when(CONFIRM, by=world.HANDLER).events


def test_the_person_named_counts_not_the_key_that_was_used() -> None:
    key = world.ADAPTER
    before = given(world.assessed())
    named = before.when(DECLINE, by=key, on_behalf_of=world.ASSESSOR)
    named.rejected(SecondPersonRequired, rule="decline")
    other = before.when(DECLINE, by=key, on_behalf_of="second-person")
    assert other.history[-1].metadata.by == "second-person"


def test_a_persons_own_key_speaks_for_nobody_else() -> None:
    owns = Actor(id=world.ASSESSOR, kind="person", role="supervisor")
    before = given(world.assessed())
    before.when(DECLINE, by=owns, on_behalf_of="second-person").rejected(SecondPersonRequired)
    confirm = given(world.followed_up(severity="major"))
    own = Actor(id=world.HANDLER, kind="person", role="agent")
    confirm.when(CONFIRM, by=own, on_behalf_of="second-person").rejected(SecondPersonRequired)


MERGE = MergeComplaint(target_id=world.SURVIVOR_ID, **world.WHY)
RATE = RecordSatisfaction(score=5, by="customer", channel="phone")


@pytest.mark.parametrize("by", [world.CLERK, world.ASSESSOR, world.HANDLER])
def test_nobody_involved_merges_a_complaint_away(by: str) -> None:
    refused(given(world.in_progress()), MERGE, by, "merge")


def test_the_handler_does_not_collect_the_satisfaction_with_their_own_work() -> None:
    refused(given(world.closed()), RATE, world.HANDLER, "survey_collector")


def test_who_resolved_it_does_not_collect_the_satisfaction_either() -> None:
    again = given(world.disputed()).when(ResolveComplaint(), by="expert-1")
    refused(again, RATE, "expert-1", "survey_collector")


def test_every_rule_of_four_eyes_that_is_shipped_has_its_spec() -> None:
    """Final position and approval have theirs in test_decision.py and test_approval.py."""
    here = {"decline", "regrade_down", "nature_away", "confirmation_recorder"}
    here |= {"merge", "survey_collector"}
    assert DEFAULT_RULES.four_eyes == here | {"final_position", "remedy_approver"}


# --- reasons --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [
        DeclineComplaint,
        ReturnAssignment,
        CorrectField,
        ReopenComplaint,
        WithdrawComplaint,
        MergeComplaint,
        UnmergeComplaint,
        WithdrawEvidence,
        RejectRemedy,
    ],
)
def test_some_acts_cannot_even_be_ordered_without_a_reason(kind: type[Any]) -> None:
    fields = {field.name: field.required for field in msgspec.structs.fields(kind)}
    assert fields["reason_code"]
    assert fields["reason_text"]


@pytest.mark.parametrize("given_", [{}, {"reason_code": "wrong"}, {"reason_text": "分级有误"}])
@pytest.mark.parametrize(
    "change", [{"severity": "major"}, {"category": OTHER}], ids=["regrade", "reclass"]
)
def test_a_regrade_and_a_reclassification_are_justified(
    change: dict[str, Any], given_: dict[str, Any]
) -> None:
    before = given(world.assessed())
    told = {**world.ASSESSED, **change}
    before.when(AssessComplaint(**told, **given_)).rejected(ReasonRequired)
    assert before.when(AssessComplaint(**told, **world.WHY)).events


def test_the_first_assessment_needs_no_reason() -> None:
    first = AssessComplaint(**{**world.ASSESSED, "severity": "major"})
    assert given(world.registered()).when(first).then(ComplaintAssessed)


def test_adding_a_tag_is_no_reclassification() -> None:
    tagged = AssessComplaint(**world.ASSESSED, tags=["夏季高峰"])
    assert given(world.assessed()).when(tagged).events


def test_leaving_the_severity_open_is_no_regrade() -> None:
    before = given(world.assessed(severity="major"))
    ungraded = AssessComplaint(category=world.CATEGORY, decided_by=world.ASSESSED["decided_by"])
    assert before.when(ungraded, by=world.ASSESSOR).state.severity == "major"


def test_the_reason_stands_with_the_event() -> None:
    back = ReturnAssignment(reason_code="wrong-unit", reason_text="应由物流处理")
    last = given(world.in_progress()).when(back, by=world.HANDLER).history[-1]
    assert last.metadata.reason == last.event.reason_code == "wrong-unit"
    assert last.event.reason_text == "应由物流处理"


def test_a_reason_may_be_given_for_anything() -> None:
    assign = AssignComplaint(unit_id="second-line", **world.WHY)
    last = given(world.accepted()).when(assign).history[-1]
    assert last.metadata.reason == world.WHY["reason_code"]
    assert last.event.reason_text == world.WHY["reason_text"]
