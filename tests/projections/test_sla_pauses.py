"""While the customer is waited for the clock resolve stands still, a day at most in each cycle."""

from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from msgspec.structs import replace

from domain.complaint.assessment import ComplaintAccepted
from domain.complaint.handling import ComplaintAssigned
from domain.complaint.investigation import InformationReceived, InformationRequested
from domain.complaint.merge import ComplaintMerged, ComplaintUnmerged
from domain.complaint.pausing import ClockPaused, ClockResumed
from domain.complaint.resolution import ComplaintResolved, ResolutionDisputed
from domain.complaint.state import ComplaintClosed
from domain.kernel import Recorded
from projections import all_views
from projections.engine import Runner
from projections.sla_row import ClockRow
from tests import world
from tests.conftest import Database
from tests.projections.folding import after, in_order, told
from tests.projections.histories import REGISTRY, SECRET, store
from tests.projections.sla_stories import MINUTE, assessed, clocks, registered, resolve

HOUR, DAY = 60, 24 * 60
OTHER_REQUEST = UUID("01957a6e-0000-7000-8000-0000000000bb")


def asked(minutes: float, request_id: UUID = world.REQUEST_ID, **how: Any) -> Recorded[Any]:
    event = InformationRequested(request_id=request_id, asked="customer", what="发票")
    return told(event, minutes, **how)


def answered(minutes: float, request_id: UUID = world.REQUEST_ID, **how: Any) -> Recorded[Any]:
    return told(InformationReceived(request_id=request_id), minutes, **how)


def paused(minutes: float, **how: Any) -> Recorded[Any]:
    return told(ClockPaused(clock="resolve", reason_code="waiting_on_customer"), minutes, **how)


def resumed(minutes: float, **how: Any) -> Recorded[Any]:
    return told(ClockResumed(clock="resolve"), minutes, **how)


def resolved(minutes: float, cycle: int = 1, **how: Any) -> Recorded[Any]:
    return told(ComplaintResolved(cycle=cycle), minutes, **how)


def times(row: ClockRow) -> tuple[int | None, int | None]:
    """Minutes elapsed and paused."""
    elapsed = None if row.elapsed_microseconds is None else row.elapsed_microseconds // MINUTE
    stood = None if row.paused_microseconds is None else row.paused_microseconds // MINUTE
    return elapsed, stood


# --- what pauses ----------------------------------------------------------------------------


def test_a_request_to_the_customer_pauses_resolving_until_it_is_answered() -> None:
    waiting = resolve(asked(10 * HOUR))
    assert (waiting.paused_since, waiting.due_at) == (after(10 * HOUR), after(DAY))
    again = resolve(asked(10 * HOUR), answered(13 * HOUR))
    assert (again.paused_since, again.due_at) == (None, after(DAY + 3 * HOUR))
    done = resolve(asked(10 * HOUR), answered(13 * HOUR), resolved(DAY + 2 * HOUR))
    assert (done.verdict, *times(done)) == ("met", 23 * HOUR, 3 * HOUR)


def test_a_clock_paused_by_hand_stands_still_until_it_is_resumed() -> None:
    row = resolve(paused(HOUR), resumed(3 * HOUR), paused(5 * HOUR), resumed(6 * HOUR))
    assert (row.due_at, times(row)) == (after(DAY + 3 * HOUR), (None, 3 * HOUR))


def test_no_other_clock_is_ever_paused() -> None:
    rows = clocks(asked(5), paused(6))
    del rows["resolve", 1]
    assert all(row.paused_since is None and row.pauses is None for row in rows.values())
    assert {row.paused_microseconds for row in rows.values()} == {None}


def test_waiting_for_a_supplier_is_our_own_time() -> None:
    event = InformationRequested(request_id=world.REQUEST_ID, asked="supplier", what="记录")
    assert resolve(told(event, 60), answered(200)).due_at == after(DAY)


def test_waiting_in_two_ways_at_once_counts_once() -> None:
    row = resolve(
        *(asked(60), paused(90), asked(100, OTHER_REQUEST)),
        *(answered(120), resumed(150), answered(180, OTHER_REQUEST)),
    )
    assert (times(row), row.due_at) == ((None, 120), after(DAY + 120))


def test_of_several_answers_the_first_ends_the_wait_however_late_it_is_told() -> None:
    assert times(resolve(asked(60), answered(120), answered(300))) == (None, 60)
    assert times(resolve(asked(60), answered(120), answered(300, occurred=90))) == (None, 30)


def test_an_answer_recorded_late_ends_the_pause_when_it_was_given() -> None:
    late = resolve(asked(60), answered(5 * HOUR, occurred=2 * HOUR))
    assert late.due_at == after(DAY + HOUR)


# --- the cap, the stop, the cycle -----------------------------------------------------------


def test_beyond_a_day_the_clock_runs_on_although_it_is_paused() -> None:
    story = [asked(HOUR), answered(4 * DAY)]
    assert resolve(*story).due_at == after(2 * DAY)
    assert times(resolve(*story)) == (None, DAY)
    assert resolve(asked(HOUR), resolved(2 * DAY)).verdict == "met"
    missed = resolve(asked(HOUR), resolved(2 * DAY + 1))
    assert (missed.verdict, *times(missed)) == ("missed", DAY + 1, DAY)


def test_a_pause_that_runs_at_the_resolution_ends_there() -> None:
    row = resolve(paused(HOUR), resolved(5 * HOUR))
    assert (times(row), row.paused_since) == ((HOUR, 4 * HOUR), None)
    assert resolve(paused(HOUR), resolved(5 * HOUR), resumed(9 * HOUR)) == row


def test_every_cycle_has_its_own_pauses_and_its_own_cap() -> None:
    story = [
        *(asked(HOUR), resolved(2 * DAY)),
        told(ResolutionDisputed(cycle=1), 3 * DAY),
        *(paused(3 * DAY + HOUR), resolved(5 * DAY, cycle=2)),
    ]
    assert times(resolve(*story)) == (DAY, DAY)
    assert times(resolve(*story, cycle=2)) == (DAY, DAY)
    assert resolve(*story[:3], cycle=2).due_at == after(4 * DAY)
    assert resolve(*story, cycle=2).verdict == "met"


def test_a_resolution_recorded_late_is_paused_as_long_as_each_of_its_two_times_says() -> None:
    story = [asked(HOUR), resolved(26 * HOUR, occurred=2 * HOUR, source="provider")]
    row = resolve(*story)
    assert (row.verdict_as_occurred, row.verdict_as_recorded) == ("met", "met")
    assert (times(row), row.due_at) == ((HOUR, HOUR), after(DAY + HOUR))


def test_a_regrade_keeps_the_pauses_earned() -> None:
    story = [told(assessed("important"), 1), paused(HOUR), resumed(3 * HOUR)]
    row = resolve(*story, told(assessed("general"), 4 * HOUR))
    assert (row.due_at, row.target_microseconds) == (after(28 * HOUR), 26 * HOUR * MINUTE)
    assert times(row) == (None, 2 * HOUR)


# --- who is charged, merges -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("handed_over", "unit"), [(25 * HOUR, "west"), (27 * HOUR, "east")], ids=["before", "after"]
)
def test_a_miss_is_charged_to_who_held_the_complaint_at_the_moved_breach(
    handed_over: int, unit: str
) -> None:
    story = [
        told(ComplaintAccepted(unit_id="east"), 5),
        *(paused(HOUR), resumed(3 * HOUR)),
        told(ComplaintAssigned(unit_id="west"), handed_over),
    ]
    assert resolve(*story).holder_unit == unit
    assert resolve(*story, resolved(30 * HOUR)).holder_unit == unit


def test_whoever_holds_a_paused_complaint_when_its_cap_is_used_up_is_charged() -> None:
    story = [
        told(ComplaintAccepted(unit_id="east"), 5),
        paused(HOUR),
        told(ComplaintAssigned(unit_id="west"), 40 * HOUR),
    ]
    assert resolve(*story).holder_unit == "west"
    assert resolve(*story, resolved(3 * DAY)).holder_unit == "west"


MERGED = (
    ComplaintMerged(target_id=world.SURVIVOR_ID, reason_code="same"),
    ComplaintClosed(reason="duplicate"),
)
UNMERGED = ComplaintUnmerged(target_id=world.SURVIVOR_ID, stage="in_progress", reason_code="other")


@pytest.mark.parametrize("onward", [[], [answered(9 * HOUR), resolved(30 * HOUR)]])
@pytest.mark.parametrize("meanwhile", [[], [answered(6 * HOUR, occurred=150)]], ids=["", "late"])
def test_a_merge_undone_leaves_the_pauses_as_they_would_have_run(
    meanwhile: list[Recorded[Any]], onward: list[Recorded[Any]]
) -> None:
    story = [asked(HOUR), paused(2 * HOUR), resumed(150)]
    merged = [*(told(event, 3 * HOUR) for event in MERGED), *meanwhile, told(UNMERGED, 8 * HOUR)]
    never = resolve(*story, *meanwhile, *onward)
    row = resolve(*story, *merged, *onward)
    assert row == replace(never, ledger_position=row.ledger_position)


def test_a_merge_stops_a_paused_clock_and_hides_no_miss() -> None:
    in_time = resolve(asked(HOUR), *(told(event, 30 * HOUR) for event in MERGED))
    assert (in_time.verdict, in_time.stop_reason, in_time.is_in_rates) == (
        "cancelled",
        "merged",
        False,
    )
    late = resolve(asked(HOUR), *(told(event, 49 * HOUR) for event in MERGED))
    assert (late.verdict, late.is_in_rates) == ("missed", True)


# --- what bi makes of it --------------------------------------------------------------------


def shown(database: Database, present: datetime) -> Any:
    with psycopg.connect(database.uri("closedloop_bi")) as connection:
        connection.execute(
            "SELECT set_config('closedloop.present', %s, false)", (present.isoformat(),)
        )
        return connection.execute(
            "SELECT verdict, is_paused, paused_minutes, elapsed_minutes, late_minutes, due_at,"
            " overdue_count, open_count"
            " FROM bi.sla_clocks JOIN bi.sla_attainment AS a USING (clock, severity)"
            " WHERE clock = 'resolve'"
        ).fetchone()


def test_a_paused_clock_moves_its_due_with_the_present_until_its_cap_is_used_up(
    fresh_database: Database,
) -> None:
    history = in_order([registered(), paused(HOUR), resumed(3 * HOUR), asked(10 * HOUR)])
    store(fresh_database.owner, history)
    Runner(fresh_database.app, None, REGISTRY, all_views(SECRET)).catch_up()
    expected = {
        9 * HOUR: ("open", 2 * HOUR, 7 * HOUR, None, 26 * HOUR),
        11 * HOUR: ("open", 3 * HOUR, 8 * HOUR, None, 27 * HOUR),
        32 * HOUR: ("open", 24 * HOUR, 8 * HOUR, None, 48 * HOUR),
        48 * HOUR: ("open", 24 * HOUR, 24 * HOUR, None, 48 * HOUR),
        49 * HOUR: ("overdue", 24 * HOUR, 25 * HOUR, HOUR, 48 * HOUR),
    }
    for minutes, (verdict, stood, elapsed, late, due) in expected.items():
        is_overdue = int(verdict == "overdue")
        assert shown(fresh_database, after(minutes)) == (
            *(verdict, True, stood, elapsed, late, after(due)),
            *(is_overdue, 1 - is_overdue),
        ), minutes
