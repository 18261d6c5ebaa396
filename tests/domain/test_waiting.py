"""What a complaint waits for: answers, outside bodies; and what was found out meanwhile."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain.complaint.closure import CloseComplaint, ReopenComplaint, WithdrawComplaint
from domain.complaint.guards import UnknownContact, UnknownEvidence, UnknownTask
from domain.complaint.investigation import (
    FindingRecorded,
    InformationReceived,
    InformationRequested,
    RecordFinding,
    RecordInformation,
    RequestInformation,
    UnknownRequest,
)
from domain.complaint.referral import (
    ComplaintReferred,
    OutcomeReportedToBody,
    OutsideOutcomeRecorded,
    RecordOutsideOutcome,
    ReferComplaint,
    ReportOutcomeToBody,
    UnknownReferral,
)
from domain.complaint.resolution import DisputeResolution, ResolveComplaint
from domain.complaint.tasks import CompleteTask, DelegateTask
from tests import world
from tests.spec import ANY_ID, RECEIVED, Given, given

ELSEWHERE = UUID("01957a6e-0000-7000-8000-0000000000ff")
TASK = DelegateTask(kind="inspection", unit_id="workshop")
ASK = RequestInformation(asked="customer", what="购买凭证")
ASK_SUPPLIER = RequestInformation(asked="supplier", what="检验记录")
REFER = ReferComplaint(body="12315")
DONE = CompleteTask(task_id=world.TASK_ID)
ANSWERED = RecordInformation(request_id=world.REQUEST_ID, content="发票照片")
OUTSIDE = RecordOutsideOutcome(referral_id=world.REFERRAL_ID, outcome="upheld")
REPORTED = ReportOutcomeToBody(referral_id=world.REFERRAL_ID)
WITHDRAW = WithdrawComplaint(evidence_id=world.EVIDENCE_ID, **world.WHY)
NAMED: Any = {"ids": lambda part: type(part).__name__}


def waiting() -> Given:
    """A complaint in progress, its problem confirmed, that waits for everything at once."""
    return given(world.waiting(world.proven(world.problem_confirmed())))


def in_progress() -> Given:
    """A complaint in progress with evidence that waits for nothing."""
    return given(world.proven(world.problem_confirmed()))


# --- information ----------------------------------------------------------------------------


def test_a_question_says_of_whom_what_is_asked_and_until_when() -> None:
    told: dict[str, Any] = {
        "asked": "customer",
        "what": "购买凭证",
        "due_at": RECEIVED + timedelta(days=3),
        "contact_id": world.CALL_ID,
    }
    outcome = in_progress().when(RequestInformation(**told))
    outcome.then(InformationRequested(request_id=ANY_ID, **told))
    assert outcome.state.waiting_on == "customer"


def test_a_supplier_asked_is_a_supplier_waited_for() -> None:
    assert in_progress().when(ASK_SUPPLIER).state.waiting_on == "supplier"


def test_an_answer_ends_the_wait() -> None:
    told: dict[str, Any] = {
        "request_id": world.REQUEST_ID,
        "content": "发票照片",
        "contact_id": world.CALL_ID,
        "evidence_id": world.EVIDENCE_ID,
    }
    asked = given(world.waiting(world.proven(world.problem_confirmed()))[:-1])  # not referred
    assert asked.state.waiting_on == "customer"
    answered = asked.when(RecordInformation(**told))
    answered.then(InformationReceived(**told))
    assert answered.state.waiting_on == "task"


def test_an_answer_is_never_silent() -> None:
    asked = waiting()
    told = RecordInformation(request_id=world.REQUEST_ID, occurred_at=asked.history[-1].recorded_at)
    asked.when(told).when(told).then(InformationReceived)


def test_a_resolution_needs_no_answer_any_more() -> None:
    resolved = given(world.problem_confirmed()).when(ASK).when(ResolveComplaint())
    assert (resolved.state.stage, resolved.state.waiting_on) == ("resolved", "none")
    assert resolved.when(DisputeResolution()).state.waiting_on == "none"


def test_a_finding_says_what_was_found_out_and_what_shows_it() -> None:
    told: dict[str, Any] = {
        "kind": "cause",
        "finding": "焊点泄漏",
        "evidence_ids": [world.EVIDENCE_ID],
    }
    outcome = in_progress().when(RecordFinding(**told))
    outcome.then(FindingRecorded(finding_id=ANY_ID, **told))
    assert outcome.state.waiting_on == "none"


# --- outside bodies -------------------------------------------------------------------------


def test_a_referral_keeps_the_body_its_reference_and_when_a_reply_is_due() -> None:
    told: dict[str, Any] = {
        "body": "12315",
        "reference": "沪市监 2026-00123",
        "reply_due_at": RECEIVED + timedelta(days=10),
    }
    outcome = in_progress().when(ReferComplaint(**told))
    outcome.then(ComplaintReferred(referral_id=ANY_ID, **told))
    assert (outcome.state.stage, outcome.state.waiting_on) == ("in_progress", "external_body")


def test_what_the_outside_body_decides_ends_the_wait() -> None:
    told: dict[str, Any] = {
        "referral_id": world.REFERRAL_ID,
        "outcome": "upheld",
        "summary": "调解成功",
        "contact_id": world.CALL_ID,
        "evidence_id": world.EVIDENCE_ID,
    }
    decided = waiting().when(ANSWERED).when(RecordOutsideOutcome(**told))
    decided.then(OutsideOutcomeRecorded(**told))
    assert decided.state.waiting_on == "task"
    assert decided.state.has_outside_outcome


def test_what_we_tell_the_outside_body_ends_the_wait_as_well() -> None:
    told: dict[str, Any] = {
        "referral_id": world.REFERRAL_ID,
        "channel": "portal",
        "summary": "已退款",
        "contact_id": world.CALL_ID,
        "evidence_id": world.EVIDENCE_ID,
    }
    reported = waiting().when(DONE).when(ANSWERED).when(ReportOutcomeToBody(**told))
    reported.then(OutcomeReportedToBody(**told))
    assert reported.state.waiting_on == "none"
    assert not reported.state.has_outside_outcome


def test_a_referral_outlives_the_resolution_and_the_close() -> None:
    resolved = given(world.problem_confirmed()).when(REFER).when(ResolveComplaint())
    assert (resolved.state.stage, resolved.state.waiting_on) == ("resolved", "external_body")
    imported = CloseComplaint(reason="imported")
    closed = resolved.when(imported, by=world.IMPORTER)
    assert closed.state.waiting_on == "none", "a closed complaint waits for nothing"
    reopened = closed.when(ReopenComplaint(**world.WHY))
    assert reopened.state.waiting_on == "external_body"


# --- what is waited for above all -----------------------------------------------------------


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        ([TASK, ASK], "customer"),
        ([TASK, REFER], "external_body"),
        ([REFER, ASK], "customer"),
        ([ASK_SUPPLIER, TASK], "task"),
        ([ASK_SUPPLIER, REFER], "external_body"),
        ([ASK_SUPPLIER, ASK], "customer"),
    ],
)
@pytest.mark.parametrize("turned", [False, True], ids=["", "turned"])
def test_a_customer_or_an_outside_body_waited_for_comes_before_a_task(
    orders: list[Any], expected: str, turned: bool
) -> None:
    story = in_progress()
    for order in reversed(orders) if turned else orders:
        story = story.when(order)
    assert story.state.waiting_on == expected


# --- what is none of this complaint ---------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "rule"),
    [
        (CompleteTask(task_id=ELSEWHERE), UnknownTask),
        (CompleteTask(task_id=world.REQUEST_ID), UnknownTask),
        (RecordInformation(request_id=ELSEWHERE), UnknownRequest),
        (RecordInformation(request_id=world.TASK_ID), UnknownRequest),
        (RecordOutsideOutcome(referral_id=ELSEWHERE, outcome="upheld"), UnknownReferral),
        (ReportOutcomeToBody(referral_id=world.TASK_ID), UnknownReferral),
        (DelegateTask(kind="x", unit_id="y", evidence_ids=[ELSEWHERE]), UnknownEvidence),
        (CompleteTask(task_id=world.TASK_ID, evidence_ids=[ELSEWHERE]), UnknownEvidence),
        (RecordFinding(kind="x", finding="y", evidence_ids=[ELSEWHERE]), UnknownEvidence),
        (RequestInformation(asked="customer", what="x", contact_id=ELSEWHERE), UnknownContact),
        (RecordInformation(request_id=world.REQUEST_ID, contact_id=ELSEWHERE), UnknownContact),
        (
            RecordOutsideOutcome(referral_id=world.REFERRAL_ID, outcome="x", evidence_id=ELSEWHERE),
            UnknownEvidence,
        ),
        (
            ReportOutcomeToBody(referral_id=world.REFERRAL_ID, evidence_id=ELSEWHERE),
            UnknownEvidence,
        ),
    ],
)
def test_what_is_none_of_this_complaint_is_neither_done_nor_answered_here(
    command: Any, rule: Any
) -> None:
    waiting().when(command).rejected(rule)


@pytest.mark.parametrize("command", [DONE, ANSWERED, OUTSIDE, REPORTED], **NAMED)
def test_what_was_done_before_the_close_is_taken_after_it(command: Any) -> None:
    before = waiting()
    told = replace(command, occurred_at=before.history[-1].recorded_at)
    late = before.when(WITHDRAW).when(told)
    assert late.events, late.rejection
    assert (late.state.stage, late.state.waiting_on) == ("closed", "none")
