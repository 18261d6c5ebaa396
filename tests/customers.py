"""What is recorded of customers: merged, split, identified by a handle."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.customer.identity import CustomerIdentified, HandleReleased
from domain.customer.merge import CustomersMerged, CustomersSplit
from domain.kernel import Handle, Metadata, Recorded
from tests import world
from tests.spec import RECEIVED

PHONE = Handle(kind="phone", value="+86 138 0000 0001")


def customer_stream(customer_id: str) -> UUID:
    """The stream of a customer called by one letter and a number, wherever it is."""
    return UUID(f"01957a6e-0000-7000-9000-0000000000{int(customer_id[1:]):02x}")


def of_customer(customer_id: str, *events: tuple[float, Any]) -> list[Recorded[Any]]:
    """What is recorded of a customer, each so many days after the first receipt of all."""
    metadata = Metadata(actor=world.SUPERVISOR, client_id="crm")
    return [
        Recorded(
            partition=0,
            position=version,
            stream_id=customer_stream(customer_id),
            version=version,
            recorded_at=RECEIVED + timedelta(days=days, microseconds=int(customer_id[1:]) * 1000),
            event=event,
            metadata=metadata,
        )
        for version, (days, event) in enumerate(events, 1)
    ]


def merged(customer_id: str, into_id: str) -> CustomersMerged:
    return CustomersMerged(customer_id=customer_id, into_id=into_id, reason_code="same-person")


def split(customer_id: str, from_id: str) -> CustomersSplit:
    return CustomersSplit(customer_id=customer_id, from_id=from_id, reason_code="two-persons")


def identified(customer_id: str, handle: Handle = PHONE, **told: Any) -> CustomerIdentified:
    return CustomerIdentified(customer_id=customer_id, handle=handle, by="person", **told)


def released(customer_id: str, handle: Handle = PHONE) -> HandleReleased:
    return HandleReleased(customer_id=customer_id, handle=handle, reason_code="given-out-again")
