"""Telling a fact twice (same content, same occurred_at) is silence; some things never are."""

from datetime import UTC, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from domain.complaint import COMPLAINT
from domain.complaint.approval import ApproveRemedy, DeclineRemedy, RejectRemedy
from domain.complaint.assessment import AcceptComplaint, AssessComplaint, DeclineComplaint
from domain.complaint.closure import CloseComplaint, ReopenComplaint, WithdrawComplaint
from domain.complaint.contact import ContactRecorded, RecordChaser, RecordContact
from domain.complaint.decision import CommunicateDecision, DeclareFinalPosition
from domain.complaint.emergency import FlagEmergency, RecordContainment
from domain.complaint.evidence import AttachEvidence, WithdrawEvidence
from domain.complaint.handling import (
    AssignComplaint,
    AssignmentSignedFor,
    ConfirmProblem,
    ReturnAssignment,
    SignForAssignment,
)
from domain.complaint.identity import LinkCustomer
from domain.complaint.intake import (
    AcknowledgeComplaint,
    AddDetail,
    CorrectField,
    RecordSourceFact,
    RegisterComplaint,
    SourceFactRecorded,
)
from domain.complaint.investigation import (
    RecordFinding,
    RecordInformation,
    RequestInformation,
)
from domain.complaint.merge import (
    MergeComplaint,
    MergeReceived,
    RecordMergeReceived,
    RecordMergeReverted,
    UnmergeComplaint,
)
from domain.complaint.pausing import ClockPaused, PauseClock, ResumeClock
from domain.complaint.referral import (
    RecordOutsideOutcome,
    ReferComplaint,
    ReportOutcomeToBody,
)
from domain.complaint.remedy import (
    AcceptRemedy,
    FulfilRemedy,
    ProposeRemedy,
    RemedyFulfilled,
)
from domain.complaint.repeat import ClassifyRepeat
from domain.complaint.resolution import (
    ConfirmResolution,
    DisputeResolution,
    RecordSatisfaction,
    ResolutionDisputed,
    ResolveComplaint,
    SatisfactionRecorded,
)
from domain.complaint.supervision import EscalateComplaint, RemindHandler
from domain.complaint.tasks import CompleteTask, DelegateTask
from domain.complaint.vocabulary import Facts
from domain.kernel import NotAllowedAtStage, Recorded
from tests import world
from tests.spec import RECEIVED, STEP, Given, given

PROOF: dict[str, Any] = {"evidence_id": world.EVIDENCE_ID}
REGISTER = RegisterComplaint(
    channel="web", source_system="shop", nature="complaint", origin="person", narrative="门锁坏了"
)
REPEATABLE: list[tuple[list[Recorded[Any]], Any]] = [
    ([], REGISTER),
    (
        world.registered(),
        AttachEvidence(kind="photo", media_type="image/jpeg", size=1, sha256=world.SHA256),
    ),
    (world.registered(), FlagEmergency(cause="safety-hazard")),
    (world.registered(), RecordContainment(kind="stop-use")),
    (world.registered(), WithdrawEvidence(**PROOF, **world.WHY)),
    (world.registered(), AcknowledgeComplaint(by="automatic", channel="sms", **PROOF)),
    (world.registered(), AddDetail(details=Facts(region="310000"))),
    (world.registered(), CorrectField(new=Facts(channel="web"), **world.WHY)),
    (world.registered(), RecordSourceFact(name="timely", value="yes")),
    (world.registered(), AssessComplaint(**world.ASSESSED, tags=["夏季"])),
    (world.assessed(), AcceptComplaint(unit_id=world.UNIT)),
    (world.assessed(), DeclineComplaint(notice=world.NOTICE, **world.WHY)),
    (world.accepted(), AssignComplaint(unit_id="second-line", person_id="expert-1")),
    (world.accepted(), SignForAssignment()),
    (world.in_progress(), ReturnAssignment(**world.WHY)),
    (world.in_progress(), ConfirmProblem(by="customer", how="callback", **PROOF)),
    (world.in_progress(), DelegateTask(kind="inspection", unit_id="workshop")),
    (world.waiting(world.in_progress()), CompleteTask(task_id=world.TASK_ID)),
    (world.in_progress(), RecordFinding(kind="cause", finding="焊点泄漏")),
    (world.in_progress(), RequestInformation(asked="supplier", what="检验记录")),
    (world.in_progress(), ReferComplaint(body="12315", reference="2026-1")),
    (
        world.waiting(world.in_progress()),
        RecordOutsideOutcome(referral_id=world.REFERRAL_ID, outcome="upheld"),
    ),
    (world.waiting(world.in_progress()), ReportOutcomeToBody(referral_id=world.REFERRAL_ID)),
    (world.remedied(), ProposeRemedy(kind="repair", basis="goodwill")),
    (world.remedied(), ApproveRemedy(remedy_id=world.OFFER_ID)),
    (world.remedied(), RejectRemedy(remedy_id=world.OFFER_ID, **world.WHY)),
    (world.remedied(), DeclineRemedy(remedy_id=world.OFFER_ID, **PROOF)),
    (world.remedied(), AcceptRemedy(remedy_id=world.OFFER_ID, **PROOF)),
    (
        world.remedied(),
        CommunicateDecision(
            decision="upheld", reasons="质量问题", language="zh-CN", contact_id=world.CALL_ID
        ),
    ),
    (world.resolved(), DeclareFinalPosition()),
    (world.remedied(), ResolveComplaint(outcome="refunded")),
    (world.resolved(), ConfirmResolution(by="customer", how="link", **PROOF)),
    (world.confirmed(), CloseComplaint(reason="verified")),
    (world.closed(), ReopenComplaint(**world.WHY)),
    (world.in_progress(), MergeComplaint(target_id=world.SURVIVOR_ID, **world.WHY)),
    (world.merged(), UnmergeComplaint(**world.WHY)),
    (world.registered(), RecordMergeReceived(source_id=world.SURVIVOR_ID)),
    (
        world.past(world.registered(), (world.POLICY, MergeReceived(source_id=world.DUPLICATE_ID))),
        RecordMergeReverted(source_id=world.DUPLICATE_ID),
    ),
    (
        world.registered(),
        ClassifyRepeat(repeat_class="initial", rule_version="1", **world.WHY),
    ),
    (world.registered(), LinkCustomer(customer_id="cust-2", by="rule", **world.WHY)),
    (world.resolved(), WithdrawComplaint(**PROOF, **world.WHY)),
    (world.in_progress(), EscalateComplaint(level="task-force", **world.WHY)),
    (world.in_progress(), PauseClock(clock="resolve", **world.WAITED)),
    (
        world.past(
            world.registered(),
            (world.HANDLER, ClockPaused(clock="resolve", reason_code="waiting_on_customer")),
        ),
        ResumeClock(clock="resolve"),
    ),
]
NAMED: Any = {"ids": lambda part: type(part).__name__ if hasattr(part, "occurred_at") else ""}


def told(history: list[Recorded[Any]], command: Any) -> tuple[Given, Any]:
    """The command with the time of the last thing known, and what it leaves, told once."""
    history = world.proven(history) if history else []
    at = history[-1].recorded_at if history else RECEIVED
    once = replace(command, occurred_at=at)
    is_internal = isinstance(command, RecordMergeReceived | RecordMergeReverted)
    first = given(history).when(
        once,
        by=world.POLICY if is_internal else world.SUPERVISOR,
        at=at + STEP,
        facts_of_others={world.SURVIVOR_ID: world.SURVIVOR},
    )
    assert first.events, first.rejection
    return first, once


@pytest.mark.parametrize(("history", "command"), REPEATABLE, **NAMED)
def test_a_fact_told_twice_is_recorded_once(history: list[Recorded[Any]], command: Any) -> None:
    first, once = told(history, command)
    second = first.when(once, by=world.SUPERVISOR).silent()
    assert second.state == first.state


@pytest.mark.parametrize(("history", "command"), REPEATABLE, **NAMED)
def test_a_fact_told_twice_is_silence_even_months_later(
    history: list[Recorded[Any]], command: Any
) -> None:
    first, once = told(history, command)
    first.when(once, by=world.SUPERVISOR, at=RECEIVED + timedelta(days=100)).silent()


@pytest.mark.parametrize(("history", "command"), REPEATABLE, **NAMED)
def test_the_same_instant_told_in_another_zone_is_the_same_time(
    history: list[Recorded[Any]], command: Any
) -> None:
    first, once = told(history, command)
    elsewhere = replace(once, occurred_at=once.occurred_at.astimezone(UTC))
    first.when(elsewhere, by=world.SUPERVISOR).silent()


def test_every_command_but_those_that_are_never_silent_is_tried_here() -> None:
    never = {RecordContact, RecordChaser, RecordInformation, RecordSatisfaction, FulfilRemedy}
    never |= {DisputeResolution, RemindHandler}
    assert {type(command) for _, command in REPEATABLE} == set(COMPLAINT.commands) - never


def test_another_reason_text_does_not_make_it_another_fact() -> None:
    first, once = told(world.closed(), ReopenComplaint(**world.WHY))
    reworded = replace(once, reason_text="同一件事，换个说法")
    first.when(reworded, by=world.SUPERVISOR).silent()


def test_the_same_content_at_another_time_is_another_fact() -> None:
    first, once = told(world.in_progress(), ConfirmProblem(by="customer", how="callback", **PROOF))
    later = replace(once, occurred_at=once.occurred_at + timedelta(minutes=2))
    assert first.when(later).events


def test_other_content_at_the_same_time_is_another_fact() -> None:
    first, once = told(world.registered(), AcknowledgeComplaint(by="automatic", **PROOF))
    by_a_person = replace(once, by="person")
    assert first.when(by_a_person).events


def test_without_a_time_nothing_is_known_to_be_the_same() -> None:
    command = AcknowledgeComplaint(by="automatic")
    assert given(world.registered()).when(command).when(command).events


def test_two_persons_who_sign_at_the_same_time_are_two_facts() -> None:
    first, once = told(world.accepted(), SignForAssignment())
    second = first.when(once, by="expert-1")
    second.then(AssignmentSignedFor(unit_id=world.UNIT, person_id="expert-1"))
    assert second.state.owner_person == "expert-1"


def test_a_registration_that_says_something_else_is_refused() -> None:
    first, once = told([], REGISTER)
    other = replace(once, narrative="不是门锁")
    first.when(other).rejected(NotAllowedAtStage, stage="registered")


def test_an_old_source_fact_delivered_again_does_not_come_back() -> None:
    first, old = told(world.registered(), RecordSourceFact(name="status", value="open"))
    newer = RecordSourceFact(name="status", value="closed")
    second = first.when(newer).then(SourceFactRecorded(name="status", value="closed"))
    assert second.when(old).silent().state.source_facts == {"status": "closed"}


def test_what_the_source_still_says_is_not_said_again() -> None:
    fact = RecordSourceFact(name="status", value="open")
    given(world.registered()).when(fact).when(fact).silent()


def test_signing_twice_for_what_is_already_in_ones_hands_is_silence() -> None:
    given(world.in_progress()).when(SignForAssignment(), by=world.HANDLER).silent()


def test_accepting_a_remedy_twice_is_silence() -> None:
    accept = AcceptRemedy(remedy_id=world.OFFER_ID)
    given(world.remedied()).when(accept).when(accept).silent()


def test_a_dispute_is_never_silent() -> None:
    at = RECEIVED + timedelta(hours=1)
    dispute = DisputeResolution(occurred_at=at)
    first = given(world.resolved()).when(dispute, at=at + 2 * STEP)
    again = first.when(ResolveComplaint()).when(dispute)
    again.then(ResolutionDisputed(cycle=2))


def test_contacts_answers_and_payments_are_never_silent() -> None:
    at = RECEIVED + timedelta(hours=1)
    contact = RecordContact(
        direction="inbound",
        channel="phone",
        party="customer",
        purpose="other",
        outcome="reached",
        occurred_at=at,
    )
    answer = RecordSatisfaction(score=3, by="customer", channel="sms", occurred_at=at)
    payment = FulfilRemedy(remedy_id=world.REMEDY_ID, payment_reference="PAY-1", occurred_at=at)
    now = at + timedelta(hours=2)
    for command, event in (
        (contact, ContactRecorded),
        (answer, SatisfactionRecorded),
        (payment, RemedyFulfilled),
    ):
        first = given(world.resolved()).when(command, at=now).then(event)
        first.when(command, at=now).then(event)
