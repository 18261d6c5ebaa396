"""What several views read in the same way: stage and cycle, and how a time was told."""

from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from domain.complaint.assessment import ComplaintAccepted, ComplaintAssessed
from domain.complaint.closure import ComplaintReopened
from domain.complaint.decision import FinalPositionDeclared
from domain.complaint.handling import AssignmentReturned, AssignmentSignedFor, ComplaintAssigned
from domain.complaint.intake import ComplaintRegistered
from domain.complaint.merge import ComplaintUnmerged
from domain.complaint.resolution import ComplaintResolved, ResolutionDisputed
from domain.complaint.state import ComplaintClosed
from domain.kernel import Recorded

LATE = timedelta(seconds=60)
"""A fact recorded longer than this after it occurred was recorded late."""

_STAGES: dict[type[Any], str] = {
    ComplaintRegistered: "registered",
    ComplaintAccepted: "accepted",
    ComplaintAssigned: "in_progress",
    AssignmentSignedFor: "in_progress",
    AssignmentReturned: "accepted",
    ComplaintResolved: "resolved",
    FinalPositionDeclared: "final_position",
    ResolutionDisputed: "in_progress",
    ComplaintClosed: "closed",
}
_MOVES = frozenset({*_STAGES, ComplaintAssessed, ComplaintReopened, ComplaintUnmerged})
"""The events that may move a complaint on or back; most do not."""


class Progress(msgspec.Struct, frozen=True):
    """How far a complaint has come."""

    stage: str | None = None
    cycle: int = 1
    is_assessed: bool = False
    is_accepted: bool = False

    def after(self, event: Any) -> "Progress":
        """How far it has come after an event; the same object where the event moves nothing."""
        if type(event) not in _MOVES:
            return self
        stage, cycle = _STAGES.get(type(event), self.stage), self.cycle
        match event:
            case ComplaintAssessed():
                stage = "assessed" if stage == "registered" else stage
            case ResolutionDisputed():
                cycle += 1
            case ComplaintReopened():
                back = "assessed" if self.is_assessed else "registered"
                stage, cycle = ("in_progress" if self.is_accepted else back), event.cycle
            case ComplaintUnmerged(stage=before):
                stage = before
            case _ if stage == self.stage:
                return self
        return Progress(
            stage,
            cycle,
            self.is_assessed or isinstance(event, ComplaintAssessed),
            self.is_accepted or isinstance(event, ComplaintAccepted),
        )


def is_late_recorded(recorded: Recorded[Any]) -> bool:
    """Whether an event was recorded more than a minute after it occurred as told."""
    told = recorded.metadata.occurred_at
    return told is not None and recorded.recorded_at - told > LATE


def told_on(recorded: Recorded[Any]) -> date | None:
    """The local date on which an event occurred, as told; None where no time was told."""
    told: datetime | None = recorded.metadata.occurred_at
    return None if told is None else told.date()


def is_exact(recorded: Recorded[Any]) -> bool:
    """Whether the time told names an instant or a minute, so that an hour can be read off it."""
    return recorded.metadata.occurred_at_precision in ("instant", "minute")


# --- times in rows ----------------------------------------------------------------------------

Imprecise = dict[str, dict[str, str]] | None
"""The times of a row whose time of day nobody told: name to {precision, on}; None is none."""


def told_at(imprecise: Imprecise, name: str, recorded: Recorded[Any]) -> dict[str, Any]:
    """The columns of a time of a row; a time of day that nobody told is marked as such."""
    if not imprecise and is_exact(recorded):
        return {f"{name}_at": recorded.occurred_at, "imprecise": None}
    marked = {other: told for other, told in (imprecise or {}).items() if other != name}
    if not is_exact(recorded) and (on := told_on(recorded)) is not None:
        precision = recorded.metadata.occurred_at_precision
        marked[name] = {"precision": precision, "on": on.isoformat()}
    return {f"{name}_at": recorded.occurred_at, "imprecise": marked or None}


def without(imprecise: Imprecise, *names: str) -> dict[str, Any]:
    """The columns of times of a row that did not happen after all."""
    marked = {name: told for name, told in (imprecise or {}).items() if name not in names}
    return {**{f"{name}_at": None for name in names}, "imprecise": marked or None}
