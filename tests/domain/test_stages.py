"""The stage table of requirements section 10, every pair of stage and command stated.

A cell is the stage the command leads to; `=` leaves the stage as it is; `-` is refused. The table
is written here independently of the code, and the rows and columns have to be complete.
"""

from datetime import datetime, timedelta
from typing import Any, get_args

import pytest

from domain.complaint import COMPLAINT, UnknownComplaint, allowed_commands
from domain.complaint.approval import ApproveRemedy, DeclineRemedy, RejectRemedy
from domain.complaint.assessment import AcceptComplaint, AssessComplaint, DeclineComplaint
from domain.complaint.closure import CloseComplaint, ReopenComplaint, WithdrawComplaint
from domain.complaint.contact import RecordChaser, RecordContact
from domain.complaint.decision import CommunicateDecision, DeclareFinalPosition
from domain.complaint.emergency import FlagEmergency, RecordContainment
from domain.complaint.evidence import AttachEvidence, WithdrawEvidence
from domain.complaint.handling import (
    AssignComplaint,
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
from domain.complaint.remedy import AcceptRemedy, FulfilRemedy, ProposeRemedy
from domain.complaint.repeat import ClassifyRepeat
from domain.complaint.resolution import (
    ConfirmResolution,
    DisputeResolution,
    RecordSatisfaction,
    ResolutionConfirmed,
    ResolveComplaint,
)
from domain.complaint.supervision import EscalateComplaint, RemindHandler
from domain.complaint.tasks import CompleteTask, DelegateTask
from domain.complaint.vocabulary import Facts, Stage
from domain.kernel import NotAllowedAtStage
from tests import world
from tests.spec import Given, given

TABLE = """
                       nothing     registered  assessed  accepted     in_progress  resolved        final_position  closed
RegisterComplaint      registered  -           -         -            -            -               -               -
AcknowledgeComplaint   -           =           =         =            =            =               =               -
RecordContact          -           =           =         =            =            =               =               =
RecordChaser           -           =           =         =            =            =               =               =
AttachEvidence         -           =           =         =            =            =               =               =
WithdrawEvidence       -           =           =         =            =            =               =               =
AddDetail              -           =           =         =            =            =               =               =
CorrectField           -           =           =         =            =            =               =               =
RecordSourceFact       -           =           =         =            =            =               =               =
FlagEmergency          -           =           =         =            =            =               =               -
RecordContainment      -           =           =         =            =            =               =               -
AssessComplaint        -           assessed    =         =            =            =               =               -
AcceptComplaint        -           -           accepted  -            -            -               -               -
DeclineComplaint       -           closed      closed    -            -            -               -               -
AssignComplaint        -           -           -         in_progress  =            -               -               -
SignForAssignment      -           -           -         in_progress  =            -               -               -
ReturnAssignment       -           -           -         =            accepted     -               -               -
ConfirmProblem         -           -           -         -            =            -               -               -
DelegateTask           -           -           -         -            =            -               -               -
CompleteTask           -           -           -         -            =            -               -               -
RecordFinding          -           -           -         -            =            -               -               -
RequestInformation     -           -           -         -            =            -               -               -
RecordInformation      -           -           -         -            =            -               -               -
ReferComplaint         -           -           -         -            =            =               =               -
RecordOutsideOutcome   -           -           -         -            =            =               =               -
ReportOutcomeToBody    -           -           -         -            =            =               =               -
ProposeRemedy          -           -           -         -            =            -               -               -
ApproveRemedy          -           -           -         -            =            -               -               -
RejectRemedy           -           -           -         -            =            -               -               -
AcceptRemedy           -           -           -         -            =            -               -               -
DeclineRemedy          -           -           -         -            =            -               -               -
FulfilRemedy           -           -           -         -            =            =               =               =
CommunicateDecision    -           -           -         -            =            -               -               -
ResolveComplaint       -           -           -         -            resolved     -               -               -
DeclareFinalPosition   -           -           -         -            -            final_position  -               -
ConfirmResolution      -           -           -         -            -            =               =               -
DisputeResolution      -           -           -         -            -            in_progress     in_progress     -
RecordSatisfaction     -           -           -         -            -            =               =               =
Close-verified         -           -           -         -            -            closed          closed          -
Close-unreachable      -           -           -         -            -            closed          closed          -
Close-final_position   -           -           -         -            -            -               closed          -
Close-settled_outside  -           -           -         -            -            closed          closed          -
Close-imported         -           closed      closed    closed       closed       closed          closed          -
ReopenComplaint        -           -           -         -            -            -               -               in_progress
WithdrawComplaint      -           closed      closed    closed       closed       closed          closed          -
MergeComplaint         -           closed      closed    closed       closed       closed          closed          -
UnmergeComplaint       -           -           -         -            -            -               -               in_progress
RecordMergeReceived    -           =           =         =            =            =               =               =
RecordMergeReverted    -           =           =         =            =            =               =               =
ClassifyRepeat         -           =           =         =            =            =               =               =
EscalateComplaint      -           =           =         =            =            =               =               -
RemindHandler          -           =           =         =            =            =               =               -
PauseClock             -           =           =         =            =            =               =               -
ResumeClock            -           =           =         =            =            =               =               -
LinkCustomer           -           =           =         =            =            =               =               =
"""  # noqa: E501

ORDERS: dict[str, Any] = {
    "RegisterComplaint": RegisterComplaint(
        channel="web", source_system="shop", nature="complaint", origin="person"
    ),
    "AcknowledgeComplaint": AcknowledgeComplaint(by="person", channel="phone"),
    "RecordContact": RecordContact(
        direction="outbound", channel="phone", party="customer", purpose="answer", outcome="reached"
    ),
    "AttachEvidence": AttachEvidence(
        kind="photo", media_type="image/jpeg", size=1, sha256=world.SHA256
    ),
    "WithdrawEvidence": WithdrawEvidence(evidence_id=world.EVIDENCE_ID, **world.WHY),
    "RecordChaser": RecordChaser(channel="phone", party="customer"),
    "FlagEmergency": FlagEmergency(cause="safety-hazard"),
    "RecordContainment": RecordContainment(kind="stop-use"),
    "AddDetail": AddDetail(details=Facts(region="310000")),
    "CorrectField": CorrectField(new=Facts(channel="wechat"), **world.WHY),
    "RecordSourceFact": RecordSourceFact(name="timely", value="yes"),
    "AssessComplaint": AssessComplaint(**world.ASSESSED),
    "AcceptComplaint": AcceptComplaint(unit_id=world.UNIT),
    "DeclineComplaint": DeclineComplaint(notice=world.NOTICE, **world.WHY),
    "AssignComplaint": AssignComplaint(unit_id="second-line"),
    "SignForAssignment": SignForAssignment(),
    "ReturnAssignment": ReturnAssignment(**world.WHY),
    "ConfirmProblem": ConfirmProblem(by="customer", how="callback"),
    "DelegateTask": DelegateTask(kind="inspection", unit_id="workshop"),
    "CompleteTask": CompleteTask(task_id=world.TASK_ID),
    "RecordFinding": RecordFinding(kind="cause", finding="毛细管泄漏"),
    "RequestInformation": RequestInformation(asked="customer", what="购买凭证"),
    "RecordInformation": RecordInformation(request_id=world.REQUEST_ID),
    "ReferComplaint": ReferComplaint(body="12315"),
    "RecordOutsideOutcome": RecordOutsideOutcome(referral_id=world.REFERRAL_ID, outcome="upheld"),
    "ReportOutcomeToBody": ReportOutcomeToBody(referral_id=world.REFERRAL_ID),
    "ProposeRemedy": ProposeRemedy(kind="repair", basis="statutory"),
    "ApproveRemedy": ApproveRemedy(remedy_id=world.OFFER_ID),
    "RejectRemedy": RejectRemedy(remedy_id=world.OFFER_ID, **world.WHY),
    "DeclineRemedy": DeclineRemedy(remedy_id=world.OFFER_ID),
    "AcceptRemedy": AcceptRemedy(remedy_id=world.OFFER_ID),
    "FulfilRemedy": FulfilRemedy(remedy_id=world.REMEDY_ID, payment_reference="PAY-2"),
    "CommunicateDecision": CommunicateDecision(
        decision="upheld", reasons="质量问题", language="zh-CN", contact_id=world.CALL_ID
    ),
    "DeclareFinalPosition": DeclareFinalPosition(),
    "ResolveComplaint": ResolveComplaint(),
    "ConfirmResolution": ConfirmResolution(
        by="customer", how="in_writing", evidence_id=world.EVIDENCE_ID
    ),
    "DisputeResolution": DisputeResolution(),
    "RecordSatisfaction": RecordSatisfaction(score=5, by="customer", channel="sms"),
    "Close-verified": CloseComplaint(reason="verified"),
    "Close-unreachable": CloseComplaint(reason="unreachable", **world.WHY),
    "Close-final_position": CloseComplaint(reason="final_position", **world.WHY),
    "Close-settled_outside": CloseComplaint(reason="settled_outside", **world.WHY),
    "Close-imported": CloseComplaint(reason="imported"),
    "ReopenComplaint": ReopenComplaint(**world.WHY),
    "MergeComplaint": MergeComplaint(target_id=world.SURVIVOR_ID, **world.WHY),
    "UnmergeComplaint": UnmergeComplaint(**world.WHY),
    "RecordMergeReceived": RecordMergeReceived(source_id=world.SURVIVOR_ID),
    "RecordMergeReverted": RecordMergeReverted(source_id=world.DUPLICATE_ID),
    "ClassifyRepeat": ClassifyRepeat(repeat_class="initial", rule_version="1", **world.WHY),
    "LinkCustomer": LinkCustomer(customer_id="cust-2", by="person", **world.WHY),
    "WithdrawComplaint": WithdrawComplaint(evidence_id=world.EVIDENCE_ID, **world.WHY),
    "EscalateComplaint": EscalateComplaint(level="task-force", **world.WHY),
    "RemindHandler": RemindHandler(about="resolve"),
    # as shipped only resolve may pause, and that is stopped once the complaint is resolved
    "PauseClock": PauseClock(clock="end_to_end", **world.WAITED),
    "ResumeClock": ResumeClock(clock="end_to_end"),
}

_HEADER, *_ROWS = [line.split() for line in TABLE.strip().splitlines()]
CELLS = {
    (stage, row[0]): cell for row in _ROWS for stage, cell in zip(_HEADER, row[1:], strict=True)
}


ACTORS = {
    "Close-imported": world.IMPORTER,
    "RecordMergeReceived": world.POLICY,
    "RecordMergeReverted": world.POLICY,
}
AWAITED = {"CompleteTask", "RecordInformation", "RecordOutsideOutcome", "ReportOutcomeToBody"}


def at(stage: str, order: str = "") -> Given:
    """A complaint at this stage with nothing but the stage in the way of the command."""
    if stage == "nothing":
        return given()
    if order == "UnmergeComplaint" and stage == "closed":
        return given(world.merged(world.remedied()))
    if order == "RecordMergeReverted":
        received = MergeReceived(source_id=world.DUPLICATE_ID)
        return given(world.past(at(stage).history, (world.POLICY, received)))
    if order == "ResumeClock":
        paused = ClockPaused(clock="end_to_end", reason_code="waiting_on_customer")
        return given(world.past(at(stage).history, (world.HANDLER, paused)))
    if order in AWAITED:
        return given(world.waiting(at(stage).history))
    if order == "Close-settled_outside":
        return given(world.settled_outside(at(stage).history))
    if stage == "final_position":
        return given(world.final_position(at("resolved").history))
    if stage == "resolved":
        in_writing = ResolutionConfirmed(
            cycle=1, by="customer", how="in_writing", evidence_id=world.EVIDENCE_ID
        )
        confirmed = world.past(world.resolved(), (world.CALLER, in_writing))
        return given(world.proven(world.unanswered(confirmed)))
    return given(world.proven(world.STAGES[stage]()))


def later(before: Given) -> datetime | None:
    """After every time a complainant has to answer."""
    return before.history[-1].recorded_at + timedelta(days=31) if before.history else None


@pytest.mark.parametrize(("stage", "order"), CELLS, ids=lambda part: part)
def test_every_command_at_every_stage_does_what_the_table_says(stage: str, order: str) -> None:
    cell, before = CELLS[stage, order], at(stage, order)
    actor = ACTORS.get(order, world.SUPERVISOR)
    command = ORDERS[order]
    outcome = before.when(
        command,
        by=actor,
        at=later(before) if "final" in order else None,
        facts_of_others={world.SURVIVOR_ID: world.SURVIVOR},
        rules=world.EVERY_CLOCK_PAUSES,
    )
    if cell != "-":
        assert outcome.rejection is None
        assert outcome.events, "allowed, and yet nothing was recorded"
        assert outcome.state.stage == (stage if cell == "=" else cell)
    elif stage == "nothing":
        outcome.rejected(UnknownComplaint)
    else:
        outcome.rejected(NotAllowedAtStage, command=type(command).__name__, stage=stage)


def test_the_table_states_every_pair() -> None:
    commands = {type(ORDERS[row[0]]) for row in _ROWS}
    assert commands == set(COMPLAINT.commands)
    assert len(_ROWS) == len(commands) + 4  # closing has five reasons
    assert ["nothing", *get_args(Stage)] == _HEADER
    assert len(CELLS) == len(_ROWS) * len(_HEADER)


@pytest.mark.parametrize("stage", get_args(Stage))
def test_what_a_reader_is_told_to_be_allowed_is_what_the_table_says(stage: str) -> None:
    told = {kind.__name__: rule for kind, rule in allowed_commands(at(stage).state).items()}
    duplicate = at(stage, "UnmergeComplaint").state
    told["UnmergeComplaint"] = allowed_commands(duplicate)[UnmergeComplaint]
    for row in _ROWS:
        if row[0].startswith("Close-") and row[0] != "Close-verified":  # one reason is enough
            continue
        rule = told[type(ORDERS[row[0]]).__name__]
        assert (rule is None) == (CELLS[stage, row[0]] != "-"), (row[0], stage)
        if rule is not None:
            assert isinstance(rule, NotAllowedAtStage)
            assert rule.facts == {"command": type(ORDERS[row[0]]).__name__, "stage": stage}
