"""Customer identity 客户身份: by what a customer is known (telephone, openid, member number,
e-mail), and until when an old customer need not show again who they are 老客户免身份重复验证.
"""

from typing import Any

from msgspec.structs import replace

from domain.customer.state import Customer, Identification, Verification
from domain.kernel import (
    Code,
    Command,
    Context,
    Event,
    Handle,
    IdentifiedBy,
    Identifier,
    Moment,
    Percent,
    Recorded,
    Rejected,
)

# --- commands -------------------------------------------------------------------------------


class IdentifyCustomer(Command, frozen=True, kw_only=True):
    """Record that a handle is this customer's, who or what found it, and on what it rests."""

    handle: Handle
    by: IdentifiedBy
    confidence_percent: Percent | None = None
    evidence: Code | None = None


class VerifyCustomer(Command, frozen=True, kw_only=True):
    """Record that the customer has shown who they are, and until when that is enough."""

    valid_until: Moment
    method: Code


# --- events ---------------------------------------------------------------------------------


class CustomerIdentified(Event, frozen=True, kw_only=True):
    """A handle was found to be this customer's."""

    customer_id: Identifier
    handle: Handle
    by: IdentifiedBy
    confidence_percent: Percent | None = None
    evidence: Code | None = None


class CustomerVerified(Event, frozen=True, kw_only=True):
    """The customer showed who they are; until then it need not be shown again."""

    customer_id: Identifier
    valid_until: Moment
    method: Code


# --- rejections -----------------------------------------------------------------------------


class VerifiedForThePast(Rejected):
    """A verification is good for the time after it, not for the time before."""

    title = "Valid until a time that is past"
    title_zh = "有效期早于验证时间"
    detail = "valid_until has to lie after the verification itself."
    detail_zh = "valid_until 须晚于验证时间。"


# --- decide and evolve ----------------------------------------------------------------------

EVENTS: tuple[type[Any], ...] = (CustomerIdentified, CustomerVerified)
COMMANDS: tuple[type[Any], ...] = (IdentifyCustomer, VerifyCustomer)


def decide(command: object, customer_id: str, state: Customer, context: Context) -> list[object]:
    """Decide on the commands of this file."""
    match command:
        case IdentifyCustomer():
            if _identification(command) in state.identified:
                return []
            return [
                CustomerIdentified(
                    customer_id=customer_id,
                    handle=command.handle,
                    by=command.by,
                    confidence_percent=command.confidence_percent,
                    evidence=command.evidence,
                )
            ]
        case VerifyCustomer(valid_until=valid_until, method=method):
            if state.verification == Verification(valid_until=valid_until, method=method):
                return []
            if valid_until <= context.occurred_at(command):
                raise VerifiedForThePast
            return [
                CustomerVerified(customer_id=customer_id, valid_until=valid_until, method=method)
            ]
    raise TypeError(command)


def _identification(found: IdentifyCustomer | CustomerIdentified) -> Identification:
    return Identification(
        handle=found.handle,
        by=found.by,
        confidence_percent=found.confidence_percent,
        evidence=found.evidence,
    )


def evolve(state: Customer, recorded: Recorded[object]) -> Customer:
    """What the events of this file leave."""
    match recorded.event:
        case CustomerIdentified() as event:
            before = tuple(known for known in state.identified if known.handle != event.handle)
            return replace(state, identified=(*before, _identification(event)))
        case CustomerVerified(valid_until=valid_until, method=method):
            verification = Verification(valid_until=valid_until, method=method)
            return replace(state, verification=verification)
    return state
