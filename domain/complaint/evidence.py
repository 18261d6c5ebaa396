"""Evidence 证据材料: what shows that something is so; its hash and facts are kept with the
complaint, its bytes elsewhere. What was withdrawn proves nothing new, and what rested on it before
stands as it was recorded.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.complaint.guards import UnknownEvidence
from domain.complaint.state import ANY, AllowedAt, Complaint, Evidence
from domain.complaint.vocabulary import Count
from domain.kernel import Code, Command, Context, Event, Moment, ReasonText, Recorded

MediaType = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[a-z0-9][a-z0-9.+-]{0,99}/[a-z0-9][a-z0-9.+-]{0,99}(?!\n)$",
        description="IANA media type, lower case, without parameters.",
    ),
]
Sha256 = Annotated[
    str, msgspec.Meta(pattern=r"^[0-9a-f]{64}(?!\n)$", description="SHA-256 in lower-case hex.")
]
ProvidedBy = Literal["customer", "complainant", "representative", "reporter", "staff"]

# --- commands -------------------------------------------------------------------------------


class AttachEvidence(Command, frozen=True, kw_only=True):
    """Keep a piece of evidence with the complaint: its kind, its hash and where it comes from."""

    kind: Code
    media_type: MediaType
    size: Count
    sha256: Sha256
    captured_at: Moment | None = None
    provided_by: ProvidedBy | None = None


class WithdrawEvidence(Command, frozen=True, kw_only=True):
    """Declare a piece of evidence void, with a reason; it stays in the history."""

    evidence_id: UUID
    reason_code: Code
    reason_text: ReasonText


# --- events ---------------------------------------------------------------------------------


class EvidenceAttached(Event, frozen=True, kw_only=True):
    """A piece of evidence was kept with the complaint."""

    evidence_id: UUID
    kind: Code
    media_type: MediaType
    size: Count
    sha256: Sha256
    captured_at: Moment | None = None
    provided_by: ProvidedBy | None = None


class EvidenceWithdrawn(Event, frozen=True, kw_only=True):
    """A piece of evidence was declared void and proves nothing from here on."""

    evidence_id: UUID
    reason_code: Code


# --- decide and evolve ----------------------------------------------------------------------

EVENTS: tuple[type[Any], ...] = (EvidenceAttached, EvidenceWithdrawn)
RECORDS: dict[type[Any], type[Any]] = {  # the event that keeps what a command says
    AttachEvidence: EvidenceAttached,
    WithdrawEvidence: EvidenceWithdrawn,
}
ALLOWED: AllowedAt = {AttachEvidence: ANY, WithdrawEvidence: ANY}


def decide(command: object, state: Complaint, context: Context) -> list[object]:
    """Decide on the commands of this stage."""
    match command:
        case AttachEvidence():
            return [
                EvidenceAttached(
                    evidence_id=context.new_id("evidence"),
                    kind=command.kind,
                    media_type=command.media_type,
                    size=command.size,
                    sha256=command.sha256,
                    captured_at=command.captured_at,
                    provided_by=command.provided_by,
                )
            ]
        case WithdrawEvidence(evidence_id=evidence_id):
            for evidence in state.evidence:
                if evidence.evidence_id == evidence_id:
                    if evidence.is_withdrawn:
                        return []
                    return [
                        EvidenceWithdrawn(evidence_id=evidence_id, reason_code=command.reason_code)
                    ]
            raise UnknownEvidence(evidence_id=evidence_id)
    raise TypeError(command)


def evolve(state: Complaint, recorded: Recorded[object]) -> Complaint:
    """What the events of this stage leave."""
    match recorded.event:
        case EvidenceAttached(evidence_id=evidence_id):
            return replace(state, evidence=(*state.evidence, Evidence(evidence_id=evidence_id)))
        case EvidenceWithdrawn(evidence_id=evidence_id):
            evidence = tuple(
                replace(item, is_withdrawn=True) if item.evidence_id == evidence_id else item
                for item in state.evidence
            )
            return replace(state, evidence=evidence)
    return state
