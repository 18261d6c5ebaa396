"""What was done about a complaint, part by part, as a client reads it.

The state that decisions are made on holds only what a rule asks for; these parts hold the rest.
Whatever is personal carries the mark of its event, and is optional, so that it can be left out.
"""
# long: a shape for each kind of part, and nothing else

from typing import Literal
from uuid import UUID

import msgspec

from domain.complaint.contact import Direction, Outcome, Purpose, Summary
from domain.complaint.emergency import Measure
from domain.complaint.evidence import MediaType, ProvidedBy, Sha256
from domain.complaint.handling import Confirmer
from domain.complaint.investigation import Asked
from domain.complaint.investigation import Text as Told
from domain.complaint.remedy import Basis, Description
from domain.complaint.repeat import RepeatClass, RuleVersion
from domain.complaint.resolution import Score
from domain.complaint.supervision import Message
from domain.complaint.tasks import Instructions
from domain.complaint.vocabulary import Count, DecidedBy, How, Language, PartyRole
from domain.kernel import Code, IdentifiedBy, Label, Moment, Money, Percent, PersonalText

WaitStatus = Literal["open", "done", "ended"]


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that was done: when it occurred and who answers for it."""

    occurred_at: Moment
    by: str


class Acknowledgement(Part, frozen=True, kw_only=True):
    """The complainant was told that the complaint has arrived."""

    kind: Literal["person", "bot", "automatic"]
    channel: Code | None = None


class Contact(Part, frozen=True, kw_only=True):
    """An exchange, or the attempt at one."""

    contact_id: UUID
    direction: Direction
    channel: Code
    party: PartyRole
    purpose: Purpose
    outcome: Outcome
    summary: Summary | None = None


class Chaser(Part, frozen=True, kw_only=True):
    """催单: the complainant's side asked where things stand."""

    channel: Code
    party: PartyRole
    summary: Summary | None = None


class Evidence(Part, frozen=True, kw_only=True):
    """A piece of evidence by its hash, and whether it still proves anything."""

    evidence_id: UUID
    kind: Code
    media_type: MediaType
    size: Count
    sha256: Sha256
    captured_at: Moment | None = None
    provided_by: ProvidedBy | None = None
    withdrawn_at: Moment | None = None
    withdrawn_by: str | None = None
    withdrawn_because: Code | None = None


class Emergency(Part, frozen=True, kw_only=True):
    """The complaint was flagged as an emergency, in this cycle."""

    cycle: int
    cause: Code
    decided_by: DecidedBy | None = None


class Containment(Part, frozen=True, kw_only=True):
    """Something was done at once to keep the harm from spreading."""

    kind: Code
    measure: Measure | None = None
    unit_id: str | None = None
    evidence_id: UUID | None = None


class ProblemConfirmation(Part, frozen=True, kw_only=True):
    """问题确认: the customer confirmed what the problem is."""

    cycle: int
    confirmed_by: Confirmer
    how: How
    contact_id: UUID | None = None
    evidence_id: UUID | None = None
    is_late: bool = False


class Task(Part, frozen=True, kw_only=True):
    """A part of the work given to a unit; `ended` is no longer waited for, and never done."""

    task_id: UUID
    kind: Code
    unit_id: str
    status: WaitStatus
    person_id: str | None = None
    instructions: Instructions | None = None
    due_at: Moment | None = None
    evidence_ids: list[UUID] = []
    completed_at: Moment | None = None
    completed_by: str | None = None
    outcome: Code | None = None
    result: Instructions | None = None
    result_evidence_ids: list[UUID] = []


class Finding(Part, frozen=True, kw_only=True):
    """Something was found out."""

    finding_id: UUID
    kind: Code
    finding: Told | None = None
    evidence_ids: list[UUID] = []


class InformationAnswer(Part, frozen=True, kw_only=True):
    """An answer to a request for information."""

    content: Told | None = None
    contact_id: UUID | None = None
    evidence_id: UUID | None = None


class InformationRequest(Part, frozen=True, kw_only=True):
    """补充材料: what the customer or a supplier was asked for, and their answers."""

    request_id: UUID
    asked: Asked = msgspec.field(name="from")
    status: WaitStatus
    what: Told | None = None
    due_at: Moment | None = None
    contact_id: UUID | None = None
    answers: list[InformationAnswer] = []


class OutsideOutcome(Part, frozen=True, kw_only=True):
    """What the outside body has decided."""

    outcome: Code
    summary: Told | None = None
    contact_id: UUID | None = None
    evidence_id: UUID | None = None


class OutcomeReport(Part, frozen=True, kw_only=True):
    """The outside body was told what came of the complaint."""

    channel: Code | None = None
    summary: Told | None = None
    contact_id: UUID | None = None
    evidence_id: UUID | None = None


class Referral(Part, frozen=True, kw_only=True):
    """外部争议解决: an outside body deals with it, what it decided and what it was told."""

    referral_id: UUID
    body: Label
    status: WaitStatus
    reference: PersonalText | None = None
    reply_due_at: Moment | None = None
    outcomes: list[OutsideOutcome] = []
    reports: list[OutcomeReport] = []


class Remedy(Part, frozen=True, kw_only=True):
    """处理方案: a remedy and how far it has come."""

    remedy_id: UUID
    kind: Code
    basis: Basis
    status: str
    legal_ref: Label | None = None
    amount: Money | None = None
    description: Description | None = None
    needs_approval: bool = False
    approved_at: Moment | None = None
    approved_by: str | None = None
    rejected_at: Moment | None = None
    rejected_by: str | None = None
    rejected_because: Code | None = None
    accepted_at: Moment | None = None
    declined_at: Moment | None = None
    fulfilled_at: Moment | None = None
    paid: Money | None = None
    payment_reference: PersonalText | None = None
    supersedes: UUID | None = None
    superseded_by: UUID | None = None
    superseded_because: Code | None = None
    change_cost: Money | None = None


class Escalation(Part, frozen=True, kw_only=True):
    """升级: it was lifted to a level, a unit or a person that can move it."""

    reason_code: Code
    level: Code | None = None
    unit_id: str | None = None
    person_id: str | None = None


class Reminder(Part, frozen=True, kw_only=True):
    """催办: a unit, or a person of it, was reminded of what is due."""

    about: Code
    unit_id: str
    person_id: str | None = None
    task_id: UUID | None = None
    message: Message | None = None


class Pause(Part, frozen=True, kw_only=True):
    """A clock of this cycle stood still, until it was resumed."""

    clock: str
    cycle: int
    reason_code: Code
    resumed_at: Moment | None = None
    resumed_by: str | None = None


class Decision(Part, frozen=True, kw_only=True):
    """沟通决定: what the complainant was told of the decision, and where else to turn."""

    cycle: int
    decision: Code
    language: Language
    contact_id: UUID
    reasons: Told | None = None
    recourse: Told | None = None


class FinalPosition(Part, frozen=True, kw_only=True):
    """最终答复: the last word of the organisation in this cycle."""

    cycle: int


class Resolution(Part, frozen=True, kw_only=True):
    """办结: the work of one cycle was declared done, and what the customer said of it."""

    cycle: int
    outcome: Code | None = None
    summary: Told | None = None
    confirmed_at: Moment | None = None
    confirmed_by: Confirmer | None = None
    confirmed_how: How | None = None
    disputed_at: Moment | None = None
    explanation: Told | None = None


class SatisfactionAnswer(Part, frozen=True, kw_only=True):
    """满意度: one answer about the resolution of one cycle; the last one counts."""

    cycle: int
    score: Score
    answered_by: Confirmer
    channel: Code
    sub_scores: dict[Code, Score] = {}
    comment: Told | None = None


class Repeat(Part, frozen=True, kw_only=True):
    """重复投诉: the class against the same customer's earlier complaints."""

    repeat_class: RepeatClass = msgspec.field(name="class")
    rule_version: RuleVersion
    earlier_id: UUID | None = None
    days_since_close: Count | None = None
    is_external: bool = False
    after_verified_close: bool = False


class Decline(Part, frozen=True, kw_only=True):
    """不予受理: why the complaint was not taken on, and how the complainant was told."""

    reason_code: Code
    channel: Code
    language: str
    recourse: Told | None = None
    contact_id: UUID | None = None


class Withdrawal(Part, frozen=True, kw_only=True):
    """撤诉: the customer took the complaint back."""

    reason_code: Code
    contact_id: UUID | None = None
    evidence_id: UUID | None = None


class CustomerLink(Part, frozen=True, kw_only=True):
    """客户身份: from here on the complaint was known to be this customer's."""

    customer_id: str
    identified_by: IdentifiedBy
    previous_id: str | None = None
    confidence_percent: Percent | None = None
    contact_id: UUID | None = None
    evidence_id: UUID | None = None
    reason_code: Code | None = None


class Reopening(Part, frozen=True, kw_only=True):
    """重开: the closed complaint was opened again, in this cycle."""

    cycle: int
    reason_code: Code
