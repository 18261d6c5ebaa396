"""Remedies 处理方案 in the view `work`: each offer, what became of it and what changing it cost."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from domain.complaint.approval import RemedyApproved, RemedyDeclined, RemedyRejected
from domain.complaint.remedy import (
    RemedyAccepted,
    RemedyFulfilled,
    RemedyProposed,
    RemedySuperseded,
)
from domain.kernel import Recorded
from projections.progress import Imprecise, is_late_recorded, told_at
from projections.view import Row, Table


class RemedyRow(Row, frozen=True):
    """One remedy: what was offered, who took and who granted it, whether it was carried out."""

    complaint_id: UUID
    remedy_id: UUID
    ledger_position: int  # of the last event that changed the row
    cycle: int
    recorded_at: datetime  # of the offer
    is_late_recorded: bool  # any of its times
    kind: str
    basis: str
    status: str  # the last act
    needs_approval: bool
    proposed_by: str
    proposed_at: datetime
    fulfilment_count: int
    fulfilled_minor: int  # in the currency of the row

    amount_minor: int | None = None
    currency: str | None = None  # of the amount; without one, of the first payment
    supersedes: UUID | None = None
    approved_by: str | None = None
    approved_at: datetime | None = None
    rejected_by: str | None = None
    rejected_at: datetime | None = None
    reason_code: str | None = None  # of the rejection, or of being superseded
    accepted_at: datetime | None = None
    declined_at: datetime | None = None
    superseded_at: datetime | None = None
    superseded_by: UUID | None = None
    change_cost_minor: int | None = None
    change_cost_currency: str | None = None
    fulfilled_at: datetime | None = None  # the first time
    imprecise: Imprecise = None


REMEDIES = Table("remedies", RemedyRow, ("partition", "complaint_id", "remedy_id"))
REMEDY_EVENTS = (
    RemedyProposed,
    RemedyApproved,
    RemedyRejected,
    RemedyAccepted,
    RemedyDeclined,
    RemedySuperseded,
    RemedyFulfilled,
)
Remedies = dict[UUID, RemedyRow]


def remedies_after(rows: Remedies, recorded: Recorded[Any], cycle: int) -> Remedies:
    """The remedies of a complaint after an event, by id."""
    event = recorded.event
    if isinstance(event, RemedyProposed):
        return {**rows, event.remedy_id: _proposed(event, recorded, cycle)}
    return {**rows, event.remedy_id: _after(rows[event.remedy_id], recorded)}


def _proposed(event: RemedyProposed, recorded: Recorded[Any], cycle: int) -> RemedyRow:
    return RemedyRow(
        partition=recorded.partition,
        complaint_id=recorded.stream_id,
        remedy_id=event.remedy_id,
        ledger_position=recorded.position,
        cycle=cycle,
        recorded_at=recorded.recorded_at,
        is_late_recorded=is_late_recorded(recorded),
        kind=event.kind,
        basis=event.basis,
        status="proposed",
        needs_approval=event.needs_approval,
        proposed_by=recorded.metadata.by,
        fulfilment_count=0,
        fulfilled_minor=0,
        amount_minor=event.amount.minor if event.amount else None,
        currency=event.amount.currency if event.amount else None,
        supersedes=event.supersedes,
        **told_at(None, "proposed", recorded),
    )


def _after(row: RemedyRow, recorded: Recorded[Any]) -> RemedyRow:
    by = recorded.metadata.by
    match recorded.event:
        case RemedyApproved():
            return _changed(row, "approved", recorded, approved_by=by)
        case RemedyRejected(reason_code=reason):
            return _changed(row, "rejected", recorded, rejected_by=by, reason_code=reason)
        case RemedyAccepted():
            return _changed(row, "accepted", recorded)
        case RemedyDeclined():
            return _changed(row, "declined", recorded)
        case RemedySuperseded(superseded_by=other, reason_code=reason, change_cost=cost):
            return _changed(
                row,
                "superseded",
                recorded,
                superseded_by=other,
                reason_code=reason,
                change_cost_minor=cost.minor if cost else None,
                change_cost_currency=cost.currency if cost else None,
            )
        case RemedyFulfilled() as event:
            return _fulfilled(row, event, recorded)
    return row


def _fulfilled(row: RemedyRow, event: RemedyFulfilled, recorded: Recorded[Any]) -> RemedyRow:
    """Payments add up, as far as they are of one currency; the first one counts for the time."""
    paid = event.amount
    currency = row.currency or (paid.currency if paid else None)
    is_counted = paid is not None and paid.currency == currency
    facts: dict[str, Any] = {
        "fulfilment_count": row.fulfilment_count + 1,
        "fulfilled_minor": row.fulfilled_minor + (paid.minor if paid and is_counted else 0),
        "currency": currency,
    }
    if row.fulfilled_at is None:
        return _changed(row, "fulfilled", recorded, **facts)
    is_late = row.is_late_recorded or is_late_recorded(recorded)
    return replace(row, ledger_position=recorded.position, is_late_recorded=is_late, **facts)


def _changed(row: RemedyRow, status: str, recorded: Recorded[Any], **facts: Any) -> RemedyRow:
    return replace(
        row,
        status=status,
        ledger_position=recorded.position,
        is_late_recorded=row.is_late_recorded or is_late_recorded(recorded),
        **told_at(row.imprecise, status, recorded),
        **facts,
    )
