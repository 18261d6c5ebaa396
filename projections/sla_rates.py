"""Which clocks count in rates, and whose answer stops one."""

from typing import Any

from domain.kernel import Recorded
from projections.sla_row import SlaComplaintRow

OUT_OF_RATES = frozenset({"withdrawn", "declined", "duplicate"})
"""Complaints closed for these reasons are in no rate."""

MERGED = "merged"
STOPPED_BY = {"withdrawn": "withdrawn", "declined": "declined", "duplicate": MERGED}
"""What stopped a clock that still ran at such a close; any other close is `closed`."""


def is_in_rates(complaint: SlaComplaintRow, verdict: str | None) -> bool:
    """Merging hides no miss: what a duplicate had missed by then stays in the rates."""
    is_kept = complaint.close_reason == "duplicate" and verdict == "missed"
    is_out = complaint.close_reason in OUT_OF_RATES and not is_kept
    return complaint.nature == "complaint" and not is_out


def is_by_person(recorded: Recorded[Any]) -> bool:
    """Whether a person did it, themselves or through a system that names them."""
    metadata = recorded.metadata
    return metadata.actor.kind == "person" or (
        metadata.actor.kind == "system" and metadata.on_behalf_of is not None
    )
