"""Referral 外部争议解决: an outside body deals with the complaint, and it is a wait, not a close.

The wait ends when the body has decided or was told our outcome. The body goes on, whatever we do:
its case outlives a resolution, and a close that is undone finds it where it was.
"""

from typing import Annotated, Any
from uuid import UUID

from msgspec.structs import replace

from domain.complaint.guards import require_sources
from domain.complaint.state import AllowedAt, Complaint, wait_done, wait_for, wait_named
from domain.complaint.vocabulary import Stage
from domain.kernel import (
    Code,
    Command,
    Context,
    Event,
    Label,
    Moment,
    PersonalText,
    Recorded,
    Rejected,
    personal,
)

Text = Annotated[str, personal(min_length=1, max_length=20_000)]

# --- commands -------------------------------------------------------------------------------


class ReferComplaint(Command, frozen=True, kw_only=True):
    """Record that an outside body deals with the complaint, under its reference and due."""

    body: Label
    reference: PersonalText | None = None
    reply_due_at: Moment | None = None


class RecordOutsideOutcome(Command, frozen=True, kw_only=True):
    """Record what the outside body has decided."""

    referral_id: UUID
    outcome: Code
    summary: Text | None = None
    contact_id: UUID | None = None
    evidence_id: UUID | None = None


class ReportOutcomeToBody(Command, frozen=True, kw_only=True):
    """Record that the outside body was told what came of the complaint."""

    referral_id: UUID
    channel: Code | None = None
    summary: Text | None = None
    contact_id: UUID | None = None
    evidence_id: UUID | None = None


# --- events ---------------------------------------------------------------------------------


class ComplaintReferred(Event, frozen=True, kw_only=True):
    """An outside body deals with the complaint."""

    referral_id: UUID
    body: Label
    reference: PersonalText | None = None
    reply_due_at: Moment | None = None


class OutsideOutcomeRecorded(Event, frozen=True, kw_only=True):
    """The outside body has decided."""

    referral_id: UUID
    outcome: Code
    summary: Text | None = None
    contact_id: UUID | None = None
    evidence_id: UUID | None = None


class OutcomeReportedToBody(Event, frozen=True, kw_only=True):
    """The outside body was told what came of the complaint."""

    referral_id: UUID
    channel: Code | None = None
    summary: Text | None = None
    contact_id: UUID | None = None
    evidence_id: UUID | None = None


# --- rejections -----------------------------------------------------------------------------


class UnknownReferral(Rejected):
    """The referral named is none of this complaint."""

    title = "Unknown referral"
    title_zh = "外部争议解决记录不存在"
    detail = "This complaint has no referral {referral_id}."
    detail_zh = "该投诉没有外部争议解决记录 {referral_id}。"


# --- decide and evolve ----------------------------------------------------------------------

EVENTS: tuple[type[Any], ...] = (ComplaintReferred, OutsideOutcomeRecorded, OutcomeReportedToBody)
RECORDS: dict[type[Any], type[Any]] = {  # the event that keeps what a command says
    ReferComplaint: ComplaintReferred,
    RecordOutsideOutcome: OutsideOutcomeRecorded,
    ReportOutcomeToBody: OutcomeReportedToBody,
}
_STAGES: frozenset[Stage] = frozenset({"in_progress", "resolved", "final_position"})
ALLOWED: AllowedAt = dict.fromkeys(
    (ReferComplaint, RecordOutsideOutcome, ReportOutcomeToBody), _STAGES
)


def decide(command: object, state: Complaint, context: Context) -> list[object]:
    """Decide on the commands of this stage."""
    match command:
        case ReferComplaint():
            return [
                ComplaintReferred(
                    referral_id=context.new_id("referral"),
                    body=command.body,
                    reference=command.reference,
                    reply_due_at=command.reply_due_at,
                )
            ]
        case RecordOutsideOutcome():
            _require_referral(state, command.referral_id)
            require_sources(state, command)
            return [
                OutsideOutcomeRecorded(
                    referral_id=command.referral_id,
                    outcome=command.outcome,
                    summary=command.summary,
                    contact_id=command.contact_id,
                    evidence_id=command.evidence_id,
                )
            ]
        case ReportOutcomeToBody():
            _require_referral(state, command.referral_id)
            require_sources(state, command)
            return [
                OutcomeReportedToBody(
                    referral_id=command.referral_id,
                    channel=command.channel,
                    summary=command.summary,
                    contact_id=command.contact_id,
                    evidence_id=command.evidence_id,
                )
            ]
    raise TypeError(command)


def _require_referral(state: Complaint, referral_id: UUID) -> None:
    if wait_named(state, referral_id, "external_body") is None:
        raise UnknownReferral(referral_id=referral_id)


def evolve(state: Complaint, recorded: Recorded[object]) -> Complaint:
    """What the events of this stage leave."""
    match recorded.event:
        case ComplaintReferred(referral_id=referral_id):
            return wait_for(state, referral_id, "external_body")
        case OutsideOutcomeRecorded(referral_id=referral_id):
            return replace(wait_done(state, referral_id), has_outside_outcome=True)
        case OutcomeReportedToBody(referral_id=referral_id):
            return wait_done(state, referral_id)
    return state
