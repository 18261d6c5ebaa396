"""The view `preventions`: every signal that a problem calls for prevention 问题预防, and why."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.kernel import Recorded
from domain.prevention import PreventionTriggered
from projections.view import Row, Table, View


class PreventionRow(Row, frozen=True):
    """One signal: so many complaints of a problem within the window."""

    stream_id: UUID  # of the problem
    version: int  # of the event: a problem that comes back is signalled again
    ledger_position: int
    recorded_at: datetime
    problem_key: str
    complaint_count: int
    window_days: int
    first_received_at: datetime
    last_received_at: datetime


PREVENTIONS = Table(
    "preventions",
    PreventionRow,
    ("partition", "stream_id", "version"),
    stream="stream_id",
    is_loaded=False,
)


def preventions_view() -> View:
    """Every signal that a problem calls for prevention."""
    return View("preventions", (PREVENTIONS,), (PreventionTriggered,), _fold)


def _fold(rows: Sequence[Row], events: Sequence[Recorded[Any]]) -> Iterable[Row]:
    return [_signal(recorded) for recorded in events]


def _signal(recorded: Recorded[PreventionTriggered]) -> PreventionRow:
    event = recorded.event
    return PreventionRow(
        partition=recorded.partition,
        stream_id=recorded.stream_id,
        version=recorded.version,
        ledger_position=recorded.position,
        recorded_at=recorded.recorded_at,
        problem_key=event.problem_key,
        complaint_count=event.count,
        window_days=event.window_days,
        first_received_at=event.first_received_at,
        last_received_at=event.last_received_at,
    )
