"""A complaint as far as decisions need it, and what it waits for."""

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
from domain.kernel import Context, Event, Money
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
    party: str
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
    status: str  # proposed, approved, rejected, accepted, declined, superseded, fulfilled
    amount: Money | None = None
    paid_minor: int = 0  # as far as payments named their amounts
    needs_approval: bool = False
    proposed_by: str | None = None
    proposed_at: datetime | None = None


class Complaint(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one complaint; `stage` is None before anything was registered."""

    complaint_id: UUID | None = None
    stage: Stage | None = None
    stages_seen: frozenset[Stage] = frozenset()
    cycle: int = 1
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
    paused: frozenset[tuple[str, int]] = frozenset()  # clock, as somebody paused it, and its cycle
    resolved_by: str | None = None
    resolved_at: datetime | None = None
    last_resolved_cycle: int | None = None
    recourse_told_in_cycle: int | None = None  # the decision communicated, and where else to turn
    final_position_at: datetime | None = None  # the last one declared
    is_resolution_confirmed: bool = False  # in the present cycle
    merged_into: UUID | None = None
    stage_before_merge: Stage | None = None
    duplicates: frozenset[UUID] = frozenset()  # merged into this one
    repeat_class: dict[str, Any] | None = None  # as classified last
    is_class_corrected: bool = False  # by a person, and nothing of its identity changed since
    close_reason: CloseReason | None = None
    closed_at: datetime | None = None

    told: tuple[tuple[datetime, object], ...] = ()  # events with the time their callers gave

    @property
    def waiting_on(self) -> WaitingOn:
        """What the complaint waits for above all; one that is closed waits for nothing."""
        if not self.waits or self.stage == "closed":
            return "none"
        open_now = {wait.on for wait in self.waits if wait.status == "open"}
        return next((on for on in PRECEDENCE if on in open_now), "none")

    @property
    def holder_unit(self) -> str:
        """The unit that holds the complaint: before acceptance the one that received it."""
        return self.owner_unit or self.facts.received_unit or "unknown"

    @property
    def is_customer_known(self) -> bool:
        """Whether anybody is known to be affected; else nobody is there but who speaks."""
        return self.customer_id is not None or bool(self.facts.joint_customer_ids)

    @property
    def is_anonymous(self) -> bool:
        """Whether neither a customer nor a party is known."""
        speaker = self.facts.complainant
        return not self.is_customer_known and (speaker is None or speaker.party_id is None)

    @property
    def is_emergency(self) -> bool:
        """Whether somebody flagged it as an emergency in this cycle."""
        return any(cycle == self.cycle for cycle, _ in self.emergencies)

    def local_date(self, moment: datetime, context: Context) -> date:
        """The date a moment falls on where the organisation counts its days."""
        return moment.astimezone(ZoneInfo(context.rules.zone)).date()


# --- what a complaint waits for -------------------------------------------------------------

# A customer or an outside body waited on takes precedence over an open task; a supplier does not.
PRECEDENCE: tuple[WaitingOn, ...] = ("customer", "external_body", "task", "supplier")
OURS: tuple[WaitingOn, ...] = ("customer", "supplier", "task")
"""What ends with our work; an outside body goes on."""


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


def with_remedy(state: Complaint, remedy_id: UUID, **changed: Any) -> Complaint:
    """One remedy of the complaint has come further."""
    remedies = tuple(
        replace(remedy, **changed) if remedy.remedy_id == remedy_id else remedy
        for remedy in state.remedies
    )
    return replace(state, remedies=remedies)


# --- what several acts write ----------------------------------------------------------------


class ComplaintClosed(Event, frozen=True, kw_only=True):
    """The complaint ended, for this reason; declining and withdrawing end it as well."""

    reason: CloseReason
