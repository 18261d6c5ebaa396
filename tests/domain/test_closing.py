"""The close table of requirements section 10: what each close reason needs, and who may use it."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from domain.complaint.assessment import ComplaintDeclined, DeclineComplaint
from domain.complaint.closure import (
    CloseComplaint,
    ComplaintWithdrawn,
    ImportOnly,
    NotTriedEnough,
    NotVerified,
    RemedyOutstanding,
    ReopenComplaint,
    WasReached,
    WithdrawComplaint,
)
from domain.complaint.guards import ProofRequired, UnknownContact, known_remedy
from domain.complaint.remedy import RemedyAccepted
from domain.complaint.resolution import ComplaintResolved, DisputeResolution, ResolutionConfirmed
from domain.complaint.state import ComplaintClosed
from domain.kernel import NotAllowedAtStage, ReasonRequired
from domain.rulebook.defaults import DEFAULT_RULES
from domain.rules import UnreachableRule
from tests import world
from tests.spec import SHANGHAI, given

VERIFIED = CloseComplaint(reason="verified")
UNREACHABLE = CloseComplaint(
    reason="unreachable", reason_code="no-answer", reason_text="多次联系无人接听"
)
WITHDRAW = WithdrawComplaint(evidence_id=world.EVIDENCE_ID, **world.WHY)
DECLINE = DeclineComplaint(
    reason_code="out-of-scope", reason_text="不属于本公司业务", notice=world.NOTICE
)


# --- verified -------------------------------------------------------------------------------


def test_a_complaint_closes_verified_when_the_customer_confirmed_problem_and_resolution() -> None:
    outcome = given(world.confirmed()).when(VERIFIED, by=world.CALLER)
    outcome.then(ComplaintClosed(reason="verified"))
    assert outcome.state.close_reason == "verified"
    assert outcome.state.closed_at == outcome.order.now


def test_a_customer_who_never_answered_is_not_thereby_satisfied() -> None:
    given(world.unanswered()).when(VERIFIED).rejected(NotVerified, missing="ResolutionConfirmed")


def test_a_long_silence_after_the_resolution_confirms_nothing() -> None:
    history = world.resolved()
    a_year_later = history[-1].recorded_at + timedelta(days=365)
    given(history).when(VERIFIED, at=a_year_later).rejected(NotVerified)


def test_a_complaint_whose_problem_was_never_confirmed_is_not_verified() -> None:
    history = world.past(
        world.in_progress(),
        (world.HANDLER, ComplaintResolved(cycle=1)),
        (
            world.CALLER,
            ResolutionConfirmed(cycle=1, by="customer", how="link", evidence_id=world.EVIDENCE_ID),
        ),
    )
    given(history).when(VERIFIED).rejected(NotVerified, missing="ProblemConfirmed")


def test_the_confirmation_of_an_earlier_cycle_does_not_verify_a_later_one() -> None:
    second = given(world.confirmed()).when(DisputeResolution())
    resolved_again = world.past(second.history, (world.HANDLER, ComplaintResolved(cycle=2)))
    given(resolved_again).when(VERIFIED).rejected(NotVerified, missing="ResolutionConfirmed")


def test_the_problem_confirmed_in_an_earlier_cycle_stays_confirmed() -> None:
    history = world.past(
        world.disputed(),
        (world.HANDLER, ComplaintResolved(cycle=2)),
        (
            world.CALLER,
            ResolutionConfirmed(cycle=2, by="customer", how="link", evidence_id=world.EVIDENCE_ID),
        ),
    )
    given(history).when(VERIFIED).then(ComplaintClosed(reason="verified"))


def test_a_verified_close_needs_no_reason() -> None:
    outcome = given(world.confirmed()).when(VERIFIED)
    assert outcome.events[0].reason_text is None
    assert outcome.history[-1].metadata.reason is None


@pytest.mark.parametrize("close", [VERIFIED, UNREACHABLE], ids=["verified", "unreachable"])
def test_what_was_promised_is_done_before_closing(close: CloseComplaint) -> None:
    history = world.unanswered(world.confirmed())
    promised = world.past(history, (world.HANDLER, RemedyAccepted(remedy_id=world.OFFER_ID)))
    given(promised).when(close).rejected(RemedyOutstanding, remedy_id=world.OFFER_ID)


def test_an_offer_the_customer_never_took_holds_nothing_up() -> None:
    assert known_remedy(given(world.confirmed()).state, world.OFFER_ID).status == "proposed"
    given(world.confirmed()).when(VERIFIED).then(ComplaintClosed)


# --- unreachable ----------------------------------------------------------------------------


def tried(*attempts: tuple[int, int, str], notice: bool = True, **told: Any) -> Any:
    """A resolved complaint after attempts on (day of March, hour, channel), and a notice."""
    history = world.resolved()
    for day, hour, channel in attempts:
        at = datetime(2026, 3, day, hour, 0, tzinfo=SHANGHAI)
        history = world.past(history, (world.CALLER, world.contact(channel=channel, **told), at))
    if notice:
        letter = world.contact(channel="mail", purpose="notice")
        history = world.past(history, (world.CALLER, letter))
    return given(history)


ENOUGH = ((2, 14, "phone"), (2, 18, "sms"), (3, 9, "phone"))


def test_a_customer_tried_three_times_by_two_channels_on_two_days_is_unreachable() -> None:
    closed = tried(*ENOUGH).when(UNREACHABLE)
    closed.then(ComplaintClosed(reason="unreachable", reason_text="多次联系无人接听"))


@pytest.mark.parametrize(
    ("attempts", "lacking"),
    [
        (ENOUGH[:2], {"attempts": 2}),
        (ENOUGH[1:], {"attempts": 2}),
        (((2, 14, "phone"), (2, 18, "phone"), (3, 9, "phone")), {"channels": 1}),
        (((2, 14, "phone"), (2, 18, "sms"), (2, 20, "phone")), {"days": 1}),
        ((), {"attempts": 0, "channels": 0, "days": 0}),
    ],
    ids=["two-attempts", "two-attempts-on-two-days", "one-channel", "one-day", "none-at-all"],
)
def test_fewer_attempts_channels_or_days_do_not_make_a_customer_unreachable(
    attempts: tuple[tuple[int, int, str], ...], lacking: dict[str, int]
) -> None:
    needed = {"need_attempts": 3, "need_channels": 2, "need_days": 2}
    refused = tried(*attempts).when(UNREACHABLE)
    refused.rejected(NotTriedEnough, notice="yes", **needed, **lacking)


def test_nobody_is_unreachable_without_a_written_notice() -> None:
    tried(*ENOUGH, notice=False).when(UNREACHABLE).rejected(NotTriedEnough, notice="no")


def test_the_notice_is_not_one_of_the_attempts() -> None:
    almost = tried(*ENOUGH[:2])
    almost.when(UNREACHABLE).rejected(NotTriedEnough, attempts=2)


@pytest.mark.parametrize(
    "told",
    [{"direction": "inbound"}, {"outcome": "refused"}],
    ids=["the-customer-called", "refused"],
)
def test_only_an_unanswered_call_of_ours_is_an_attempt(told: dict[str, Any]) -> None:
    tried(*ENOUGH, **told).when(UNREACHABLE).rejected(NotTriedEnough, attempts=0)


def test_who_was_reached_since_the_resolution_is_not_unreachable() -> None:
    reached = world.contact(direction="inbound", outcome="reached")
    history = world.past(world.unanswered(), (world.CALLER, reached))
    given(history).when(UNREACHABLE).rejected(WasReached)


@pytest.mark.parametrize("channel", ["phone", "on_site"])
def test_a_notice_that_was_only_spoken_is_not_a_written_one(channel: str) -> None:
    history = world.unanswered()
    spoken = replace(history[-1].event, channel=channel)
    history = world.past(history[:-1], (world.CALLER, spoken))
    given(history).when(UNREACHABLE).rejected(NotTriedEnough, notice="no")


def test_attempts_from_before_the_resolution_do_not_count() -> None:
    attempts = world.unanswered(world.problem_confirmed())
    resolved = world.past(attempts, (world.HANDLER, ComplaintResolved(cycle=1)))
    given(resolved).when(UNREACHABLE).rejected(NotTriedEnough, attempts=0, notice="no")


def test_an_attempt_in_the_minute_of_the_resolution_counts() -> None:
    history = world.resolved()
    at = history[-1].recorded_at
    counted = world.past(history, (world.CALLER, world.contact(), at))
    given(counted).when(UNREACHABLE).rejected(NotTriedEnough, attempts=1)


def test_attempts_of_an_earlier_cycle_do_not_count() -> None:
    again = given(world.unanswered()).when(DisputeResolution())
    resolved_again = world.past(again.history, (world.HANDLER, ComplaintResolved(cycle=2)))
    given(resolved_again).when(UNREACHABLE).rejected(NotTriedEnough, attempts=0, notice="no")


def test_days_are_counted_where_the_organisation_is() -> None:
    """15:30 and 16:30 UTC are one day in London and two in Shanghai."""
    around_midnight = tried((2, 14, "phone"), (2, 23, "sms"), (3, 0, "phone"))
    around_midnight.when(UNREACHABLE).then(ComplaintClosed)
    in_london = replace(DEFAULT_RULES, zone="Europe/London")
    refused = around_midnight.when(UNREACHABLE, rules=in_london)
    refused.rejected(NotTriedEnough, days=1, attempts=3)


def test_how_often_is_enough_is_a_matter_of_the_rulebook() -> None:
    lenient = replace(
        DEFAULT_RULES, unreachable=UnreachableRule(attempts=1, channels=1, working_days=1)
    )
    tried(ENOUGH[0]).when(UNREACHABLE, rules=lenient).then(ComplaintClosed)


def test_closing_as_unreachable_is_justified() -> None:
    bare = CloseComplaint(reason="unreachable")
    tried(*ENOUGH).when(bare).rejected(ReasonRequired, command="CloseComplaint")


# --- imported -------------------------------------------------------------------------------


def test_only_an_import_may_say_that_the_source_had_closed_it() -> None:
    imported = CloseComplaint(reason="imported")
    for actor in (world.SUPERVISOR, world.ADAPTER, "ann"):
        given(world.confirmed()).when(imported, by=actor).rejected(ImportOnly)
    outcome = given(world.registered()).when(imported, by=world.IMPORTER)
    outcome.then(ComplaintClosed(reason="imported"))


def test_an_imported_close_is_never_verified() -> None:
    imported = CloseComplaint(reason="imported")
    closed = given(world.confirmed()).when(imported, by=world.IMPORTER)
    assert closed.state.close_reason == "imported"


# --- declined and withdrawn -----------------------------------------------------------------


@pytest.mark.parametrize("before", [world.registered(), world.assessed()], ids=["new", "assessed"])
def test_declining_writes_its_fact_and_the_close_together(before: world.History) -> None:
    outcome = given(before).when(DECLINE, by=world.SUPERVISOR)
    outcome.then(
        ComplaintDeclined(
            reason_code="out-of-scope", reason_text="不属于本公司业务", notice=world.NOTICE
        ),
        ComplaintClosed(reason="declined"),
    )


def test_nobody_declines_without_saying_why_and_where_else_to_turn() -> None:
    whole = msgspec.to_builtins(DECLINE)
    for missing in ("reason_code", "reason_text", "notice"):
        body = {name: value for name, value in whole.items() if name != missing}
        with pytest.raises(msgspec.ValidationError, match=missing):
            msgspec.convert(body, DeclineComplaint)
    without_recourse = {k: v for k, v in whole["notice"].items() if k != "recourse"}
    with pytest.raises(msgspec.ValidationError, match="recourse"):
        msgspec.convert({**whole, "notice": without_recourse}, DeclineComplaint)


def test_a_notice_of_non_acceptance_names_a_contact_of_this_complaint() -> None:
    elsewhere = replace(DECLINE, notice=replace(world.NOTICE, contact_id=world.CALL_ID))
    refused = given(world.assessed()).when(elsewhere, by=world.SUPERVISOR)
    refused.rejected(UnknownContact, contact_id=world.CALL_ID)


def test_withdrawing_writes_its_fact_and_the_close_together() -> None:
    outcome = given(world.proven(world.in_progress())).when(WITHDRAW)
    outcome.then(
        ComplaintWithdrawn(evidence_id=world.EVIDENCE_ID, **world.WHY),
        ComplaintClosed(reason="withdrawn"),
    )


def test_only_the_customers_own_statement_withdraws_a_complaint() -> None:
    unproven = WithdrawComplaint(**world.WHY)
    given(world.in_progress()).when(unproven).rejected(ProofRequired, command="WithdrawComplaint")
    by_call = WithdrawComplaint(contact_id=world.CALL_ID, **world.WHY)
    given(world.in_progress()).when(by_call).rejected(UnknownContact)
    given(world.problem_confirmed()).when(by_call).then(
        ComplaintWithdrawn(contact_id=world.CALL_ID, **world.WHY), ComplaintClosed
    )


def test_a_closed_complaint_is_not_closed_again() -> None:
    for command in (VERIFIED, UNREACHABLE, WITHDRAW, DECLINE):
        refused = given(world.closed()).when(command, by=world.SUPERVISOR)
        refused.rejected(NotAllowedAtStage, stage="closed")


def test_a_reopened_complaint_has_no_close_reason_until_it_closes_again() -> None:
    outcome = given(world.closed()).when(ReopenComplaint(**world.WHY), by=world.SUPERVISOR)
    assert (outcome.state.close_reason, outcome.state.closed_at) == (None, None)
    outcome.when(VERIFIED).rejected(NotAllowedAtStage, stage="in_progress")
