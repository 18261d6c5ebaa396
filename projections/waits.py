"""What a complaint waits for, as far as the row of a view has to know it."""

from collections.abc import Callable
from typing import Any, cast

from domain.complaint.investigation import InformationReceived, InformationRequested
from domain.complaint.referral import (
    ComplaintReferred,
    OutcomeReportedToBody,
    OutsideOutcomeRecorded,
)
from domain.complaint.resolution import ComplaintResolved
from domain.complaint.state import OURS, PRECEDENCE, ComplaintClosed
from domain.complaint.tasks import TaskCompleted, TaskDelegated

Waits = dict[str, str] | None
"""What is open, by id; None is nothing, as in a column."""

_BEGINS: dict[type[Any], Callable[[Any], tuple[Any, str]]] = {
    TaskDelegated: lambda event: (event.task_id, "task"),
    InformationRequested: lambda event: (event.request_id, event.asked),
    ComplaintReferred: lambda event: (event.referral_id, "external_body"),
}
_ENDS: dict[type[Any], Callable[[Any], Any]] = {
    TaskCompleted: lambda event: event.task_id,
    InformationReceived: lambda event: event.request_id,
    OutsideOutcomeRecorded: lambda event: event.referral_id,
    OutcomeReportedToBody: lambda event: event.referral_id,
}


def waits_after(waits: Waits, event: Any) -> Waits:
    """What is open after an event."""
    kind = type(event)
    if kind in _BEGINS:
        wait_id, on = _BEGINS[kind](event)
        return {**(waits or {}), str(wait_id): on}
    if not waits:
        return waits
    if kind in _ENDS:
        return _without(waits, lambda wait_id, on: wait_id == str(_ENDS[kind](event)))
    if kind is ComplaintResolved:
        return _without(waits, lambda _, on: on in ("customer", "supplier"))
    # merged, the open work is only suspended
    if kind is ComplaintClosed and event.reason != "duplicate":
        return _without(waits, lambda _, on: on in OURS)
    return waits


def waited_for(waits: Waits, stage: str | None) -> str:
    """What is waited for above all; a closed complaint waits for nothing."""
    if not waits or stage == "closed":
        return "none"
    open_now = set(waits.values())
    return next(cast(str, on) for on in PRECEDENCE if on in open_now)


def _without(waits: dict[str, str], is_over: Callable[[str, str], bool]) -> Waits:
    return {wait_id: on for wait_id, on in waits.items() if not is_over(wait_id, on)} or None
