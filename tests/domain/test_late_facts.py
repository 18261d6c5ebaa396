"""What was learned late: facts at a closed complaint, times told in the past and in the future."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from domain.complaint import BeforeReceipt
from domain.complaint.approval import DeclineRemedy
from domain.complaint.assessment import AssessComplaint
from domain.complaint.closure import CloseComplaint, ReopenComplaint, WithdrawComplaint
from domain.complaint.contact import RecordContact
from domain.complaint.emergency import FlagEmergency, RecordContainment
from domain.complaint.guards import ProofRequired, UnknownContact
from domain.complaint.handling import (
    AssignComplaint,
    ConfirmProblem,
    ReturnAssignment,
    SignForAssignment,
)
from domain.complaint.intake import AcknowledgeComplaint, RecordSourceFact, RegisterComplaint
from domain.complaint.pausing import PauseClock, ResumeClock
from domain.complaint.remedy import (
    AcceptRemedy,
    FulfilRemedy,
    ProposeRemedy,
    RemedyFulfilled,
)
from domain.complaint.resolution import (
    ConfirmResolution,
    DisputeResolution,
    ResolutionConfirmed,
    ResolveComplaint,
)
from domain.complaint.supervision import EscalateComplaint, RemindHandler
from domain.kernel import Actor, NotAllowedAtStage, ReasonRequired
from domain.time.telling import BackdatedTooFar, OccurredInFuture
from tests import world
from tests.spec import RECEIVED, Given, given

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
PROOF: dict[str, Any] = {"evidence_id": world.EVIDENCE_ID}
CALLED: dict[str, Any] = {"by": "customer", "how": "callback"}

# --- facts at a closed complaint ------------------------------------------------------------

LATE = [
    AcknowledgeComplaint(by="person", **PROOF),
    FlagEmergency(cause="safety-hazard"),
    RecordContainment(kind="stop-use"),
    EscalateComplaint(level="task-force", **world.WHY),
    RemindHandler(about="resolve"),
    ConfirmProblem(**CALLED, **PROOF),
    ProposeRemedy(kind="repair", basis="goodwill"),
    AcceptRemedy(remedy_id=world.OFFER_ID),
    DeclineRemedy(remedy_id=world.OFFER_ID),
    ConfirmResolution(**CALLED, **PROOF),
]
ACTS = [
    AssessComplaint(**world.ASSESSED),
    AssignComplaint(unit_id="second-line"),
    SignForAssignment(),
    ReturnAssignment(**world.WHY),
    ResolveComplaint(),
    DisputeResolution(),
    CloseComplaint(reason="verified"),
    WithdrawComplaint(**world.WHY, **PROOF),
    PauseClock(clock="resolve", **world.WAITED),
    ResumeClock(clock="resolve"),
]
NAMED: Any = {"ids": lambda command: type(command).__name__}


def told(command: Any, at: datetime | None, **more: Any) -> Any:
    """The same command with the time its caller gives."""
    return replace(command, occurred_at=at, **more)


def close_of(history: world.History) -> tuple[Given, datetime]:
    """A closed complaint, and when it was closed."""
    before = given(world.proven(history))
    return before, before.state.closed_at


@pytest.mark.parametrize("command", LATE, **NAMED)
def test_a_closed_complaint_still_takes_a_fact_from_before_the_close(command: Any) -> None:
    before, closed_at = close_of(world.closed())
    outcome = before.when(told(command, closed_at - MINUTE))
    assert outcome.events, outcome.rejection
    for kept in ("stage", "cycle", "close_reason", "closed_at", "owner_unit", "owner_person"):
        assert getattr(outcome.state, kept) == getattr(before.state, kept)


@pytest.mark.parametrize("command", LATE, **NAMED)
def test_what_happened_at_or_after_the_close_is_not_a_late_fact(command: Any) -> None:
    before, closed_at = close_of(world.closed())
    for at in (closed_at, closed_at + MINUTE, None):
        outcome = before.when(told(command, at), at=closed_at + 10 * MINUTE)
        outcome.rejected(NotAllowedAtStage, stage="closed")


@pytest.mark.parametrize("command", ACTS, **NAMED)
def test_a_closed_complaint_is_not_worked_on_by_telling_it_late(command: Any) -> None:
    before, closed_at = close_of(world.closed())
    late = told(command, closed_at - MINUTE)
    before.when(late, by=world.SUPERVISOR).rejected(NotAllowedAtStage, stage="closed")


@pytest.mark.parametrize("command", LATE[5:], **NAMED)
def test_a_complaint_declined_at_once_has_no_late_facts_of_stages_it_never_saw(
    command: Any,
) -> None:
    before, closed_at = close_of(world.declined(world.registered()))
    late = told(command, closed_at - MINUTE)
    before.when(late, at=closed_at + DAY / 2).rejected(NotAllowedAtStage)


def test_a_confirmation_that_comes_to_light_late_does_not_rewrite_the_close() -> None:
    before, closed_at = close_of(world.closed_unreachable())
    confirm = told(ConfirmResolution(**CALLED, **PROOF), closed_at - MINUTE)
    outcome = before.when(confirm, by=world.CALLER)
    outcome.then(ResolutionConfirmed(cycle=1, **CALLED, **PROOF))
    assert outcome.state.close_reason == "unreachable"


def test_a_late_confirmation_means_the_cycle_that_was_resolved() -> None:
    """Withdrawn in the second cycle before anything was resolved there."""
    before, closed_at = close_of(world.withdrawn(world.disputed()))
    confirm = told(ConfirmResolution(**CALLED, **PROOF), closed_at - MINUTE)
    outcome = before.when(confirm)
    outcome.then(ResolutionConfirmed(cycle=1, **CALLED, **PROOF))
    assert not outcome.state.is_resolution_confirmed


def test_what_was_promised_before_the_close_can_be_done_after_it() -> None:
    before, closed_at = close_of(world.closed())
    taken = before.when(told(AcceptRemedy(remedy_id=world.OFFER_ID), closed_at - MINUTE))
    done = taken.when(FulfilRemedy(remedy_id=world.OFFER_ID))
    done.then(RemedyFulfilled(remedy_id=world.OFFER_ID))
    assert done.state.stage == "closed"


# --- the future -----------------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(seconds=1), timedelta(seconds=60)])
def test_a_clock_up_to_a_minute_fast_is_taken_as_now(ahead: timedelta) -> None:
    at = RECEIVED + DAY
    command = RecordSourceFact(name="timely", value="yes", occurred_at=at + ahead)
    envelope = given(world.registered()).when(command, at=at).history[-1]
    assert envelope.recorded_at == envelope.occurred_at == at
    expected = ("caller", at) if not ahead else ("system", None)
    assert (envelope.metadata.occurred_at_source, envelope.metadata.occurred_at) == expected


@pytest.mark.parametrize(
    "ahead", [timedelta(seconds=60, microseconds=1), timedelta(seconds=61), DAY]
)
@pytest.mark.parametrize(
    "by", ["ann", world.ADAPTER, world.IMPORTER], ids=["agent", "api", "import"]
)
def test_nothing_is_recorded_that_has_not_happened_yet(by: Any, ahead: timedelta) -> None:
    at = RECEIVED + DAY
    command = RecordSourceFact(name="timely", value="yes", occurred_at=at + ahead)
    refused = given(world.registered()).when(command, by=by, at=at)
    assert refused.rejected(OccurredInFuture, seconds=60).rejection is not None


# --- the past -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "by", ["ann", world.ADAPTER, world.IMPORTER], ids=["agent", "api", "import"]
)
def test_nothing_happens_to_a_complaint_before_it_is_received(by: Any) -> None:
    early = RecordSourceFact(name="timely", value="yes", occurred_at=RECEIVED - MINUTE)
    given(world.registered()).when(early, by=by, at=RECEIVED + DAY / 2).rejected(BeforeReceipt)
    in_time = RecordSourceFact(name="timely", value="yes", occurred_at=RECEIVED)
    assert given(world.registered()).when(in_time, by=by, at=RECEIVED + DAY / 2).events


LIMITS = {
    # role: how far back, at most
    "agent": DAY,
    "legal": DAY,
    "supervisor": 7 * DAY,
    "admin": 7 * DAY,
    "auditor": timedelta(0),
    "somebody": timedelta(0),
}
A_CLOCK_THAT_IS_OFF = timedelta(seconds=60)  # backdates nothing


@pytest.mark.parametrize("role", LIMITS)
def test_how_far_back_a_fact_may_be_told_depends_on_the_role(role: str) -> None:
    now, by = RECEIVED + 30 * DAY, Actor(id="x", kind="person", role=role)
    longest = max(LIMITS[role], A_CLOCK_THAT_IS_OFF)
    fact = RecordSourceFact(name="timely", value="yes", **world.WHY)
    before = given(world.registered())
    taken = before.when(told(fact, now - longest), by=by, at=now)
    assert taken.history[-1].occurred_at == now - longest
    refused = before.when(told(fact, now - longest - timedelta(seconds=1)), by=by, at=now)
    refused.rejected(BackdatedTooFar, role=role, minutes=LIMITS[role] // MINUTE)


EXEMPT = [
    world.ADAPTER,
    world.IMPORTER,
    Actor(id="x", kind="import", role="agent"),
    Actor(id="demo", kind="system", role="simulation"),
]


@pytest.mark.parametrize("by", EXEMPT, ids=lambda actor: f"{actor.kind}-{actor.role}")
def test_adapters_imports_and_simulations_may_tell_facts_of_any_age(by: Actor) -> None:
    now = RECEIVED + 4000 * DAY
    old = RecordSourceFact(name="timely", value="yes", occurred_at=RECEIVED)
    assert given(world.registered()).when(old, by=by, at=now).events
    acknowledged = AcknowledgeComplaint(by="automatic", occurred_at=RECEIVED)
    assert given(world.registered()).when(acknowledged, by=by, at=now).events


def test_a_receipt_can_be_told_late_as_well() -> None:
    letter = RegisterComplaint(
        channel="mail",
        source_system="post",
        nature="complaint",
        origin="person",
        occurred_at=RECEIVED - DAY,
    )
    assert given().when(letter).state.received_at == RECEIVED - DAY
    given().when(letter, at=RECEIVED + MINUTE).rejected(BackdatedTooFar, role="agent", minutes=1440)


def test_what_a_supervisor_tells_of_before_yesterday_is_justified() -> None:
    now = RECEIVED + 30 * DAY
    bare = RecordSourceFact(name="timely", value="yes", occurred_at=now - DAY - MINUTE)
    before = given(world.registered())
    before.when(bare, by=world.SUPERVISOR, at=now).rejected(ReasonRequired)
    yesterday = RecordSourceFact(name="timely", value="yes", occurred_at=now - DAY)
    assert before.when(yesterday, by=world.SUPERVISOR, at=now).events


@pytest.mark.parametrize("by", ["ann", world.SUPERVISOR], ids=["agent", "supervisor"])
@pytest.mark.parametrize(
    ("history", "command"),
    [
        (world.registered(), AcknowledgeComplaint(by="person")),
        (world.in_progress(), ConfirmProblem(**CALLED)),
        (world.resolved(), ConfirmResolution(**CALLED)),
    ],
    ids=["acknowledgement", "problem", "resolution"],
)
def test_nobody_backdates_an_acknowledgement_or_a_confirmation_without_proof(
    by: Any, history: world.History, command: Any
) -> None:
    before, now = given(world.proven(history)), history[-1].recorded_at + 2 * MINUTE
    before.when(told(command, now - 2 * MINUTE), by=by, at=now).rejected(ProofRequired)
    proven = told(command, now - 2 * MINUTE, **PROOF)
    assert before.when(proven, by=by, at=now).events


def test_an_acknowledgement_of_this_very_minute_needs_no_proof() -> None:
    now = RECEIVED + 10 * MINUTE
    just_now = AcknowledgeComplaint(by="person", occurred_at=now - MINUTE)
    assert given(world.registered()).when(just_now, at=now).events


def test_a_proof_is_a_contact_of_this_very_complaint() -> None:
    elsewhere = AcknowledgeComplaint(by="person", contact_id=world.CALL_ID)
    given(world.registered()).when(elsewhere).rejected(UnknownContact)
    assert given(world.problem_confirmed()).when(elsewhere).events


def test_a_contact_can_be_told_late_and_keeps_its_own_time() -> None:
    before = given(world.registered())
    call = RecordContact(
        direction="outbound",
        channel="phone",
        party="customer",
        purpose="answer",
        outcome="reached",
        occurred_at=RECEIVED + MINUTE,
    )
    outcome = before.when(call, at=RECEIVED + 20 * MINUTE)
    assert outcome.state.contacts[0].occurred_at == RECEIVED + MINUTE
    assert outcome.history[-1].recorded_at == RECEIVED + 20 * MINUTE


def test_reopening_is_never_told_of_an_open_complaint() -> None:
    reopen = ReopenComplaint(**world.WHY, occurred_at=RECEIVED + MINUTE)
    given(world.resolved()).when(reopen).rejected(NotAllowedAtStage, stage="resolved")
