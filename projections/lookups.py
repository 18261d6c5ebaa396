"""The view `lookups`: by what policies find streams: every customer, problem, handle and survivor
that a complaint was ever known by, and every handle and merge of a customer.

A complaint of an import is not found by its problem: it never calls for prevention. Nothing is
taken out again: a policy judges what was recorded at some moment, asks for what was known by then,
and takes from the stream itself what held. Values are kept as keyed hashes, short however long.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from domain.complaint.assessment import ComplaintAssessed
from domain.complaint.identity import CustomerLinked
from domain.complaint.intake import ComplaintRegistered, DetailAdded, FieldCorrected
from domain.complaint.merge import ComplaintMerged
from domain.customer.identity import CustomerIdentified
from domain.customer.merge import CustomersMerged
from domain.handles import known_as
from domain.kernel import Recorded
from domain.policies.policy import LookUpKind
from projections.view import Row, Table, View

NAME = "lookups"


class LookupRow(Row, frozen=True):
    """One value a stream was ever known by; of a complaint with the time of its receipt."""

    stream_id: UUID
    key: str
    ledger_position: int  # of the event that first said so
    known_at: datetime  # when that was recorded
    received_at: datetime | None = None


EVENTS: tuple[type[Any], ...] = (
    ComplaintRegistered,
    DetailAdded,
    FieldCorrected,
    ComplaintAssessed,
    CustomerLinked,
    ComplaintMerged,
    CustomerIdentified,
    CustomersMerged,
)

LOOKUPS = Table(NAME, LookupRow, ("partition", "stream_id", "key"), stream="stream_id")


def lookup_key(secret: bytes, kind: LookUpKind, value: str) -> str:
    """A value as it is looked up: its kind, and its hash keyed by the secret."""
    told = f"lookup\n{kind}\n{value}".encode()
    return f"{kind}:{hmac.new(secret, told, hashlib.sha256).hexdigest()[:32]}"


def lookups_view(secret: bytes) -> View:
    """By what streams are found; values are hashed with the secret."""
    return View(NAME, (LOOKUPS,), EVENTS, partial(_fold, secret=secret))


def _fold(rows: Sequence[Row], events: Sequence[Recorded[Any]], *, secret: bytes) -> Iterable[Row]:
    known = {row.key: row for row in rows if isinstance(row, LookupRow)}
    for recorded in events:
        received_at = next((row.received_at for row in known.values()), None)
        if isinstance(recorded.event, ComplaintRegistered):
            received_at = recorded.occurred_at
        for kind, value in values_of(recorded):
            key = lookup_key(secret, kind, value)
            row = LookupRow(
                partition=recorded.partition,
                stream_id=recorded.stream_id,
                key=key,
                ledger_position=recorded.position,
                known_at=recorded.recorded_at,
                received_at=received_at,
            )
            known.setdefault(key, row)
    return known.values()


def values_of(recorded: Recorded[Any]) -> Iterable[tuple[LookUpKind, str]]:
    """What an event makes its stream known by; a complaint always by itself."""
    match recorded.event:
        case ComplaintRegistered() as facts:
            yield "complaint", str(recorded.stream_id)
            if facts.customer_id is not None:
                yield "customer", facts.customer_id
            yield from _spoken_for(facts)
        case DetailAdded(details=facts) | FieldCorrected(new=facts):
            yield from _spoken_for(facts)
        case ComplaintAssessed(problem_key=problem_key) if not recorded.is_imported:
            yield "problem", problem_key
        case CustomerLinked(customer_id=customer_id):
            yield "customer", customer_id
        case ComplaintMerged(target_id=target_id):
            yield "duplicate", str(target_id)
        case CustomerIdentified(handle=handle):
            yield "identified", known_as(handle)
        case CustomersMerged(customer_id=customer_id, into_id=into_id):
            yield "identity", customer_id
            yield "merged_into", into_id


def _spoken_for(facts: Any) -> Iterable[tuple[LookUpKind, str]]:
    if facts.complainant is not None and facts.complainant.handle is not None:
        yield "handle", known_as(facts.complainant.handle)
