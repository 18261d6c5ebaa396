"""Customer identity 客户身份: whose complaint it is, learned at the receipt or later; what was
known before stays in the history, and whatever rested on it is judged anew by new events.
"""

from typing import Any
from uuid import UUID

from msgspec.structs import replace

from domain.complaint.guards import require_sources
from domain.complaint.state import ANY, AllowedAt, Complaint
from domain.kernel import (
    Code,
    Command,
    Context,
    Event,
    IdentifiedBy,
    Identifier,
    Percent,
    Recorded,
    require_reason,
)

# --- commands -------------------------------------------------------------------------------


class LinkCustomer(Command, frozen=True, kw_only=True):
    """Say whose complaint it is; to name another customer than before takes a reason."""

    customer_id: Identifier
    by: IdentifiedBy
    confidence_percent: Percent | None = None
    contact_id: UUID | None = None
    evidence_id: UUID | None = None


# --- events ---------------------------------------------------------------------------------


class CustomerLinked(Event, frozen=True, kw_only=True):
    """The complaint is known to be this customer's."""

    customer_id: Identifier
    previous_id: Identifier | None = None
    by: IdentifiedBy
    confidence_percent: Percent | None = None
    contact_id: UUID | None = None
    evidence_id: UUID | None = None
    reason_code: Code | None = None


# --- decide and evolve ----------------------------------------------------------------------

EVENTS: tuple[type[Any], ...] = (CustomerLinked,)
RECORDS: dict[type[Any], type[Any]] = {LinkCustomer: CustomerLinked}
ALLOWED: AllowedAt = {LinkCustomer: ANY}


def decide(command: object, state: Complaint, context: Context) -> list[object]:
    """Decide on the commands of this stage."""
    match command:
        case LinkCustomer():
            if command.customer_id == state.customer_id:
                return []
            if state.customer_id is not None:
                require_reason(command)
            require_sources(state, command)
            return [
                CustomerLinked(
                    customer_id=command.customer_id,
                    previous_id=state.customer_id,
                    by=command.by,
                    confidence_percent=command.confidence_percent,
                    contact_id=command.contact_id,
                    evidence_id=command.evidence_id,
                    reason_code=command.reason_code,
                )
            ]
    raise TypeError(command)


def evolve(state: Complaint, recorded: Recorded[object]) -> Complaint:
    """What the events of this stage leave."""
    match recorded.event:
        case CustomerLinked(customer_id=customer_id):
            return replace(state, customer_id=customer_id, is_class_corrected=False)
    return state
