"""Customer identity 客户身份: by what a customer is known (telephone, openid, member number,
e-mail), and until when an old customer need not show again who they are 老客户免身份重复验证.

A handle found by mistake, or one that somebody else has by now (telephone numbers are given out
again), is released; complaints that were linked by it stay as they are.
"""

from typing import Any

from msgspec.structs import replace

from domain.customer.state import Customer, Identification, Verification
from domain.handles import known_as
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
    ReasonText,
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


class ReleaseHandle(Command, frozen=True, kw_only=True):
    """Say that a handle is this customer's no longer, or never was."""

    handle: Handle
    reason_code: Code
    reason_text: ReasonText


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


class HandleReleased(Event, frozen=True, kw_only=True):
    """A handle is not this customer's any more, or never was."""

    customer_id: Identifier
    handle: Handle
    reason_code: Code


class CustomerVerified(Event, frozen=True, kw_only=True):
    """The customer showed who they are; until then it need not be shown again."""

    customer_id: Identifier
    valid_until: Moment
    method: Code


# --- rejections -----------------------------------------------------------------------------


class HandleNotKnown(Rejected):
    """Only a handle that is known to be the customer's is released."""

    title = "The handle is not known"
    title_zh = "该联系方式未登记"
    detail = "The handle is not known to be this customer's."
    detail_zh = "该联系方式并未登记为此客户所有。"


class VerifiedForThePast(Rejected):
    """A verification is good for the time after it, not for the time before."""

    title = "Valid until a time that is past"
    title_zh = "有效期早于验证时间"
    detail = "valid_until has to lie after the verification itself."
    detail_zh = "valid_until 须晚于验证时间。"


# --- decide and evolve ----------------------------------------------------------------------

EVENTS: tuple[type[Any], ...] = (CustomerIdentified, HandleReleased, CustomerVerified)
COMMANDS: tuple[type[Any], ...] = (IdentifyCustomer, ReleaseHandle, VerifyCustomer)


def forbidden(command: type, state: Customer) -> Rejected | None:
    """The rule that forbids a command whatever its body says."""
    if command is ReleaseHandle and not state.identified:
        return HandleNotKnown()
    return None


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
        case ReleaseHandle(handle=handle, reason_code=reason_code):
            if len(_without(handle, state)) == len(state.identified):
                raise HandleNotKnown
            return [HandleReleased(customer_id=customer_id, handle=handle, reason_code=reason_code)]
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


def _without(handle: Handle, state: Customer) -> tuple[Identification, ...]:
    """What the customer is known by beside this handle, however it is written."""
    return tuple(k for k in state.identified if known_as(k.handle) != known_as(handle))


def evolve(state: Customer, recorded: Recorded[object]) -> Customer:
    """What the events of this file leave."""
    match recorded.event:
        case CustomerIdentified() as event:
            others = _without(event.handle, state)
            return replace(state, identified=(*others, _identification(event)))
        case HandleReleased(handle=handle):
            return replace(state, identified=_without(handle, state))
        case CustomerVerified(valid_until=valid_until, method=method):
            verification = Verification(valid_until=valid_until, method=method)
            return replace(state, verification=verification)
    return state
