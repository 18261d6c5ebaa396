"""A complaint whose complainant gave a handle is the customer's whom that handle is known to be,
be the handle identified first or the complaint registered first.

A handle that several customers share says nothing until all but one are released from it, nor does
that of a representative or reporter. Whose complaint it is, once told, a policy never changes.
"""

from collections.abc import Generator
from typing import Any

from domain.complaint import COMPLAINT
from domain.complaint.identity import CustomerLinked, LinkCustomer
from domain.complaint.intake import ComplaintRegistered, DetailAdded, FieldCorrected
from domain.complaint.vocabulary import Complainant
from domain.customer.identity import CustomerIdentified, HandleReleased
from domain.handles import known_as
from domain.kernel import Recorded
from domain.policies.customers import MERGES, survivor_of
from domain.policies.policy import (
    Histories,
    History,
    Known,
    Order,
    Policy,
    Reaction,
    Streams,
)
from domain.rules import Rules

Found = tuple[str, int | None]
"""A customer, and how sure it is that the handle is theirs."""


def react(trigger: Recorded[Any], rules: Rules) -> Reaction:
    """Link the complaints of a handle, or the one that names it, to whose handle it is."""
    if isinstance(trigger.event, CustomerIdentified | HandleReleased):
        handle = known_as(trigger.event.handle)
        histories = yield Known(kind="handle", values=(handle,))
    else:
        histories = yield Streams((trigger.stream_id,))
        spoken = _handle_of(histories[0])
        if spoken is None:
            return []
        handle = spoken
    waiting = [h for h in histories if _handle_of(h) == handle and not _is_linked(h)]
    if not waiting or (found := (yield from _owner_of(handle))) is None:
        return []
    customer_id, confidence = found
    link = LinkCustomer(customer_id=customer_id, by="rule", confidence_percent=confidence)
    return [
        Order(decider=COMPLAINT, stream_id=history[0].stream_id, command=link)
        for history in waiting
    ]


def _owner_of(handle: str) -> Generator[Known, Histories, Found | None]:
    """The one customer a handle is known to be; None where it is nobody's, or several people's."""
    histories = yield Known(kind="identified", values=(handle,))
    owners: dict[str, int | None] = {}
    for history in histories:
        told = [
            i.event for i in history if isinstance(i.event, CustomerIdentified | HandleReleased)
        ]
        last = next((event for event in reversed(told) if known_as(event.handle) == handle), None)
        if isinstance(last, CustomerIdentified):
            owners[(yield from survivor_of(last.customer_id))] = last.confidence_percent
    return next(iter(owners.items())) if len(owners) == 1 else None


def _handle_of(history: History) -> str | None:
    """By what the complainant can be known, where the complainant may be the customer."""
    complainant: Complainant | None = None
    for recorded in history:
        match recorded.event:
            case ComplaintRegistered() as facts:
                complainant = facts.complainant or complainant
            case DetailAdded(details=facts) | FieldCorrected(new=facts):
                complainant = facts.complainant or complainant
    if complainant is None or complainant.role not in ("customer", "complainant"):
        return None
    return known_as(complainant.handle) if complainant.handle else None


def _is_linked(history: History) -> bool:
    return any(
        isinstance(i.event, CustomerLinked)
        or (isinstance(i.event, ComplaintRegistered) and i.event.customer_id is not None)
        for i in history
    )


_IDENTITY: frozenset[type[Any]] = frozenset({CustomerIdentified, HandleReleased})
_FACTS: frozenset[type[Any]] = frozenset({ComplaintRegistered, DetailAdded, FieldCorrected})

LINK_COMPLAINTS_TO_IDENTIFIED_CUSTOMER = Policy(
    name="link_complaints_to_identified_customer",
    triggers=_IDENTITY | _FACTS,
    reads=_IDENTITY | _FACTS | {CustomerLinked} | MERGES,
    react=react,
)
