"""The resolution, and the customer's own word on it."""

from typing import Any

import msgspec
import pytest

from domain.complaint.contact import RecordContact
from domain.complaint.guards import NobodysWord, ProofRequired, UnknownContact
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
from tests import world
from tests.spec import given

CONFIRM = ConfirmResolution(by="customer", how="link", evidence_id=world.EVIDENCE_ID)


def test_a_resolution_says_what_was_done_and_who_declared_it() -> None:
    resolve = ResolveComplaint(outcome="refunded", summary="已全额退款")
    outcome = given(world.remedied()).when(resolve, by=world.HANDLER)
    outcome.then(ComplaintResolved(cycle=1, outcome="refunded", summary="已全额退款"))
    assert outcome.state.resolved_by == world.HANDLER
    assert outcome.state.resolved_at == outcome.order.now


@pytest.mark.parametrize("by", ["customer", "representative"])
@pytest.mark.parametrize("how", ["callback", "link", "in_writing", "on_site"])
def test_a_confirmation_names_who_confirmed_how_and_what_shows_it(by: Any, how: Any) -> None:
    confirm = ConfirmResolution(by=by, how=how, contact_id=world.CONTACT_ID)
    outcome = given(world.authorised(world.followed_up())).when(confirm, by=world.CALLER)
    outcome.then(ResolutionConfirmed(cycle=1, by=by, how=how, contact_id=world.CONTACT_ID))
    assert outcome.state.stage == "resolved"


def test_a_reporter_or_the_organisation_itself_confirms_nothing() -> None:
    for by in ("reporter", "complainant", "person", "automatic"):
        with pytest.raises(msgspec.ValidationError, match="by"):
            msgspec.convert({"by": by, "how": "link"}, ConfirmResolution)


def test_nobodys_word_confirms_without_a_contact_or_evidence_that_shows_it() -> None:
    unproven = ConfirmResolution(by="customer", how="callback")
    given(world.resolved()).when(unproven).rejected(ProofRequired)
    elsewhere = ConfirmResolution(by="customer", how="callback", contact_id=world.CONTACT_ID)
    given(world.resolved()).when(elsewhere).rejected(UnknownContact)


def test_silence_never_confirms() -> None:
    history = world.resolved()
    unanswered = world.past(history, (world.CALLER, world.contact(world.CONTACT_ID)))
    confirm = ConfirmResolution(by="customer", how="callback", contact_id=world.CONTACT_ID)
    given(unanswered).when(confirm).rejected(NobodysWord, contact_id=world.CONTACT_ID)


def test_what_was_said_before_the_resolution_does_not_confirm_it() -> None:
    confirm = ConfirmResolution(by="customer", how="callback", contact_id=world.CALL_ID)
    given(world.resolved()).when(confirm).rejected(NobodysWord, contact_id=world.CALL_ID)


def test_a_call_that_reached_the_customer_confirms_nothing_by_itself() -> None:
    call = RecordContact(
        direction="outbound",
        channel="phone",
        party="customer",
        purpose="follow_up",
        outcome="reached",
    )
    assert not given(world.resolved()).when(call).state.is_resolution_confirmed


def test_praise_in_a_survey_is_no_confirmation() -> None:
    praise = RecordSatisfaction(score=5, by="customer", channel="sms", comment="非常满意")
    assert not given(world.resolved()).when(praise).state.is_resolution_confirmed


def test_a_dispute_needs_no_proof_and_keeps_what_the_customer_says() -> None:
    told: dict[str, Any] = {
        "explanation": "又坏了",
        "contact_id": world.CALL_ID,
        "evidence_id": world.EVIDENCE_ID,
    }
    disputed = given(world.proven(world.resolved())).when(DisputeResolution(**told))
    disputed.then(ResolutionDisputed(cycle=1, **told))
    given(world.resolved()).when(DisputeResolution()).then(ResolutionDisputed(cycle=1))
    elsewhere = DisputeResolution(contact_id=world.CONTACT_ID)
    given(world.resolved()).when(elsewhere).rejected(UnknownContact)


def test_a_confirmed_resolution_can_be_confirmed_again() -> None:
    given(world.proven(world.confirmed())).when(CONFIRM, by=world.CALLER).then(ResolutionConfirmed)


@pytest.mark.parametrize("score", [1, 2, 3, 4, 5])
def test_satisfaction_is_a_score_of_one_to_five_with_the_customers_own_words(score: int) -> None:
    told: dict[str, Any] = {
        "score": score,
        "by": "representative",
        "channel": "wechat",
        "sub_scores": {"timeliness": 4, "attitude": 5},
        "comment": "回复及时",
    }
    outcome = given(world.authorised(world.closed())).when(RecordSatisfaction(**told))
    outcome.then(SatisfactionRecorded(cycle=1, **told))


@pytest.mark.parametrize("score", [0, 6, 4.5, "5", None])
def test_no_other_score_is_taken(score: Any) -> None:
    told = {"score": score, "by": "customer", "channel": "sms"}
    with pytest.raises(msgspec.ValidationError, match="score"):
        msgspec.convert(told, RecordSatisfaction)
    told = {"score": 5, "by": "customer", "channel": "sms", "sub_scores": {"attitude": score}}
    with pytest.raises(msgspec.ValidationError, match="sub_scores"):
        msgspec.convert(told, RecordSatisfaction)


def test_satisfaction_changes_no_stage_and_no_verdict() -> None:
    before = given(world.closed())
    after = before.when(RecordSatisfaction(score=1, by="customer", channel="sms"))
    assert (after.state.stage, after.state.close_reason) == ("closed", "verified")
