"""What makes a clock stand still: an open request to the customer, or somebody who paused it."""

from typing import Any

from domain.complaint.investigation import InformationReceived, InformationRequested
from domain.complaint.pausing import ClockPaused, ClockResumed
from domain.complaint.resolution import ComplaintResolved
from domain.complaint.state import ComplaintClosed
from domain.kernel import Recorded
from projections.sla_row import Told, since_epoch

Pauses = list[Told] | None
"""By what a clock was paused (a request's id or `BY_HAND`), since when, until when."""

BY_HAND = "by_hand"


def pauses_after(pauses: Pauses, clock: str, recorded: Recorded[Any]) -> Pauses:
    """The pauses of a clock after an event; the same object where it changes none."""
    match recorded.event:
        case InformationRequested(asked="customer", request_id=request_id):
            return [*(pauses or []), [str(request_id), since_epoch(recorded.occurred_at), None]]
        case ClockPaused(clock=paused) if paused == clock:
            return [*(pauses or []), [BY_HAND, since_epoch(recorded.occurred_at), None]]
    return _after(pauses, clock, recorded) if pauses else pauses


def _after(pauses: list[Told], clock: str, recorded: Recorded[Any]) -> list[Told]:
    at = since_epoch(recorded.occurred_at)
    match recorded.event:
        case InformationReceived(request_id=request_id):
            return [
                _answered(pause, at) if pause[0] == str(request_id) else pause for pause in pauses
            ]
        case ClockResumed(clock=resumed) if resumed == clock:
            return [_ended(pause, at) if pause[0] == BY_HAND else pause for pause in pauses]
        # nobody is asked any more; merged, the requests are only suspended
        case ComplaintResolved():
            return [_ended(pause, at) if pause[0] != BY_HAND else pause for pause in pauses]
        case ComplaintClosed(reason=reason) if reason != "duplicate":
            return [_ended(pause, at) for pause in pauses]
    return pauses


def _ended(pause: Told, at: int) -> Told:
    by, began, ended = pause
    return [by, began, at if ended is None else ended]


def _answered(pause: Told, at: int) -> Told:
    """Of several answers the first counts, however late it is told."""
    by, began, ended = pause
    return [by, began, at if ended is None else min(int(ended), at)]
