"""What starts clocks, and what their rows say from then on."""

from collections.abc import Iterable, Iterator
from datetime import UTC
from typing import Any

from msgspec.structs import replace

from domain.kernel import Recorded
from domain.rules import ServiceLevel, Severity
from domain.time import clocks
from domain.time.clocks import Clock
from projections.progress import is_late_recorded
from projections.sla_rates import is_in_rates
from projections.sla_row import ClockRow, SlaComplaintRow, microseconds


def started(
    levels: Iterable[ServiceLevel], complaint: SlaComplaintRow, recorded: Recorded[Any]
) -> Iterator[tuple[ClockRow, Clock]]:
    """Clocks of the complaint's present cycle, with the targets of its severity.

    What they come to, and who is charged if they are missed, is not in their rows yet.
    """
    severity: Severity = complaint.severity  # type: ignore[assignment] # from the same type
    started_at = recorded.occurred_at.astimezone(UTC)
    _, unit, person = complaint.holders[-1]
    row = ClockRow(
        partition=recorded.partition,
        complaint_id=recorded.stream_id,
        clock="",  # each has its own
        cycle=complaint.cycle,
        ledger_position=recorded.position,
        source_system=complaint.source_system,
        recorded_at=recorded.recorded_at,
        is_late_recorded=is_late_recorded(recorded),
        started_at=started_at,
        severity=severity,
        is_provisional=complaint.is_provisional,
        is_in_rates=is_in_rates(complaint, None),
        is_breached_by_reclassification=False,
        disputed_later=False,
        holder_unit=str(unit),
        holder_person=None if person is None else str(person),
    )
    for level in levels:
        clock = clocks.start(
            level.targets,
            started_at,
            severity,
            is_provisional=complaint.is_provisional,
            pause=level.pause,
        )
        cap = None if level.pause is None else microseconds(clock.pause_cap)
        yield replace(row, clock=level.clock, pause_cap_microseconds=cap), clock
