"""A complaint's story as a person reads it in a terminal."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from domain.complaint import COMPLAINT, UnknownComplaint
from domain.kernel import Recorded
from ledger.ids import tracking_number

_SHORT = 200


def tell(console: Console, complaint_id: UUID, history: list[Recorded[Any]]) -> None:
    """Print the events one by one, and how the complaint stands after the last."""
    if not history or type(history[0].event) not in COMPLAINT.events:
        raise UnknownComplaint
    state = COMPLAINT.initial
    for recorded in history:
        stage_before = state.stage
        state = COMPLAINT.evolve(state, recorded)
        line = Text(f"v{recorded.version:<3}")
        line.append(_time(recorded.occurred_at, recorded.metadata.occurred_at_precision), "cyan")
        line.append(f"  {type(recorded.event).__name__}", "bold")
        if state.stage != stage_before:
            line.append(f"  → {state.stage}", "green")
        line.append(f"  by {recorded.metadata.by} ({recorded.metadata.actor.role})", "dim")
        console.print(line)
        # As text: nothing that anybody wrote is markup.
        console.print(Padding(Text(_what(recorded.event)), (0, 0, 0, 4)))
        if recorded.metadata.occurred_at is not None:
            told = f"recorded {_time(recorded.recorded_at, 'instant')}"
            console.print(Padding(Text(told, "dim"), (0, 0, 0, 4)))
    number = tracking_number(state.partition, state.position)
    owner = f"{state.holder_unit} / {state.owner_person or '-'}"
    console.print(
        f"\n{number} ({complaint_id}): stage {state.stage}, cycle {state.cycle},"
        f" severity {state.severity}{' (provisional)' if state.is_provisional else ''},"
        f" held by {owner}{f', closed as {state.close_reason}' if state.close_reason else ''}",
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
    return " · ".join(f"{name} {_short(value)}" for name, value in facts.items())


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return "(" + ", ".join(f"{name} {_short(inner)}" for name, inner in value.items()) + ")"
    if isinstance(value, list):
        return " > ".join(_short(inner) for inner in value)
    text = " ".join(str(value).split())
    return text if len(text) <= _SHORT else f"{text[:_SHORT]}…"
