"""What stops a clock, and what a stop fills in."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from domain.kernel import Recorded
from domain.time import clocks
from domain.time.clocks import Clock
from projections.progress import is_late_recorded
from projections.sla_row import (
    STOP_COLUMNS,
    ClockRow,
    Held,
    clock_of,
    holder_at,
    microseconds,
    with_clock,
)


class Stop(msgspec.Struct, frozen=True):
    """A stop as it was told and recorded; `is_close`: the complaint ended, nobody acted."""

    reason: str
    occurred_at: datetime
    recorded_at: datetime
    official_at: datetime
    is_late_recorded: bool
    is_close: bool


def stop_of(recorded: Recorded[Any], close_reason: str | None) -> Stop:
    """The stop that an event is, by itself or because it ended the complaint."""
    is_trusted = recorded.metadata.occurred_at_source in ("system", "provider")
    return Stop(
        reason=close_reason or type(recorded.event).__name__,
        occurred_at=recorded.occurred_at,
        recorded_at=recorded.recorded_at,
        official_at=recorded.occurred_at if is_trusted else recorded.recorded_at,
        is_late_recorded=is_late_recorded(recorded),
        is_close=close_reason is not None,
    )


def stopped(row: ClockRow, stop: Stop, holders: list[Held]) -> ClockRow:
    """The row once its clock has stopped, the verdicts and who is charged included.

    What elapsed is told as it occurred; the due, as the official stop left it: what was paused
    beyond that moved nothing.
    """
    clock = clock_of(row)
    judge = clocks.verdict_at_close if stop.is_close else clocks.verdict
    # it is one of the two others
    verdict = as_occurred = as_recorded = judge(clock, stop.official_at)
    if stop.official_at is not stop.occurred_at:
        as_occurred = judge(clock, stop.occurred_at)
    if stop.official_at is not stop.recorded_at:
        as_recorded = judge(clock, stop.recorded_at)
    is_missed = verdict == "missed"
    occurred = officially = _at_stop(row, clock, stop.official_at)
    if stop.official_at is not stop.occurred_at:
        occurred = _at_stop(row, clock, stop.occurred_at)
    charged_at = officially.breach_after if is_missed else stop.official_at
    unit, person = holder_at(holders, charged_at)
    return replace(
        occurred,
        due_at=officially.due_at,
        breach_after=officially.breach_after,
        latest_due_at=officially.latest_due_at,
        stop_reason=stop.reason,
        stop_recorded_at=stop.recorded_at,
        verdict_as_occurred=as_occurred,
        verdict_as_recorded=as_recorded,
        verdict=verdict,
        is_breached_by_reclassification=is_missed
        and clocks.is_breached_by_reclassification(clock, stop.official_at),
        is_late_recorded=row.is_late_recorded or stop.is_late_recorded,
        holder_unit=unit,
        holder_person=person,
    )


def _at_stop(row: ClockRow, clock: Clock, at: datetime) -> ClockRow:
    """The row with its clock stopped; where it never stood still, the stop moves no due."""
    done = clocks.stop(clock, at)
    if row.pauses:
        return with_clock(row, done)
    elapsed = microseconds(done.elapsed)
    return replace(row, stopped_at=done.stopped_at, elapsed_microseconds=elapsed)


def running_on(row: ClockRow) -> ClockRow:
    """The row as if its clock had never been stopped."""
    undone = replace(row, is_breached_by_reclassification=False, **dict.fromkeys(STOP_COLUMNS))
    return with_clock(undone, clock_of(undone))


# --- stops that only count if a merge is undone ---------------------------------------------


def key_of(row: ClockRow) -> str:
    """The clock within its complaint."""
    return f"{row.clock}:{row.cycle}"


def stop_as_text(stop: Stop) -> str:
    """A stop as it is kept in a row."""
    return msgspec.json.encode(stop).decode()


def stop_from_text(text: str) -> Stop:
    """A stop as it was kept in a row."""
    return msgspec.json.decode(text, type=Stop)
