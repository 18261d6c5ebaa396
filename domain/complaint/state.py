"""A complaint as far as decisions need it, and the rules every stage file leans on."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from domain.complaint.vocabulary import (
    Assessment,
    CloseReason,
    Facts,
    Nature,
    Stage,
    WaitingOn,
)
from domain.kernel import Context, Event, Money, Rejected, SecondPersonRequired
from domain.rules import Severity

AllowedAt = dict[type[Any], frozenset[Stage]]
"""The rows of the stage table: at which stages a command is allowed."""

NEW: frozenset[Stage] = frozenset()  # only where there is no complaint yet
OPEN: frozenset[Stage] = frozenset(
    {"registered", "assessed", "accepted", "in_progress", "resolved", "final_position"}
)
ANY: frozenset[Stage] = OPEN | {"closed"}


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """A contact with the complainant, as the closing rules need it."""

    contact_id: UUID
    direction: str
    channel: str
    purpose: str
    outcome: str
    occurred_at: datetime


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of evidence, and whether it still proves anything."""

    evidence_id: UUID
    is_withdrawn: bool = False


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """Something the complaint waits for: a task, an answer, an outside body."""

    id: UUID
    on: WaitingOn
    status: Literal["open", "done", "ended"] = "open"  # ended: no longer waited for, never done


class Remedy(msgspec.Struct, frozen=True, kw_only=True):
    """A remedy and how far it has come."""

    remedy_id: UUID
    kind: str
    basis: str
    status: str  # proposed, accepted, fulfilled
    amount: Money | None = None


class Complaint(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one complaint; `stage` is None before anything was registered."""

    stage: Stage | None = None
    stages_seen: frozenset[Stage] = frozenset()
    waiting_on: WaitingOn = "none"
    cycle: int = 1
    version: int = 0
    partition: int = 0
    position: int = 0  # of the registration: the tracking number is made of it

    facts: Facts = Facts()
    customer_id: str | None = None
    nature: Nature = "complaint"
    received_at: datetime | None = None
    registered_by: str | None = None
    is_imported: bool = False
    source_facts: dict[str, str] = {}

    assessment: Assessment | None = None
    assessed_by: str | None = None
    severity: Severity = "general"
    is_provisional: bool = True
    problem_key: str | None = None

    is_accepted: bool = False
    owner_unit: str | None = None
    owner_person: str | None = None
    is_signed_for: bool = False

    problem_confirmed_in_cycle: int | None = None
    waits: tuple[Wait, ...] = ()
    has_outside_outcome: bool = False
    remedies: tuple[Remedy, ...] = ()
    contacts: tuple[Contact, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    last_heard_at: datetime | None = None  # the last word of the complainant's side
    emergencies: frozenset[tuple[int, str]] = frozenset()  # cycle and cause
    resolved_by: str | None = None
    resolved_at: datetime | None = None
    last_resolved_cycle: int | None = None
    is_resolution_confirmed: bool = False  # in the present cycle
    close_reason: CloseReason | None = None
    closed_at: datetime | None = None

    told: tuple[tuple[datetime, object], ...] = ()  # events with the time their callers gave

    @property
    def holder_unit(self) -> str:
        """The unit that holds the complaint: before acceptance the one that received it."""
        return self.owner_unit or self.facts.received_unit or "unknown"

    @property
    def is_emergency(self) -> bool:
        """Whether somebody flagged it as an emergency in this cycle."""
        return any(cycle == self.cycle for cycle, _ in self.emergencies)

    def remedy(self, remedy_id: UUID) -> Remedy:
        """The remedy with this id."""
        for remedy in self.remedies:
            if remedy.remedy_id == remedy_id:
                return remedy
        raise UnknownRemedy(remedy_id=remedy_id)

    def local_date(self, moment: datetime, context: Context) -> date:
        """The date a moment falls on where the organisation counts its days."""
        return moment.astimezone(ZoneInfo(context.rules.zone)).date()


# --- what a complaint waits for -------------------------------------------------------------

# A customer or an outside body waited on takes precedence over an open task; a supplier does not.
PRECEDENCE: tuple[WaitingOn, ...] = ("customer", "external_body", "task", "supplier")
OURS: tuple[WaitingOn, ...] = ("customer", "supplier", "task")
"""What ends with our work; an outside body goes on."""


def waiting_on(state: Complaint) -> WaitingOn:
    """What the complaint waits for above all; one that is closed waits for nothing."""
    if state.stage == "closed":
        return "none"
    open_now = {wait.on for wait in state.waits if wait.status == "open"}
    return next((on for on in PRECEDENCE if on in open_now), "none")


def wait_named(state: Complaint, wait_id: UUID, *on: WaitingOn) -> Wait | None:
    """The wait with this id, if it is one for this."""
    return next((wait for wait in state.waits if wait.id == wait_id and wait.on in on), None)


def wait_for(state: Complaint, wait_id: UUID, on: WaitingOn) -> Complaint:
    """From now on the complaint waits for this as well."""
    return replace(state, waits=(*state.waits, Wait(id=wait_id, on=on)))


def wait_done(state: Complaint, wait_id: UUID) -> Complaint:
    """What was waited for has come."""
    waits = tuple(
        replace(wait, status="done") if wait.id == wait_id else wait for wait in state.waits
    )
    return replace(state, waits=waits)


def end_waits(state: Complaint, *on: WaitingOn) -> Complaint:
    """What was not done so far is waited for no longer."""
    waits = tuple(
        replace(wait, status="ended") if wait.status == "open" and wait.on in on else wait
        for wait in state.waits
    )
    return replace(state, waits=waits)


# --- what several acts write or refuse ------------------------------------------------------


class ComplaintClosed(Event, frozen=True, kw_only=True):
    """The complaint ended, for this reason; declining and withdrawing end it as well."""

    reason: CloseReason


class UnknownRemedy(Rejected):
    """The remedy named is none of this complaint."""

    title = "Unknown remedy"
    title_zh = "处理方案不存在"
    detail = "This complaint has no remedy {remedy_id}."
    detail_zh = "该投诉没有处理方案 {remedy_id}。"


class UnknownContact(Rejected):
    """The contact named is none of this complaint."""

    title = "Unknown contact"
    title_zh = "沟通记录不存在"
    detail = "This complaint has no contact {contact_id}."
    detail_zh = "该投诉没有沟通记录 {contact_id}。"


class UnknownEvidence(Rejected):
    """The evidence named is none of this complaint, or was withdrawn."""

    title = "Unknown evidence"
    title_zh = "证据材料不存在"
    detail = "This complaint has no evidence {evidence_id}, or it was withdrawn."
    detail_zh = "该投诉没有证据材料 {evidence_id}，或该材料已撤回。"


def require_contact(state: Complaint, contact_id: UUID | None) -> None:
    """Refuse a contact that this complaint does not have."""
    if contact_id is not None and all(c.contact_id != contact_id for c in state.contacts):
        raise UnknownContact(contact_id=contact_id)


def require_evidence(state: Complaint, *evidence_ids: UUID | None) -> None:
    """Refuse evidence that this complaint does not have, or has no longer."""
    for evidence_id in evidence_ids:
        if evidence_id is not None and all(
            item.evidence_id != evidence_id or item.is_withdrawn for item in state.evidence
        ):
            raise UnknownEvidence(evidence_id=evidence_id)


def require_sources(state: Complaint, command: Any) -> None:
    """Refuse a contact or a piece of evidence that is none of this complaint."""
    require_contact(state, command.contact_id)
    require_evidence(state, command.evidence_id)


class ProofRequired(Rejected):
    """Somebody's own word has to be shown by a contact or a piece of evidence."""

    title = "Proof is required"
    title_zh = "需要凭证"
    detail = "{command} needs the contact_id or the evidence_id it rests on."
    detail_zh = "{command} 须注明所依据的 contact_id 或 evidence_id。"


def require_proof(state: Complaint, command: Any) -> None:
    """Refuse a statement of somebody else's that no contact and no evidence shows."""
    if command.contact_id is None and command.evidence_id is None:
        raise ProofRequired(command=type(command).__name__)
    require_sources(state, command)


def refuse_involved(command: object, state: Complaint, context: Context, *, rule: str) -> None:
    """Four eyes: neither the holder nor who registered or last assessed the complaint."""
    if rule not in context.rules.four_eyes:
        return
    if context.by in {state.owner_person, state.registered_by, state.assessed_by}:
        raise SecondPersonRequired(command=type(command).__name__, rule=rule)
