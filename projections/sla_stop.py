"""What stops a clock, and what a stop fills in."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from domain.kernel import Recorded
from domain.time import clocks
from domain.time.clocks import Clock
from projections.progress import is_late_recorded
from projections.sla_row import ClockRow, Held, Key, holder_at, with_clock


class Stop(msgspec.Struct, frozen=True):
    """A stop as it was told and recorded; `is_close`: the complaint ended, nobody acted."""

    reason: str
    occurred_at: datetime
    recorded_at: datetime
    official_at: datetime
    is_late_recorded: bool
    is_close: bool


def stop_of(recorded: Recorded[Any], close_reason: str | None = None) -> Stop:
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


def stopped(
    row: ClockRow, clock: Clock, stop: Stop, holders: Sequence[Held], *, ledger_position: int
) -> ClockRow:
    """The row once its clock has stopped, the verdicts and who is charged included.

    What elapsed is told as it occurred; the due, as the official stop left it: what was paused
    beyond that moved nothing.
    """
    judge = clocks.verdict_at_close if stop.is_close else clocks.verdict
    official_at = stop.official_at.astimezone(UTC)  # in which all of it is worked out
    # it is one of the two others
    verdict = as_occurred = as_recorded = judge(clock, official_at)
    occurred = officially = clocks.stop(clock, official_at)
    if stop.official_at is not stop.occurred_at:
        as_occurred = judge(clock, stop.occurred_at)
        occurred = clocks.stop(clock, stop.occurred_at)
    if stop.official_at is not stop.recorded_at:
        as_recorded = judge(clock, stop.recorded_at)
    is_missed = verdict == "missed"
    unit, person = holder_at(holders, officially.breach_after if is_missed else official_at)
    return with_clock(
        row,
        occurred,
        due=officially,
        ledger_position=ledger_position,
        stop_reason=stop.reason,
        stop_recorded_at=stop.recorded_at,
        verdict_as_occurred=as_occurred,
        verdict_as_recorded=as_recorded,
        verdict=verdict,
        is_breached_by_reclassification=is_missed
        and clocks.is_breached_by_reclassification(clock, official_at),
        is_late_recorded=row.is_late_recorded or stop.is_late_recorded,
        holder_unit=unit,
        holder_person=person,
    )


# --- stops that only count if a merge is undone ---------------------------------------------


def as_text(key: Key) -> str:
    """Which clock it is, within its complaint."""
    name, cycle = key
    return f"{name}:{cycle}"


def stop_as_text(stop: Stop) -> str:
    """A stop as it is kept in a row."""
    return msgspec.json.encode(stop).decode()


def stop_from_text(text: str) -> Stop:
    """A stop as it was kept in a row."""
    return msgspec.json.decode(text, type=Stop)
