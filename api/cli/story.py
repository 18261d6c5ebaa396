"""A complaint's story as a person reads it in a terminal."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from domain.complaint import COMPLAINT, UnknownComplaint
from domain.kernel import Recorded, fold
from ledger.ids import read_token, tracking_number

_SHORT = 60


def as_of(history: list[Recorded[Any]], moment: str | None) -> list[Recorded[Any]]:
    """The part of a history that was recorded by a time, up to a version or by a place."""
    if moment is None:
        return history
    if moment.startswith("v") and moment[1:].isascii() and moment[1:].isdigit():
        return [recorded for recorded in history if recorded.version <= int(moment[1:])]
    try:
        places = read_token(moment)
    except ValueError:
        pass
    else:
        return [r for r in history if r.position <= places.get(r.partition, 0)]
    try:
        recorded_by = datetime.fromisoformat(moment)
    except ValueError:
        recorded_by = None
    if recorded_by is None or recorded_by.tzinfo is None:
        raise ValueError("a time with an offset, a version (v12) or a place (0:1234)")
    return [recorded for recorded in history if recorded.recorded_at <= recorded_by]


def tell(console: Console, complaint_id: UUID, history: list[Recorded[Any]]) -> None:
    """Print the events one by one, and how the complaint stands after the last."""
    if not history or type(history[0].event) not in COMPLAINT.events:
        raise UnknownComplaint
    state = fold(COMPLAINT, history)
    number = tracking_number(state.partition, state.position)
    table = Table(
        "v", "occurred", "recorded", "event", "by", "what", title=f"{number}  {complaint_id}"
    )
    stage = COMPLAINT.initial
    for recorded in history:
        stage = COMPLAINT.evolve(stage, recorded)
        table.add_row(
            str(recorded.version),
            _time(recorded.occurred_at, recorded.metadata.occurred_at_precision),
            _time(recorded.recorded_at, "instant"),
            f"{type(recorded.event).__name__}\n[dim]{stage.stage}[/dim]",
            f"{recorded.metadata.by}\n[dim]{recorded.metadata.actor.role}[/dim]",
            Text(_what(recorded.event)),  # as text: nothing anybody wrote is markup
        )
    console.print(table)
    owner = f"{state.holder_unit} / {state.owner_person or '-'}"
    console.print(
        f"stage {state.stage}, cycle {state.cycle}, severity {state.severity}"
        f"{' (provisional)' if state.is_provisional else ''}, held by {owner}"
        f"{f', closed as {state.close_reason}' if state.close_reason else ''}",
        highlight=False,
        markup=False,
    )


def _time(moment: datetime, precision: str) -> str:
    match precision:
        case "day":
            return moment.strftime("%Y-%m-%d")
        case "unknown":
            return "unknown"
    return moment.strftime("%Y-%m-%d %H:%M:%S%z")


def _what(event: Any) -> str:
    facts = msgspec.to_builtins(event)
    return "\n".join(f"{name}: {_short(value)}" for name, value in facts.items())


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_short(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return " > ".join(_short(inner) for inner in value)
    text = " ".join(str(value).split())
    return text if len(text) <= _SHORT else f"{text[:_SHORT]}…"
