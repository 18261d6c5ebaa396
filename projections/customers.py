"""The view `customers`: who each customer is and who they turned out to be; handles as hashes."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from domain.customer import CUSTOMER
from domain.customer.identity import CustomerIdentified, CustomerVerified, HandleReleased
from domain.customer.merge import CustomersMerged, CustomersSplit
from domain.customer.profile import CustomerTierSet, SegmentAssigned
from domain.kernel import Recorded
from projections.hashes import handle_hash
from projections.view import Row, Table, View


class CustomerRow(Row, frozen=True):
    """One customer; special groups stand nowhere but in the events."""

    stream_id: UUID
    customer_id: str
    version: int
    ledger_position: int  # of the last event
    recorded_at: datetime  # of the first event
    merged_into: str | None = None  # directly; who they are now is for `views.survivor_of`
    merged_at: datetime | None = None
    verified_until: datetime | None = None
    verified_by: str | None = None  # the method
    tier: str | None = None
    tier_source: str | None = None
    segment: str | None = None
    segment_model_version: str | None = None


class HandleRow(Row, frozen=True):
    """One handle of one customer, as it was last found to be theirs."""

    stream_id: UUID
    handle_hash: bytes
    customer_id: str
    kind: str
    ledger_position: int
    identified_at: datetime
    identified_by: str
    confidence_percent: int | None = None
    evidence: str | None = None


CUSTOMERS = Table("customers", CustomerRow, ("partition", "stream_id"), stream="stream_id")
HANDLES = Table(
    "customer_handles", HandleRow, ("partition", "stream_id", "handle_hash"), stream="stream_id"
)


def customers_view(secret: bytes) -> View:
    """Who each customer is; handles are hashed with the secret."""
    fold = partial(_fold, secret=secret)
    return View("customers", (CUSTOMERS, HANDLES), CUSTOMER.events, fold)


def _fold(rows: Sequence[Row], events: Sequence[Recorded[Any]], *, secret: bytes) -> Iterable[Row]:
    row = next((row for row in rows if isinstance(row, CustomerRow)), None)
    handles = {row.handle_hash: row for row in rows if isinstance(row, HandleRow)}
    for recorded in events:
        row = _after(row or _first(recorded), recorded)
        match recorded.event:
            case CustomerIdentified(handle=handle):
                handles[handle_hash(secret, handle)] = _handle(recorded, secret)
            case HandleReleased(handle=handle):
                handles.pop(handle_hash(secret, handle), None)
    return handles.values() if row is None else [row, *handles.values()]


def _first(recorded: Recorded[Any]) -> CustomerRow:
    return CustomerRow(
        partition=recorded.partition,
        stream_id=recorded.stream_id,
        customer_id=recorded.event.customer_id,
        version=recorded.version,
        ledger_position=recorded.position,
        recorded_at=recorded.recorded_at,
    )


def _after(row: CustomerRow, recorded: Recorded[Any]) -> CustomerRow:
    row = replace(row, version=recorded.version, ledger_position=recorded.position)
    match recorded.event:
        case CustomerVerified(valid_until=valid_until, method=method):
            return replace(row, verified_until=valid_until, verified_by=method)
        case CustomersMerged(into_id=into_id):
            return replace(row, merged_into=into_id, merged_at=recorded.occurred_at)
        case CustomersSplit():
            return replace(row, merged_into=None, merged_at=None)
        case CustomerTierSet(tier=tier, source=source):
            return replace(row, tier=tier, tier_source=source)
        case SegmentAssigned(segment=segment, model_version=model_version):
            return replace(row, segment=segment, segment_model_version=model_version)
    return row


def _handle(recorded: Recorded[CustomerIdentified], secret: bytes) -> HandleRow:
    event = recorded.event
    return HandleRow(
        partition=recorded.partition,
        stream_id=recorded.stream_id,
        handle_hash=handle_hash(secret, event.handle),
        customer_id=event.customer_id,
        kind=event.handle.kind,
        ledger_position=recorded.position,
        identified_at=recorded.occurred_at,
        identified_by=event.by,
        confidence_percent=event.confidence_percent,
        evidence=event.evidence,
    )
