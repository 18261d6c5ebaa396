"""Investigation 调查: what was found out, and what has to be asked 补充材料 of the customer or a
supplier before it can be; while the question is open, the complaint waits for the answer.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from domain.complaint.guards import require_contact, require_evidence, require_sources
from domain.complaint.state import AllowedAt, Complaint, wait_done, wait_for, wait_named
from domain.kernel import Code, Command, Context, Event, Moment, Recorded, Rejected, personal

Text = Annotated[str, personal(min_length=1, max_length=20_000)]
Asked = Literal["customer", "supplier"]
Attachments = Annotated[list[UUID], msgspec.Meta(max_length=50)]

# --- commands -------------------------------------------------------------------------------


class RecordFinding(Command, frozen=True, kw_only=True):
    """Record what was found out about the complaint, and what shows it."""

    kind: Code
    finding: Text
    evidence_ids: Attachments = []


class RequestInformation(Command, frozen=True, kw_only=True):
    """Ask the customer or a supplier for what is missing, and wait for it."""

    asked: Asked = msgspec.field(name="from")
    what: Text
    due_at: Moment | None = None
    contact_id: UUID | None = None


class RecordInformation(Command, frozen=True, kw_only=True):
    """Record what was answered to a request for information."""

    request_id: UUID
    content: Text | None = None
    contact_id: UUID | None = None
    evidence_id: UUID | None = None


# --- events ---------------------------------------------------------------------------------


class FindingRecorded(Event, frozen=True, kw_only=True):
    """Something was found out about the complaint."""

    finding_id: UUID
    kind: Code
    finding: Text
    evidence_ids: Attachments = []


class InformationRequested(Event, frozen=True, kw_only=True):
    """The customer or a supplier was asked for what is missing."""

    request_id: UUID
    asked: Asked = msgspec.field(name="from")
    what: Text
    due_at: Moment | None = None
    contact_id: UUID | None = None


class InformationReceived(Event, frozen=True, kw_only=True):
    """A request for information was answered."""

    request_id: UUID
    content: Text | None = None
    contact_id: UUID | None = None
    evidence_id: UUID | None = None


# --- rejections -----------------------------------------------------------------------------


class UnknownRequest(Rejected):
    """The request for information named is none of this complaint."""

    title = "Unknown request"
    title_zh = "补充材料请求不存在"
    detail = "This complaint has no request for information {request_id}."
    detail_zh = "该投诉没有补充材料请求 {request_id}。"


# --- decide and evolve ----------------------------------------------------------------------

EVENTS: tuple[type[Any], ...] = (FindingRecorded, InformationRequested, InformationReceived)
RECORDS: dict[type[Any], type[Any]] = {  # the event that keeps what a command says
    RecordFinding: FindingRecorded,
    RequestInformation: InformationRequested,
    RecordInformation: InformationReceived,
}
ALLOWED: AllowedAt = {
    RecordFinding: frozenset({"in_progress"}),
    RequestInformation: frozenset({"in_progress"}),
    RecordInformation: frozenset({"in_progress"}),
}


def decide(command: object, state: Complaint, context: Context) -> list[object]:
    """Decide on the commands of this stage."""
    match command:
        case RecordFinding():
            require_evidence(state, *command.evidence_ids)
            return [
                FindingRecorded(
                    finding_id=context.new_id("finding"),
                    kind=command.kind,
                    finding=command.finding,
                    evidence_ids=command.evidence_ids,
                )
            ]
        case RequestInformation():
            require_contact(state, command.contact_id)
            return [
                InformationRequested(
                    request_id=context.new_id("request"),
                    asked=command.asked,
                    what=command.what,
                    due_at=command.due_at,
                    contact_id=command.contact_id,
                )
            ]
        case RecordInformation():
            if wait_named(state, command.request_id, "customer", "supplier") is None:
                raise UnknownRequest(request_id=command.request_id)
            require_sources(state, command)
            return [
                InformationReceived(
                    request_id=command.request_id,
                    content=command.content,
                    contact_id=command.contact_id,
                    evidence_id=command.evidence_id,
                )
            ]
    raise TypeError(command)


def evolve(state: Complaint, recorded: Recorded[object]) -> Complaint:
    """What the events of this stage leave."""
    match recorded.event:
        case InformationRequested(request_id=request_id, asked=asked):
            return wait_for(state, request_id, asked)
        case InformationReceived(request_id=request_id):
            return wait_done(state, request_id)
    return state
