"""Histories that bring a complaint to each stage, each built on the one before.

They are plain events, not made by the decider: what a decider gets wrong cannot hide in them.
Every function takes the fields of the assessment, so `resolved(severity="major")` is a grave one.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from domain.complaint.assessment import (
    ComplaintAccepted,
    ComplaintAssessed,
    ComplaintDeclined,
    Notice,
)
from domain.complaint.closure import ComplaintReopened, ComplaintWithdrawn
from domain.complaint.decision import FinalPositionDeclared
from domain.complaint.handling import AssignmentSignedFor, ComplaintAssigned, ProblemConfirmed
from domain.complaint.intake import ComplaintRegistered, DetailAdded
from domain.complaint.investigation import InformationRequested
from domain.complaint.merge import ComplaintMerged
from domain.complaint.referral import ComplaintReferred, OutsideOutcomeRecorded
from domain.complaint.remedy import RemedyAccepted, RemedyFulfilled, RemedyProposed
from domain.complaint.resolution import (
    ComplaintResolved,
    ResolutionConfirmed,
    ResolutionDisputed,
)
from domain.complaint.state import ComplaintClosed
from domain.complaint.tasks import TaskDelegated
from domain.complaint.vocabulary import Category, DecidedBy, Facts
from domain.kernel import Actor, Money, Other, Recorded
from domain.rulebook.defaults import DEFAULT_RULES
from tests.events import CALL_ID as CALL_ID
from tests.events import EVIDENCE_ID as EVIDENCE_ID
from tests.events import SHA256 as SHA256
from tests.events import contact as contact
from tests.events import decision as decision
from tests.events import evidence as evidence
from tests.spec import RECEIVED, STEP, recorded

History = list[Recorded[Any]]
Happened = tuple[str | Actor, Any] | tuple[str | Actor, Any, datetime]  # by whom, what, when

CLERK = "clerk-1"  # registers
ASSESSOR = "assessor-1"  # assesses
HANDLER = "handler-1"  # signs for it and resolves it
CALLER = "caller-1"  # calls the customer after the resolution
SUPERVISOR = Actor(id="supervisor-1", kind="person", role="supervisor")
POLICY = Actor(id="tell-survivor", kind="system", role="policy")
IMPORTER = Actor(id="cfpb", kind="import", role="import")
ADAPTER = Actor(id="shop-api", kind="system", role="integrator")

UNIT = "after-sales"
CONTACT_ID = UUID("01957a6e-0000-7000-8000-0000000000c2")  # the call after it
REMEDY_ID = UUID("01957a6e-0000-7000-8000-0000000000a1")  # accepted and carried out
OFFER_ID = UUID("01957a6e-0000-7000-8000-0000000000a2")  # only proposed

TASK_ID = UUID("01957a6e-0000-7000-8000-0000000000b1")
REQUEST_ID = UUID("01957a6e-0000-7000-8000-0000000000b2")
REFERRAL_ID = UUID("01957a6e-0000-7000-8000-0000000000b3")
SURVIVOR_ID = UUID("01957a6e-0000-7000-8000-0000000000d1")  # what a duplicate is merged into
DUPLICATE_ID = UUID("01957a6e-0000-7000-8000-0000000000d2")
CUSTOMER = "cust-1"
SURVIVOR = Other(stage="in_progress", customer_id=CUSTOMER)

WHY: dict[str, Any] = {"reason_code": "customer-request", "reason_text": "客户来电要求。"}
WAITED = {**WHY, "reason_code": "waiting_on_customer"}
_PAUSE = DEFAULT_RULES.service_level("resolve").pause
EVERY_CLOCK_PAUSES = replace(
    DEFAULT_RULES,
    service_levels=tuple(replace(each, pause=_PAUSE) for each in DEFAULT_RULES.service_levels),
)
CATEGORY = Category(path=["产品质量", "空调", "不制冷"], taxonomy_version="2026-01")
ASSESSED: dict[str, Any] = {
    "category": CATEGORY,
    "decided_by": DecidedBy(kind="person", id=ASSESSOR),
    "severity": "general",
}
NOTICE = Notice(channel="email", language="zh-CN", recourse="可拨打 12315 申诉。")
YUAN_100 = Money(minor=10_000, currency="CNY")


def past(*before: History | Happened) -> History:
    """A history continued: each event five minutes after the one before, unless told when."""
    history: History = []
    for item in before:
        if isinstance(item, list):
            history += item
            continue
        at = (
            item[2] if len(item) == 3 else (history[-1].recorded_at + STEP if history else RECEIVED)
        )
        history.append(recorded(item[1], len(history) + 1, at, item[0]))
    return history


def registered(**facts: Any) -> History:
    """A complaint was received by telephone."""
    told: dict[str, Any] = {
        "channel": "phone",
        "source_system": "call-centre",
        "nature": "complaint",
        "origin": "person",
        "received_unit": "hotline",
        "customer_id": CUSTOMER,
    }
    return past((CLERK, ComplaintRegistered(**{**told, **facts})))


def assessed(**assessment: Any) -> History:
    """It was assessed, as a general complaint unless said otherwise."""
    judged = {**ASSESSED, **assessment}
    key = " > ".join(judged["category"].path)
    event = ComplaintAssessed(**judged, problem_key=key, key_version="finest@1")
    return past(registered(), (ASSESSOR, event))


def accepted(**assessment: Any) -> History:
    """It was taken on by a unit, which owns it from here on."""
    return past(assessed(**assessment), (SUPERVISOR, ComplaintAccepted(unit_id=UNIT)))


def in_progress(**assessment: Any) -> History:
    """It was given to a person, who signed for it."""
    return past(
        accepted(**assessment),
        (SUPERVISOR, ComplaintAssigned(unit_id=UNIT, person_id=HANDLER)),
        (HANDLER, AssignmentSignedFor(unit_id=UNIT, person_id=HANDLER)),
    )


def problem_confirmed(**assessment: Any) -> History:
    """The customer was called and confirmed the problem."""
    return past(
        in_progress(**assessment),
        (HANDLER, contact(CALL_ID, purpose="other", outcome="reached")),
        (HANDLER, ProblemConfirmed(by="customer", how="callback", contact_id=CALL_ID)),
    )


def remedied(**assessment: Any) -> History:
    """A refund was accepted and paid; another remedy was only offered."""
    return past(
        problem_confirmed(**assessment),
        (HANDLER, RemedyProposed(remedy_id=OFFER_ID, kind="voucher", basis="goodwill")),
        (
            HANDLER,
            RemedyProposed(remedy_id=REMEDY_ID, kind="refund", basis="statutory", amount=YUAN_100),
        ),
        (HANDLER, RemedyAccepted(remedy_id=REMEDY_ID, contact_id=CALL_ID)),
        (HANDLER, RemedyFulfilled(remedy_id=REMEDY_ID, payment_reference="PAY-1")),
    )


def resolved(**assessment: Any) -> History:
    """The decision was communicated and the work declared done, in the first cycle."""
    return past(
        remedied(**assessment), (HANDLER, decision()), (HANDLER, ComplaintResolved(cycle=1))
    )


def followed_up(before: History | None = None, **assessment: Any) -> History:
    """After the resolution the customer was called again, and answered."""
    return past(
        before or resolved(**assessment),
        (CALLER, contact(CONTACT_ID, purpose="follow_up", outcome="reached")),
    )


def confirmed(**assessment: Any) -> History:
    """The customer was called again and confirmed the resolution."""
    return past(
        followed_up(**assessment),
        (
            CALLER,
            ResolutionConfirmed(cycle=1, by="customer", how="callback", contact_id=CONTACT_ID),
        ),
    )


def unanswered(before: History | None = None) -> History:
    """After the resolution: three attempts by two channels on two days, and a notice."""
    history = before or resolved()
    start = history[-1].recorded_at
    return past(
        history,
        (CALLER, contact(channel="phone"), start + timedelta(hours=1)),
        (CALLER, contact(channel="sms"), start + timedelta(hours=2)),
        (CALLER, contact(channel="phone"), start + timedelta(days=1)),
        (CALLER, contact(channel="mail", purpose="notice"), start + timedelta(days=1, hours=1)),
    )


def proven(before: History) -> History:
    """A piece of evidence was attached to it, in the minute of the last thing known."""
    return past(before, (CLERK, evidence(), before[-1].recorded_at))


def authorised(before: History) -> History:
    """A representative has shown the authority to speak for the customer."""
    shown = DetailAdded(details=Facts(authority_evidence_id=EVIDENCE_ID))
    return past(proven(before), (CLERK, shown))


def waiting(before: History) -> History:
    """A task, the customer's answer and an outside body's decision are waited for."""
    return past(
        before,
        (HANDLER, TaskDelegated(task_id=TASK_ID, kind="inspection", unit_id="workshop")),
        (HANDLER, InformationRequested(request_id=REQUEST_ID, asked="customer", what="购买凭证")),
        (HANDLER, ComplaintReferred(referral_id=REFERRAL_ID, body="12315")),
    )


def final_position(before: History | None = None) -> History:
    """A supervisor declared the decision the last word."""
    return past(before or resolved(), (SUPERVISOR, FinalPositionDeclared(cycle=1)))


def settled_outside(before: History) -> History:
    """The outside body has decided."""
    event = OutsideOutcomeRecorded(referral_id=REFERRAL_ID, outcome="upheld")
    return past(waiting(before), (HANDLER, event))


def merged(before: History | None = None) -> History:
    """It was found to be a duplicate of another complaint of the same customer."""
    return past(
        before or in_progress(),
        (SUPERVISOR, ComplaintMerged(target_id=SURVIVOR_ID, reason_code="same-problem")),
        (SUPERVISOR, ComplaintClosed(reason="duplicate")),
    )


def closed() -> History:
    """It was closed, both verifications standing."""
    return past(confirmed(), (CALLER, ComplaintClosed(reason="verified")))


def closed_unreachable() -> History:
    """It was closed because the customer never answered."""
    return past(
        unanswered(), (CALLER, ComplaintClosed(reason="unreachable", reason_text="无人接听"))
    )


def closed_imported() -> History:
    """Another system had it and says that it is closed."""
    event = registered(source_system="cfpb")[0].event
    return past((IMPORTER, event), (IMPORTER, ComplaintClosed(reason="imported")))


def declined(before: History | None = None) -> History:
    """It was not taken on."""
    return past(
        before or assessed(),
        (SUPERVISOR, ComplaintDeclined(reason_code="out-of-scope", notice=NOTICE)),
        (SUPERVISOR, ComplaintClosed(reason="declined")),
    )


def withdrawn(before: History | None = None) -> History:
    """The customer took it back."""
    return past(
        proven(before or in_progress()),
        (HANDLER, ComplaintWithdrawn(reason_code="changed-mind", evidence_id=EVIDENCE_ID)),
        (HANDLER, ComplaintClosed(reason="withdrawn")),
    )


def reopened(before: History | None = None) -> History:
    """It was closed and opened again, in the second cycle."""
    event = ComplaintReopened(cycle=2, reason_code="problem-returned")
    return past(before or closed(), (SUPERVISOR, event))


def disputed(**assessment: Any) -> History:
    """The customer did not accept the resolution: the second cycle began."""
    return past(resolved(**assessment), (CALLER, ResolutionDisputed(cycle=1)))


STAGES = {
    "registered": registered,
    "assessed": assessed,
    "accepted": accepted,
    "in_progress": remedied,
    "resolved": confirmed,
    "final_position": final_position,
    "closed": closed,
}
