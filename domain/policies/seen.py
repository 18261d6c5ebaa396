"""What the history of a complaint says, as far as policies compare complaints."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from domain.complaint.assessment import ComplaintAssessed
from domain.complaint.closure import ComplaintReopened
from domain.complaint.identity import CustomerLinked
from domain.complaint.intake import ComplaintRegistered, DetailAdded, FieldCorrected
from domain.complaint.merge import ComplaintMerged, ComplaintUnmerged
from domain.complaint.state import ComplaintClosed
from domain.complaint.vocabulary import Facts
from domain.kernel import Recorded
from domain.policies.policy import History

READS: frozenset[type[Any]] = frozenset(
    {
        ComplaintRegistered,
        ComplaintAssessed,
        DetailAdded,
        FieldCorrected,
        ComplaintClosed,
        ComplaintReopened,
        ComplaintMerged,
        ComplaintUnmerged,
        CustomerLinked,
    }
)
"""The types of event that are looked at."""


class Seen(msgspec.Struct, kw_only=True):
    """A complaint as its events tell it."""

    complaint_id: UUID
    received_at: datetime
    is_imported: bool = False
    customer_id: str | None = None
    nature: str = "complaint"
    complainant_role: str | None = None
    outside_body_ref: str | None = None
    is_assessed: bool = False
    problem_key: str | None = None
    order_ref: str | None = None
    serial_no: str | None = None
    about_handling: bool = False
    about_handling_of: UUID | None = None
    is_duplicate: bool = False
    ends: list[tuple[datetime, str | None]] = []  # closed for a reason, or open again

    @property
    def is_assessed_complaint(self) -> bool:
        """Whether it was assessed, as a complaint."""
        return self.is_assessed and self.nature == "complaint"

    @property
    def is_external(self) -> bool:
        """Whether it came through a regulator, a consumer body or the media."""
        return self.complainant_role == "reporter" or self.outside_body_ref is not None

    @property
    def since(self) -> tuple[datetime, UUID]:
        """What comes earlier is received earlier."""
        return self.received_at, self.complaint_id


def see(history: History) -> Seen:
    """What the events of a complaint say."""
    first = history[0]
    seen = Seen(complaint_id=first.stream_id, received_at=first.occurred_at)
    seen.is_imported, seen.ends = first.is_imported, []
    for recorded in history:
        _take(seen, recorded)
    return seen


def _take(seen: Seen, recorded: Recorded[Any]) -> None:
    match recorded.event:
        case ComplaintRegistered() as event:
            seen.customer_id = event.customer_id
            _learn(seen, event)
        case DetailAdded(details=facts) | FieldCorrected(new=facts):
            _learn(seen, facts)
        case CustomerLinked(customer_id=customer_id):
            seen.customer_id = customer_id
        case ComplaintAssessed() as event:
            seen.is_assessed = True
            seen.nature = event.nature or seen.nature
            seen.problem_key = event.problem_key
            seen.about_handling = bool(event.about_handling)
            seen.about_handling_of = event.about_handling_of
        case ComplaintClosed(reason=reason):
            seen.ends.append((recorded.occurred_at, reason))
        case ComplaintReopened():
            seen.ends.append((recorded.occurred_at, None))
        case ComplaintMerged():
            seen.is_duplicate = True
        case ComplaintUnmerged():
            seen.is_duplicate = False
            seen.ends.pop()  # it had not ended after all


def _learn(seen: Seen, facts: Facts) -> None:
    seen.nature = facts.nature or seen.nature
    seen.order_ref = facts.order_ref or seen.order_ref
    if facts.product is not None:
        seen.serial_no = facts.product.serial_no
    seen.outside_body_ref = facts.outside_body_ref or seen.outside_body_ref
    if facts.complainant is not None:
        seen.complainant_role = facts.complainant.role
