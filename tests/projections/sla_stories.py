"""Stories about clocks: what happened, and the rows the view makes of it."""

from typing import Any

from domain.complaint.assessment import ComplaintAssessed
from domain.kernel import Actor, Recorded
from projections.sla_row import ClockRow
from tests import world
from tests.projections.folding import ANN, folded, told

REACHED = world.contact(outcome="reached")
MINUTE = 60_000_000


def registered(by: Actor = ANN, **facts: Any) -> Recorded[Any]:
    return told(world.registered(**facts)[0].event, 0, by=by)


def assessed(severity: str | None = "general", **fields: Any) -> ComplaintAssessed:
    return ComplaintAssessed(
        **{**world.ASSESSED, "severity": severity, **fields}, problem_key="k", key_version="v"
    )


def clocks(*events: Recorded[Any]) -> dict[tuple[str, int], ClockRow]:
    rows = folded("sla", registered(), *events)
    return {(row.clock, row.cycle): row for row in rows if isinstance(row, ClockRow)}


def first_response(*events: Recorded[Any]) -> ClockRow:
    return clocks(*events)["first_response", 1]


def resolve(*events: Recorded[Any], cycle: int = 1) -> ClockRow:
    return clocks(*events)["resolve", cycle]
