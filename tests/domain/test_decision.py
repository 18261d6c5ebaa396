"""The decision communicated, the last word, and the closes that rest on it or on others."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain.complaint.closure import (
    CloseComplaint,
    MayStillAnswer,
    OutsideOutcomeRequired,
    RemedyOutstanding,
)
from domain.complaint.contact import RecordChaser, RecordContact
from domain.complaint.decision import (
    CommunicateDecision,
    DecisionCommunicated,
    DecisionNotCommunicated,
    DeclareFinalPosition,
    FinalPositionDeclared,
)
from domain.complaint.guards import SupervisorRequired, UnknownContact
from domain.complaint.remedy import RemedyAccepted
from domain.complaint.resolution import DisputeResolution, ResolveComplaint
from domain.complaint.state import ComplaintClosed
from domain.kernel import Actor, NotAllowedAtStage, ReasonRequired, SecondPersonRequired
from domain.rulebook.defaults import DEFAULT_RULES
from tests import world
from tests.spec import Given, given

ELSEWHERE = UUID("01957a6e-0000-7000-8000-0000000000ff")
TOLD: dict[str, Any] = {
    "decision": "upheld",
    "reasons": "质量问题",
    "language": "zh-CN",
    "contact_id": world.CALL_ID,
}
DECLARE = DeclareFinalPosition()
LAST_WORD = CloseComplaint(reason="final_position", **world.WHY)
OUTSIDE = CloseComplaint(reason="settled_outside", **world.WHY)
DAY = timedelta(days=1)


def boss(person_id: str) -> Actor:
    """A supervisor."""
    return Actor(id=person_id, kind="person", role="supervisor")


def off(rule: str) -> Any:
    """The shipped rules without one rule of four eyes."""
    return replace(DEFAULT_RULES, four_eyes=DEFAULT_RULES.four_eyes - {rule})


# --- the decision ---------------------------------------------------------------------------


def test_a_decision_is_communicated_with_reasons_recourse_language_and_contact() -> None:
    told = {**TOLD, "recourse": "可拨打 12315 申诉。"}
    outcome = given(world.problem_confirmed()).when(CommunicateDecision(**told))
    outcome.then(DecisionCommunicated(**told))
    assert outcome.state.stage == "in_progress"


def test_a_decision_is_communicated_in_a_contact_of_this_complaint() -> None:
    elsewhere = CommunicateDecision(**{**TOLD, "contact_id": ELSEWHERE})
    given(world.problem_confirmed()).when(elsewhere).rejected(UnknownContact)


# --- the last word --------------------------------------------------------------------------


def test_a_supervisor_declares_the_last_word_after_the_decision_was_communicated() -> None:
    outcome = given(world.resolved()).when(DECLARE, by=world.SUPERVISOR)
    outcome.then(FinalPositionDeclared(cycle=1))
    assert outcome.state.stage == "final_position"
    assert outcome.state.final_position_at == outcome.order.now


def test_there_is_no_last_word_before_the_decision_was_communicated() -> None:
    resolved = given(world.problem_confirmed()).when(ResolveComplaint(), by=world.HANDLER)
    resolved.when(DECLARE, by=world.SUPERVISOR).rejected(DecisionNotCommunicated)


def test_a_decision_without_outside_recourse_allows_no_last_word() -> None:
    decided = given(world.problem_confirmed()).when(CommunicateDecision(**TOLD))
    resolved = decided.when(ResolveComplaint(), by=world.HANDLER)
    resolved.when(DECLARE, by=world.SUPERVISOR).rejected(DecisionNotCommunicated)


def test_the_decision_of_an_earlier_cycle_is_not_the_last_word_of_a_later_one() -> None:
    again = given(world.disputed()).when(ResolveComplaint(), by=world.HANDLER)
    again.when(DECLARE, by=world.SUPERVISOR).rejected(DecisionNotCommunicated)


@pytest.mark.parametrize("by", [world.HANDLER, world.CLERK, world.ASSESSOR])
def test_nobody_involved_declares_the_last_word(by: str) -> None:
    before = given(world.resolved())
    before.when(DECLARE, by=boss(by)).rejected(SecondPersonRequired, rule="final_position")
    assert before.when(DECLARE, by=boss(by), rules=off("final_position")).events


def test_who_resolved_a_complaint_does_not_declare_the_last_word() -> None:
    resolver = boss("expert-1")
    resolved = given(world.resolved()[:-1]).when(ResolveComplaint(), by=resolver)
    resolved.when(DECLARE, by=resolver).rejected(SecondPersonRequired, rule="final_position")


def test_only_a_supervisor_declares_the_last_word() -> None:
    given(world.resolved()).when(DECLARE, by="ann").rejected(SupervisorRequired, role="agent")


def test_the_last_word_can_be_disputed() -> None:
    disputed = given(world.final_position()).when(DisputeResolution())
    assert (disputed.state.stage, disputed.state.cycle) == ("in_progress", 2)


# --- closing on the last word ---------------------------------------------------------------


def declared() -> Given:
    """A complaint on which the last word was spoken."""
    return given(world.final_position())


def test_a_last_word_unanswered_for_thirty_days_closes_the_complaint() -> None:
    before = declared()
    due = before.state.final_position_at + 30 * DAY
    early = before.when(LAST_WORD, by=world.SUPERVISOR, at=due - timedelta(seconds=1))
    early.rejected(MayStillAnswer, days=30)
    closed = before.when(LAST_WORD, by=world.SUPERVISOR, at=due)
    closed.then(ComplaintClosed(reason="final_position", reason_text=world.WHY["reason_text"]))


@pytest.mark.parametrize(
    "word",
    [
        RecordChaser(channel="phone", party="customer"),
        RecordContact(
            direction="inbound",
            channel="email",
            party="customer",
            purpose="other",
            outcome="reached",
        ),
    ],
    ids=["chaser", "contact"],
)
def test_the_thirty_days_begin_anew_with_every_word_of_the_complainant(word: Any) -> None:
    before = declared()
    due = before.state.final_position_at + 30 * DAY
    answered = before.when(word, at=due - DAY)
    answered.when(LAST_WORD, by=world.SUPERVISOR, at=due).rejected(MayStillAnswer)
    assert answered.when(LAST_WORD, by=world.SUPERVISOR, at=due + 29 * DAY).events


def test_our_own_calls_do_not_extend_the_thirty_days() -> None:
    before = declared()
    due = before.state.final_position_at + 30 * DAY
    ours = RecordContact(
        direction="outbound", channel="phone", party="customer", purpose="notice", outcome="reached"
    )
    assert before.when(ours, at=due - DAY).when(LAST_WORD, by=world.SUPERVISOR, at=due).events


def test_the_handler_does_not_close_on_the_last_word() -> None:
    before, late = declared(), declared().state.final_position_at + 40 * DAY
    refused = before.when(LAST_WORD, by=boss(world.HANDLER), at=late)
    refused.rejected(SecondPersonRequired, rule="final_position", command="CloseComplaint")
    assert before.when(
        LAST_WORD, by=boss(world.HANDLER), at=late, rules=off("final_position")
    ).events


def test_only_a_supervisor_closes_on_the_last_word() -> None:
    late = declared().state.final_position_at + 40 * DAY
    declared().when(LAST_WORD, by="ann", at=late).rejected(SupervisorRequired, role="agent")


def test_before_the_last_word_was_spoken_nothing_closes_on_it() -> None:
    before = given(world.resolved())
    late = before.history[-1].recorded_at + 60 * DAY
    refused = before.when(LAST_WORD, by=world.SUPERVISOR, at=late)
    refused.rejected(NotAllowedAtStage, stage="resolved")


def test_how_long_a_complainant_may_answer_is_a_matter_of_the_rulebook() -> None:
    ten = replace(DEFAULT_RULES, final_position_days=10)
    at = declared().state.final_position_at + 10 * DAY
    assert declared().when(LAST_WORD, by=world.SUPERVISOR, at=at, rules=ten).events


# --- settled outside ------------------------------------------------------------------------


def test_a_complaint_settled_outside_closes_on_the_outside_bodys_result() -> None:
    before = given(world.settled_outside(world.resolved()))
    before.when(OUTSIDE).then(
        ComplaintClosed(reason="settled_outside", reason_text=world.WHY["reason_text"])
    )


def test_nothing_is_settled_outside_before_the_body_has_decided() -> None:
    given(world.waiting(world.resolved())).when(OUTSIDE).rejected(OutsideOutcomeRequired)
    given(world.resolved()).when(OUTSIDE).rejected(OutsideOutcomeRequired)


@pytest.mark.parametrize("reason", ["final_position", "settled_outside", "unreachable"])
def test_every_close_but_a_verified_one_is_justified(reason: Any) -> None:
    bare = CloseComplaint(reason=reason)
    given(world.final_position()).when(bare, by=world.SUPERVISOR).rejected(ReasonRequired)


@pytest.mark.parametrize("close", [LAST_WORD, OUTSIDE], ids=["last-word", "outside"])
def test_a_promise_is_kept_before_these_closes_as_well(close: CloseComplaint) -> None:
    history = world.settled_outside(world.final_position())
    promised = world.past(history, (world.HANDLER, RemedyAccepted(remedy_id=world.OFFER_ID)))
    at = history[-1].recorded_at + 60 * DAY
    given(promised).when(close, by=world.SUPERVISOR, at=at).rejected(RemedyOutstanding)
