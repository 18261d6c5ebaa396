"""What starts a clock, and what its row says from then on."""

from typing import Any

from domain.kernel import Recorded
from domain.rules import ServiceLevel, Severity
from domain.time import clocks
from domain.time.clocks import Clock
from projections.progress import is_late_recorded
from projections.sla_rates import is_in_rates
from projections.sla_row import ClockRow, SlaComplaintRow, holder_at, microseconds


def started(
    level: ServiceLevel, complaint: SlaComplaintRow, recorded: Recorded[Any]
) -> tuple[ClockRow, Clock]:
    """A clock of the complaint's present cycle, with the target of its severity.

    What the clock comes to is not in its row yet.
    """
    severity: Severity = complaint.severity  # type: ignore[assignment] # from the same type
    clock = clocks.start(
        level.targets,
        recorded.occurred_at,
        severity,
        is_provisional=complaint.is_provisional,
        pause=level.pause,
    )
    unit, person = holder_at(complaint.holders, clock.breach_after)
    row = ClockRow(
        partition=recorded.partition,
        complaint_id=recorded.stream_id,
        clock=level.clock,
        cycle=complaint.cycle,
        ledger_position=recorded.position,
        source_system=complaint.source_system,
        recorded_at=recorded.recorded_at,
        is_late_recorded=is_late_recorded(recorded),
        started_at=clock.started_at,
        severity=severity,
        is_provisional=clock.is_provisional,
        is_in_rates=is_in_rates(complaint, None),
        is_breached_by_reclassification=False,
        disputed_later=False,
        holder_unit=unit,
        holder_person=person,
        pause_cap_microseconds=None if level.pause is None else microseconds(clock.pause_cap),
    )
    return row, clock
