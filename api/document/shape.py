"""The shape of a complaint as a client reads it."""

from uuid import UUID

import msgspec

from api.as_of import AsOfAnswer
from api.document import parts
from domain.complaint.vocabulary import Assessment, CloseReason, Facts, Nature, Stage, WaitingOn
from domain.kernel import Moment
from domain.rules import Severity


class Allowed(msgspec.Struct, kw_only=True):
    """Whether a command may be given now, and if not, the rule that forbids it."""

    is_allowed: bool
    rule: str | None = None
    detail: str | None = None


class ComplaintDocument(msgspec.Struct, kw_only=True):
    """A complaint: where it stands and what was done; personal facts only for who may see them."""

    complaint_id: UUID
    tracking_number: str
    version: int
    position: str
    as_of: AsOfAnswer | None
    stage: Stage
    waiting_on: WaitingOn
    cycle: int
    nature: Nature
    severity: Severity
    is_provisional: bool
    is_emergency: bool
    is_imported: bool
    received_at: Moment
    customer_id: str | None
    owner_unit: str | None
    owner_person: str | None
    is_signed_for: bool
    facts: Facts
    source_facts: dict[str, str]
    assessment: Assessment | None
    problem_key: str | None
    is_problem_confirmed: bool
    is_resolution_confirmed: bool
    resolved_at: Moment | None
    close_reason: CloseReason | None
    closed_at: Moment | None
    allowed_commands: dict[str, Allowed] | None  # of the present only

    customer_links: list[parts.CustomerLink] = []
    acknowledgements: list[parts.Acknowledgement] = []
    contacts: list[parts.Contact] = []
    chasers: list[parts.Chaser] = []
    evidence: list[parts.Evidence] = []
    emergencies: list[parts.Emergency] = []
    containments: list[parts.Containment] = []
    problem_confirmations: list[parts.ProblemConfirmation] = []
    tasks: list[parts.Task] = []
    findings: list[parts.Finding] = []
    information_requests: list[parts.InformationRequest] = []
    referrals: list[parts.Referral] = []
    remedies: list[parts.Remedy] = []
    decisions: list[parts.Decision] = []
    final_positions: list[parts.FinalPosition] = []
    escalations: list[parts.Escalation] = []
    reminders: list[parts.Reminder] = []
    pauses: list[parts.Pause] = []
    resolutions: list[parts.Resolution] = []
    satisfaction: list[parts.SatisfactionAnswer] = []
    reopenings: list[parts.Reopening] = []
    withdrawals: list[parts.Withdrawal] = []
    declined: parts.Decline | None = None
    merged_into: UUID | None = None
    duplicates: list[UUID] = []
    repeat: parts.Repeat | None = None
