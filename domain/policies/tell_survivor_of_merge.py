"""The survivor of a merge is told of it, and of its undoing, with the receipt of the duplicate:
the earlier receipt governs the survivor's clocks.

A survivor that was itself merged or closed meanwhile is told all the same: it is a fact about it.
"""

from typing import Any

from domain.complaint import COMPLAINT
from domain.complaint.intake import ComplaintRegistered
from domain.complaint.merge import (
    ComplaintMerged,
    ComplaintUnmerged,
    RecordMergeReceived,
    RecordMergeReverted,
)
from domain.kernel import Recorded
from domain.policies.policy import Order, Policy, Reaction, Streams
from domain.rules import Rules


def react(trigger: Recorded[Any], rules: Rules) -> Reaction:
    """Tell the complaint that the merge names."""
    source_id, target_id = trigger.stream_id, trigger.event.target_id
    match trigger.event:
        case ComplaintMerged():
            [[registration, *_]] = yield Streams((source_id,))
            # an import has no clocks, so that its receipt governs none
            received_at = None if registration.is_imported else registration.occurred_at
            told: Any = RecordMergeReceived(source_id=source_id, source_received_at=received_at)
        case ComplaintUnmerged():
            told = RecordMergeReverted(source_id=source_id)
    return [Order(decider=COMPLAINT, stream_id=target_id, command=told)]


TELL_SURVIVOR_OF_MERGE = Policy(
    name="tell_survivor_of_merge",
    triggers=frozenset({ComplaintMerged, ComplaintUnmerged}),
    reads=frozenset({ComplaintRegistered}),
    react=react,
)
