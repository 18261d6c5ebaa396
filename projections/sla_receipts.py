"""The earlier receipt governs: the clocks of a survivor run from the first receipt of all that were
merged into it, as long as they are."""

from typing import Any

from msgspec.structs import replace

from domain.complaint.merge import MergeReceived, MergeReverted
from domain.time.clocks import Clock
from projections.sla_row import Key, instant, since_epoch

Receipts = dict[str, int] | None
"""When those that were merged into a complaint had been received, in microseconds."""

FROM_RECEIPT = ("first_response", "assess", "resolve", "end_to_end")
"""The clocks that start with the receipt, in the first cycle."""


def receipts_after(receipts: Receipts, event: Any) -> Receipts:
    """The receipts that count after an event; the same object where it changes none."""
    match event:
        case MergeReceived(source_id=source_id, source_received_at=at) if at is not None:
            return {**(receipts or {}), str(source_id): since_epoch(at)}
        case MergeReverted(source_id=source_id) if receipts and str(source_id) in receipts:
            rest = {source: at for source, at in receipts.items() if source != str(source_id)}
            return rest or None
    return receipts


def governed(key: Key, clock: Clock, receipts: Receipts) -> Clock:
    """A running clock from the first receipt on, where it is one that starts with it."""
    name, cycle = key
    if name not in FROM_RECEIPT or cycle > 1:
        return clock
    own = clock.grades[0].named_at  # at its own receipt the first grade was given
    return replace(clock, started_at=min([own, *map(instant, (receipts or {}).values())]))
