"""The specs' own helper fails when it should, and says what was expected and what came."""

import pytest

from domain.complaint.assessment import AcceptComplaint, ComplaintAccepted
from domain.complaint.closure import CloseComplaint, NotVerified
from domain.complaint.contact import RecordContact
from domain.kernel import NotAllowedAtStage
from tests import world
from tests.spec import ANY_ID, STREAM, given

ACCEPT = AcceptComplaint(unit_id=world.UNIT)
VERIFIED = CloseComplaint(reason="verified")
CALL = RecordContact(
    direction="outbound", channel="phone", party="customer", purpose="answer", outcome="reached"
)


def test_another_event_than_the_one_expected_fails_and_shows_both() -> None:
    outcome = given(world.assessed()).when(ACCEPT)
    outcome.then(ComplaintAccepted(unit_id=world.UNIT))
    with pytest.raises(AssertionError) as failure:
        outcome.then(ComplaintAccepted(unit_id="elsewhere"))
    assert str(failure.value).splitlines()[1:] == [
        "Given ComplaintRegistered, ComplaintAssessed",
        "  stage assessed",
        "When AcceptComplaint(unit_id='after-sales')",
        "  by ann (agent, person) at 2026-03-02 09:10:00+08:00",
        "Then expected:",
        "  ComplaintAccepted(unit_id='elsewhere')",
        "but got:",
        "  ComplaintAccepted(unit_id='after-sales')",
    ]


def test_more_or_fewer_events_than_expected_fail() -> None:
    outcome = given(world.assessed()).when(ACCEPT)
    for expected in ((), (ComplaintAccepted, ComplaintAccepted)):
        with pytest.raises(AssertionError):
            outcome.then(*expected)


def test_an_expected_refusal_that_does_not_come_fails() -> None:
    with pytest.raises(AssertionError, match="NotVerified"):
        given(world.confirmed()).when(VERIFIED).rejected(NotVerified)


def test_another_refusal_or_other_facts_fail() -> None:
    outcome = given(world.resolved()).when(VERIFIED).rejected(NotVerified)
    with pytest.raises(AssertionError, match="NotVerified: Missing"):
        outcome.rejected(NotAllowedAtStage)
    with pytest.raises(AssertionError, match="ProblemConfirmed"):
        outcome.rejected(NotVerified, missing="ProblemConfirmed")


def test_an_unexpected_refusal_is_shown() -> None:
    with pytest.raises(AssertionError, match="NotAllowedAtStage: AcceptComplaint is not allowed"):
        given(world.registered()).when(ACCEPT).then(ComplaintAccepted)
    with pytest.raises(AssertionError, match="NotAllowedAtStage"):
        given(world.registered()).when(ACCEPT).silent()


def test_what_was_recorded_is_not_silence() -> None:
    with pytest.raises(AssertionError, match="ComplaintAccepted"):
        given(world.assessed()).when(ACCEPT).silent()


def test_a_made_up_id_is_whatever_the_decider_makes_of_it() -> None:
    told = {name: getattr(CALL, name) for name in ("direction", "channel", "party")}
    outcome = given(world.registered()).when(CALL)
    outcome.then(world.contact(ANY_ID, purpose="answer", outcome="reached", **told))
    with pytest.raises(AssertionError):
        outcome.then(world.contact(STREAM, purpose="answer", outcome="reached", **told))


def test_what_was_recorded_is_the_past_of_what_comes_next() -> None:
    outcome = given(world.assessed()).when(ACCEPT)
    assert [item.version for item in outcome.history] == [1, 2, 3]
    outcome.when(ACCEPT).rejected(NotAllowedAtStage, stage="accepted")
