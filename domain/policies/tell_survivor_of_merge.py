"""The survivor of a merge is told of it, and of its undoing, with the receipt of the duplicate, or
the first receipt of all that had been merged into that one by then: the earlier receipt governs
the survivor's clocks.

A survivor that was itself merged or closed meanwhile is told all the same: it is a fact about it.
"""

from collections.abc import Generator
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.complaint import COMPLAINT
from domain.complaint.intake import ComplaintRegistered
from domain.complaint.merge import (
    ComplaintMerged,
    ComplaintUnmerged,
    RecordMergeReceived,
    RecordMergeReverted,
)
from domain.kernel import Recorded
from domain.policies.policy import Histories, History, Known, Order, Policy, Reaction, Streams
from domain.rules import Rules


def react(trigger: Recorded[Any], rules: Rules) -> Reaction:
    """Tell the complaint that the merge names."""
    source_id, target_id = trigger.stream_id, trigger.event.target_id
    match trigger.event:
        case ComplaintMerged():
            received_at = yield from _first_receipt(source_id)
            told: Any = RecordMergeReceived(source_id=source_id, source_received_at=received_at)
        case ComplaintUnmerged():
            told = RecordMergeReverted(source_id=source_id)
    return [Order(decider=COMPLAINT, stream_id=target_id, command=told)]


def _first_receipt(complaint_id: UUID) -> Generator[Streams | Known, Histories, datetime | None]:
    """When the first of a complaint and all that were merged into it was received, in turn."""
    newest: Histories = yield Streams((complaint_id,))
    told: dict[UUID, History] = {}
    while newest:
        told |= {history[0].stream_id: history for history in newest}
        survivors = {str(history[0].stream_id) for history in newest}
        found = yield Known(kind="duplicate", values=tuple(sorted(survivors)))
        newest = [
            history
            for history in found
            if history[0].stream_id not in told and _merged_into(history) in survivors
        ]
    # an import has no clocks, so that its receipt governs none
    own = [history[0].occurred_at for history in told.values() if not history[0].is_imported]
    return min(own, default=None)


def _merged_into(history: History) -> str | None:
    """Whom a complaint is merged into."""
    last = history[-1].event
    return str(last.target_id) if isinstance(last, ComplaintMerged) else None


TELL_SURVIVOR_OF_MERGE = Policy(
    name="tell_survivor_of_merge",
    triggers=frozenset({ComplaintMerged, ComplaintUnmerged}),
    reads=frozenset({ComplaintRegistered, ComplaintMerged, ComplaintUnmerged}),
    react=react,
)
