"""Who holds a complaint: the unit that owns it, and the person once there is one."""

from typing import Any

import msgspec

from domain.complaint.assessment import ComplaintAccepted
from domain.complaint.handling import AssignmentReturned, AssignmentSignedFor, ComplaintAssigned
from domain.complaint.intake import ComplaintRegistered, DetailAdded, FieldCorrected


class Holder(msgspec.Struct, frozen=True):
    """Unit and person; before anybody accepts it, the unit that received it holds it."""

    unit: str = "unknown"
    person: str | None = None
    is_owner: bool = False

    def after(self, event: Any) -> "Holder":
        """Who holds it after an event; the same object where the event hands nothing over."""
        match event:
            case ComplaintAccepted(unit_id=unit) | AssignmentReturned(unit_id=unit):
                return Holder(unit, None, is_owner=True)
            case ComplaintAssigned(unit_id=unit) | AssignmentSignedFor(unit_id=unit):
                return Holder(unit, event.person_id, is_owner=True)
            case ComplaintRegistered(received_unit=str(unit)) if not self.is_owner:
                return Holder(unit)
            case DetailAdded(details=facts) | FieldCorrected(new=facts) if not self.is_owner:
                return self if facts.received_unit is None else Holder(facts.received_unit)
        return self


HANDING_OVER: tuple[type[Any], ...] = (
    ComplaintRegistered,
    ComplaintAccepted,
    ComplaintAssigned,
    AssignmentSignedFor,
    AssignmentReturned,
    DetailAdded,
    FieldCorrected,
)
"""The events that may change who holds a complaint."""
