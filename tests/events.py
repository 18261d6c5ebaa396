"""Events that many histories need, with contents that can be told otherwise."""

from typing import Any
from uuid import UUID

from domain.complaint.contact import ContactRecorded
from domain.complaint.decision import DecisionCommunicated
from domain.complaint.evidence import EvidenceAttached

CALL_ID = UUID("01957a6e-0000-7000-8000-0000000000c1")  # a call before the resolution
EVIDENCE_ID = UUID("01957a6e-0000-7000-8000-0000000000e1")
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def contact(contact_id: UUID | None = None, **told: Any) -> ContactRecorded:
    """An outbound contact with the customer, unanswered unless said otherwise."""
    content: dict[str, Any] = {
        "contact_id": contact_id or EVIDENCE_ID,
        "direction": "outbound",
        "channel": "phone",
        "party": "customer",
        "purpose": "follow_up",
        "outcome": "no_answer",
    }
    return ContactRecorded(**{**content, **told})


def evidence(evidence_id: UUID = EVIDENCE_ID, **told: Any) -> EvidenceAttached:
    """A letter of the customer's, scanned."""
    content: dict[str, Any] = {
        "evidence_id": evidence_id,
        "kind": "letter",
        "media_type": "application/pdf",
        "size": 48_213,
        "sha256": SHA256,
    }
    return EvidenceAttached(**{**content, **told})


def decision(**told: Any) -> DecisionCommunicated:
    """The complainant was told by telephone, with the outside recourse."""
    content: dict[str, Any] = {
        "decision": "upheld",
        "reasons": "产品存在质量问题。",
        "recourse": "可拨打 12315 申诉。",
        "language": "zh-CN",
        "contact_id": CALL_ID,
    }
    return DecisionCommunicated(**{**content, **told})
