"""The view `refusals`: every order that a rule or a role refused, and who had given it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.kernel import Recorded
from domain.refusal import CommandRefused
from projections.view import Row, Table, View


class RefusalRow(Row, frozen=True):
    """One order that was refused; what it said is not kept anywhere."""

    refusal_id: UUID
    ledger_position: int
    recorded_at: datetime
    command: str
    rule: str
    status: int
    ordered_by: str
    actor_kind: str
    actor_role: str

    four_eyes: str | None = None  # which of the rules of the second person
    complaint_id: UUID | None = None
    customer_id: str | None = None
    unit_id: str | None = None  # as far as the actor says


REFUSALS = Table(
    "refusals", RefusalRow, ("partition", "refusal_id"), stream="refusal_id", is_loaded=False
)


def refusals_view() -> View:
    """Every order that a rule or a role refused, and who had given it."""
    return View("refusals", (REFUSALS,), (CommandRefused,), _fold)


def _fold(rows: Sequence[Row], events: Sequence[Recorded[Any]]) -> Iterable[Row]:
    return [_refusal(recorded) for recorded in events]


def _refusal(recorded: Recorded[CommandRefused]) -> RefusalRow:
    event, metadata = recorded.event, recorded.metadata
    return RefusalRow(
        partition=recorded.partition,
        refusal_id=recorded.stream_id,
        ledger_position=recorded.position,
        recorded_at=recorded.recorded_at,
        command=event.command,
        rule=event.rule,
        status=event.status,
        ordered_by=metadata.by,
        actor_kind=metadata.actor.kind,
        actor_role=metadata.actor.role,
        four_eyes=event.four_eyes,
        complaint_id=event.complaint_id,
        customer_id=event.customer_id,
        unit_id=metadata.actor.unit_id,
    )
