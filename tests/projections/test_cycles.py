"""Cycles and stages: what began a cycle, how far it came, and how long a complaint stayed where."""

from datetime import datetime
from typing import Any

from domain.complaint.closure import ComplaintReopened
from domain.complaint.handling import AssignmentReturned, AssignmentSignedFor, ComplaintAssigned
from domain.complaint.intake import DetailAdded, FieldCorrected
from domain.complaint.merge import ComplaintUnmerged
from domain.complaint.resolution import (
    ComplaintResolved,
    ResolutionConfirmed,
    ResolutionDisputed,
)
from domain.complaint.state import ComplaintClosed
from domain.complaint.vocabulary import Facts
from domain.kernel import Recorded
from projections.cycle_rows import CycleRow, StayRow
from tests import world
from tests.projections.folding import after, folded, imported, told


def cycles(*events: Recorded[Any]) -> list[CycleRow]:
    return [row for row in folded("cycles", *events) if isinstance(row, CycleRow)]


def stays(*events: Recorded[Any]) -> list[StayRow]:
    return [row for row in folded("cycles", *events) if isinstance(row, StayRow)]


def stages(*events: Recorded[Any]) -> list[tuple[str, int]]:
    return [(stay.stage, stay.cycle) for stay in stays(*events)]


# --- cycles -----------------------------------------------------------------------------------


def test_a_complaint_that_is_received_begins_its_first_cycle() -> None:
    [cycle] = cycles(*world.registered())
    assert (cycle.cycle, cycle.started_by, cycle.started_at) == (1, "receipt", after(0))
    assert (cycle.holder_unit, cycle.holder_person) == ("hotline", None)
    assert (cycle.resolved_at, cycle.closed_at, cycle.source_system) == (None, None, "call-centre")


def test_a_verified_close_shows_who_resolved_and_how_the_customer_confirmed() -> None:
    [cycle] = cycles(*world.closed())
    assert (cycle.resolved_by, cycle.holder_unit, cycle.holder_person) == (
        world.HANDLER,
        world.UNIT,
        world.HANDLER,
    )
    assert (cycle.confirmed_by, cycle.confirmed_how) == ("customer", "callback")
    assert cycle.close_reason == "verified"
    times = [cycle.started_at, cycle.resolved_at, cycle.confirmed_at, cycle.closed_at]
    assert times == sorted(time for time in times if time is not None)


def test_a_dispute_ends_a_cycle_and_begins_the_next_with_whoever_holds_the_complaint() -> None:
    first, second = cycles(*world.disputed())
    assert (first.disputed_at, first.closed_at) == (second.started_at, None)
    assert (second.started_by, second.cycle) == ("dispute", 2)
    assert (second.holder_person, second.resolved_at) == (world.HANDLER, None)


def test_a_reopening_leaves_the_close_in_the_cycle_it_happened_in() -> None:
    first, second = cycles(*world.reopened())
    assert (first.close_reason, first.reopened_at) == ("verified", second.started_at)
    assert (second.started_by, second.close_reason) == ("reopening", None)


def test_a_confirmation_told_late_belongs_to_the_cycle_it_names() -> None:
    late = ResolutionConfirmed(cycle=1, by="representative", how="link")
    first, second = cycles(*world.disputed(), told(late, 5000, occurred=90))
    assert (first.confirmed_by, first.confirmed_at) == ("representative", after(90))
    assert first.is_late_recorded
    assert second.confirmed_at is None


def test_a_merge_that_is_undone_is_no_close() -> None:
    undone = told(
        ComplaintUnmerged(target_id=world.SURVIVOR_ID, stage="in_progress", reason_code="other"),
        500,
    )
    [merged] = cycles(*world.merged())
    assert merged.close_reason == "duplicate"
    [alone] = cycles(*world.merged(), undone)
    assert (alone.closed_at, alone.close_reason, alone.reopened_at) == (None, None, None)
    assert stages(*world.merged(), undone)[-2:] == [("closed", 1), ("in_progress", 1)]


def test_a_withdrawn_complaint_is_closed_without_a_resolution_by_whoever_held_it() -> None:
    [cycle] = cycles(*world.withdrawn())
    assert (cycle.close_reason, cycle.resolved_at) == ("withdrawn", None)
    assert (cycle.holder_unit, cycle.holder_person) == (world.UNIT, world.HANDLER)


def test_who_gets_a_complaint_after_its_resolution_is_not_who_held_it_then() -> None:
    taken = told(AssignmentSignedFor(unit_id="west", person_id="wu"), 900)
    first, second = cycles(*world.disputed(), taken)
    assert (first.holder_unit, first.holder_person) == (world.UNIT, world.HANDLER)
    assert (second.holder_unit, second.holder_person) == ("west", "wu")


def test_a_resolution_in_the_second_cycle_is_measured_from_the_dispute() -> None:
    _, second = cycles(*world.disputed(), told(ComplaintResolved(cycle=2), 1000))
    assert (second.resolved_at, second.started_by) == (after(1000), "dispute")
    third = cycles(
        *world.disputed(),
        told(ComplaintResolved(cycle=2), 1000),
        told(ResolutionDisputed(cycle=2), 1100),
    )[2]
    assert (third.cycle, third.started_at) == (3, after(1100))


# --- stages -----------------------------------------------------------------------------------


def test_a_complaint_worked_to_its_end_stays_in_every_stage_once() -> None:
    found = stays(*world.closed())
    assert [stay.stage for stay in found] == [
        "registered",
        "assessed",
        "accepted",
        "in_progress",
        "resolved",
        "closed",
    ]
    assert [stay.stay for stay in found] == [1, 2, 3, 4, 5, 6]
    assert [stay.left_at for stay in found[:-1]] == [stay.entered_at for stay in found[1:]]
    assert [stay.left_by for stay in found[:-1]] == [stay.entered_by for stay in found[1:]]
    assert (found[-1].left_at, found[-1].left_by) == (None, None)


def test_a_complaint_handed_back_stays_in_the_queue_of_the_unit_until_it_is_given_on() -> None:
    returned = told(AssignmentReturned(unit_id=world.UNIT, person_id="x", reason_code="full"), 90)
    again = told(ComplaintAssigned(unit_id="west", person_id="wu"), 100)
    *_, worked, queue, west = stays(*world.in_progress(), returned, again)
    assert (worked.stage, worked.holder_person) == ("in_progress", world.HANDLER)
    assert (queue.stage, queue.holder_unit, queue.holder_person) == ("accepted", world.UNIT, None)
    assert (west.holder_unit, west.holder_person) == ("west", "wu")


def test_a_complaint_given_on_within_a_stage_goes_on_staying_there_with_its_new_holder() -> None:
    on = told(ComplaintAssigned(unit_id="west"), 90)
    before, stay = stays(*world.in_progress(), on)[-2:]
    assert (before.stage, stay.stage) == ("accepted", "in_progress")
    assert (stay.holder_unit, stay.holder_person, stay.left_at) == ("west", None, None)


def test_the_unit_that_received_a_complaint_is_corrected_where_it_held_it_and_nowhere_else() -> (
    None
):
    corrected = told(
        FieldCorrected(
            field="received_unit",
            old=Facts(received_unit="hotline"),
            new=Facts(received_unit="front-desk"),
        ),
        90,
    )
    units = [stay.holder_unit for stay in stays(*world.in_progress(), corrected)]
    assert units == ["front-desk", "front-desk", world.UNIT, world.UNIT]
    [cycle] = cycles(*world.declined(), corrected)
    assert cycle.holder_unit == "front-desk"
    again = told(ComplaintReopened(cycle=2, reason_code="again"), 80)
    assert {row.holder_unit for row in cycles(*world.declined(), again, corrected)} == {
        "front-desk"
    }


def test_a_source_learned_later_is_that_of_every_cycle() -> None:
    learned = told(DetailAdded(details=Facts(source_system="crm")), 900)
    found = cycles(*world.disputed(), learned)
    assert {(row.source_system, row.ledger_position) for row in found} == {
        ("crm", len(world.disputed()) + 1)
    }


# --- times as they were told ------------------------------------------------------------------


def test_of_an_import_a_day_is_kept_as_a_day_and_an_unknown_time_as_unknown() -> None:
    day = datetime.fromisoformat("2015-04-06T00:00:00+08:00")
    events = [
        imported(world.registered()[0].event, day, "day"),
        imported(world.assessed()[1].event, day, "unknown"),
        imported(ComplaintClosed(reason="imported"), day, "unknown"),
    ]
    [cycle] = cycles(*events)
    vague = {"day": {"precision": "day", "on": "2015-04-06"}}
    vague["unknown"] = {"precision": "unknown", "on": "2015-04-06"}
    assert cycle.imprecise == {"started": vague["day"], "closed": vague["unknown"]}
    first, second, last = stays(*events)
    assert first.imprecise == {"entered": vague["day"], "left": vague["unknown"]}
    assert (second.imprecise or {}).keys() == {"entered", "left"}
    assert last.imprecise == {"entered": vague["unknown"]}
