"""Histories written down event by event, and what a view makes of them without a database."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from domain.kernel import Actor, Metadata, Recorded
from projections import all_views
from projections.view import Row
from tests import world
from tests.projections.histories import SECRET
from tests.spec import RECEIVED, recorded

ANN = Actor(id="ann", kind="person", role="agent", unit_id="hotline")
BOT = Actor(id="bot-1", kind="bot", role="agent")
SHOP = Actor(id="shop", kind="system", role="integrator")
IMPORTER = world.IMPORTER

VIEWS = {view.name: view for view in all_views(SECRET)}


def after(minutes: float) -> datetime:
    """So many minutes after the receipt."""
    return RECEIVED + timedelta(minutes=minutes)


def told(
    event: Any,
    minutes: float,
    *,
    by: Actor = ANN,
    occurred: float | None = None,
    source: str = "caller",
    **metadata: Any,
) -> Recorded[Any]:
    """An event recorded so many minutes after the receipt, and perhaps told as earlier."""
    is_told = occurred is not None
    envelope = Metadata(
        actor=by,
        client_id="client",
        occurred_at=after(occurred) if occurred is not None else None,
        occurred_at_source=source if is_told else "system",  # type: ignore[arg-type]
        **metadata,
    )
    return recorded(event, 0, after(minutes), envelope)


def imported(event: Any, at: datetime, precision: Any) -> Recorded[Any]:
    """An event taken over from another system, with a time as vague as it tells it."""
    item = told(event, 10_000, by=IMPORTER, source="import", occurred_at_precision=precision)
    metadata = replace(item.metadata, occurred_at=at)
    return recorded(event, 0, item.recorded_at, metadata)


def in_order(events: Sequence[Recorded[Any]]) -> list[Recorded[Any]]:
    """The events of one stream with their versions and positions."""
    return [
        recorded(item.event, version, item.recorded_at, item.metadata)
        for version, item in enumerate(events, 1)
    ]


def folded(view: str, *events: Recorded[Any]) -> list[Row]:
    """The rows of a view, the same whether folded at once or event by event."""
    history = in_order(events)
    fold = VIEWS[view].fold
    at_once = _by_key(view, fold([], history))
    step_by_step: dict[Any, Row] = {}
    for item in history:
        loaded = [row for row in step_by_step.values() if VIEWS[view].table_of[type(row)].is_loaded]
        kept = {key: row for key, row in step_by_step.items() if row not in loaded}
        step_by_step = kept | _by_key(view, fold(loaded, [item]))
    assert step_by_step == at_once
    return list(at_once.values())


def _by_key(view: str, rows: Any) -> dict[Any, Row]:
    tables, rows = VIEWS[view].table_of, list(rows)
    by_key = {(type(row), tables[type(row)].key_of(row)): row for row in rows}
    assert len(by_key) == len(rows), "a fold tells a row once"
    return by_key
