"""Whose complaint it is: the rows of customers beside the row of a complaint."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from domain.complaint.identity import CustomerLinked
from domain.complaint.intake import ComplaintRegistered, DetailAdded, FieldCorrected
from domain.kernel import Recorded
from projections.view import Row, Table


class ComplaintCustomerRow(Row, frozen=True):
    """A customer of a complaint: the one affected, or one of those who joined."""

    complaint_id: UUID
    role: str
    customer_id: str
    ledger_position: int  # of the event that last said so


COMPLAINT_CUSTOMERS = Table(
    "complaint_customers",
    ComplaintCustomerRow,
    ("partition", "complaint_id", "role", "customer_id"),
)


_TELLS = frozenset({ComplaintRegistered, DetailAdded, FieldCorrected, CustomerLinked})
"""The events that may tell whose complaint it is."""


def customers_after(rows: Sequence[Row], events: Iterable[Recorded[Any]]) -> list[Row]:
    """The customers of a complaint, from those it had and what was told since."""
    now = [row for row in rows if isinstance(row, ComplaintCustomerRow)]
    for recorded in events:
        if type(recorded.event) not in _TELLS:
            continue
        for role, customer_ids in _told(recorded.event).items():
            now = [row for row in now if row.role != role]
            now += [
                ComplaintCustomerRow(
                    partition=recorded.partition,
                    complaint_id=recorded.stream_id,
                    role=role,
                    customer_id=customer_id,
                    ledger_position=recorded.position,
                )
                for customer_id in dict.fromkeys(customer_ids)
            ]
    return list[Row](now)


def _told(event: object) -> dict[str, list[str]]:
    """The customers an event tells, by their role; a role it does not name stays as it was."""
    match event:
        case ComplaintRegistered(customer_id=affected, joint_customer_ids=joint):
            told = {"affected": affected and [affected], "joint": joint}
        case DetailAdded(details=facts) | FieldCorrected(new=facts):
            told = {"joint": facts.joint_customer_ids}
        case CustomerLinked(customer_id=affected):
            told = {"affected": [affected]}
        case _:
            return {}
    return {role: list(found) for role, found in told.items() if found}
