"""The earlier receipt governs the clocks of a survivor: merging wins nobody any time."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.complaint.closure import ComplaintReopened
from domain.complaint.merge import MergeReceived, MergeReverted
from domain.complaint.resolution import ComplaintResolved
from domain.complaint.state import ComplaintClosed
from domain.kernel import Recorded
from tests import world
from tests.projections.folding import after, in_order, told
from tests.projections.histories import REGISTRY
from tests.projections.independent_sla import all_clocks
from tests.projections.sla_stories import REACHED, assessed, clocks, registered, resolve

DAY = 24 * 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND_ID = world.SURVIVOR_ID  # of a further duplicate


def taken_in(minutes: float, received: float, source_id: Any = world.DUPLICATE_ID) -> Recorded[Any]:
    """A duplicate is merged into the complaint that had been received at another time."""
    event = MergeReceived(source_id=source_id, source_received_at=after(received))
    return told(event, minutes, by=world.POLICY)


def given_back(minutes: float, source_id: Any = world.DUPLICATE_ID) -> Recorded[Any]:
    return told(MergeReverted(source_id=source_id), minutes, by=world.POLICY)


def test_clocks_that_still_run_start_from_the_earlier_receipt() -> None:
    rows = clocks(taken_in(5, received=-60))
    for clock in ("first_response", "assess", "resolve", "end_to_end"):
        assert rows[clock, 1].started_at == after(-60), clock
    assert rows["resolve", 1].due_at == after(DAY - 60)
    assert rows["first_response", 1].due_at == after(-45), "missed, however new the survivor is"


def test_a_duplicate_received_later_changes_nothing() -> None:
    assert clocks(taken_in(5, received=3))["resolve", 1].due_at == after(DAY)


def test_a_clock_that_was_stopped_keeps_its_figures() -> None:
    row = clocks(told(REACHED, 10), taken_in(12, received=-60))["first_response", 1]
    assert (row.started_at, row.verdict) == (after(0), "met")


def test_when_the_duplicate_stands_alone_again_its_receipt_governs_no_more() -> None:
    before = clocks(told(assessed("major"), 3))
    undone = clocks(told(assessed("major"), 3), taken_in(5, received=-60), given_back(9))
    for key in before:
        assert undone[key].started_at == before[key].started_at
        assert undone[key].due_at == before[key].due_at


def test_of_several_duplicates_the_earliest_governs() -> None:
    both = (taken_in(5, -60), taken_in(6, -90, SECOND_ID))
    assert resolve(*both).started_at == after(-90)
    assert resolve(*both, given_back(8, SECOND_ID)).started_at == after(-60)
    assert resolve(*both, given_back(8)).started_at == after(-90)


def test_a_severity_is_judged_as_if_the_earlier_receipt_had_been_its_own() -> None:
    for order in (
        (told(assessed("major"), 3), taken_in(5, -60)),
        (taken_in(2, -60), told(assessed("major"), 3)),
    ):
        assert resolve(*order).due_at == after(2 * DAY - 60)


def test_a_later_cycle_starts_with_its_own_beginning() -> None:
    story = (
        told(ComplaintResolved(cycle=1), 10),
        told(ComplaintClosed(reason="verified"), 20),
        told(ComplaintReopened(cycle=2, reason_code="back"), 30),
        taken_in(35, -60),
    )
    assert resolve(*story, cycle=2).started_at == after(30)
    assert resolve(*story, cycle=1).started_at == after(0)
    assert clocks(*story)["end_to_end", 1].started_at == after(-60)


@pytest.mark.parametrize("seed", range(40))
def test_the_clocks_of_survivors_are_as_worked_out_from_the_raw_events(seed: int) -> None:
    chance = random.Random(seed)
    sources = [world.DUPLICATE_ID, SECOND_ID]
    minutes, events = 0.0, []
    for _ in range(10):
        minutes += chance.choice([0.5, 4, 300, 1500])
        source = chance.choice(sources)
        events.append(
            chance.choice(
                [
                    taken_in(minutes, chance.choice([-3, -60, -DAY, 2]), source),
                    taken_in(minutes, chance.choice([-3, -60, -DAY, 2]), source),
                    given_back(minutes, source),
                    told(assessed(chance.choice(["general", "major", None])), minutes),
                    told(REACHED, minutes),
                    told(ComplaintResolved(cycle=1), minutes),
                ]
            )
        )
    story = in_order([registered(), *events])
    present = after(minutes) + timedelta(hours=chance.choice([0, 5, 50]))
    raw = []
    for item in story:
        event = REGISTRY.encode(item.event, item.metadata)
        raw.append((item.stream_id, event.type, item.recorded_at, event.data, event.metadata))
    expected = {
        tuple(name.split(":")[1:]): due for name, (_, due, *_) in all_clocks(raw, present).items()
    }
    found = {}
    for (clock, cycle), row in clocks(*events).items():
        if row.due_at is not None:
            found[clock, str(cycle)] = (row.due_at - _EPOCH) // timedelta(microseconds=1)
    assert found == expected
