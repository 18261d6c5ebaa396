"""The timeline: an entry for every event, with what it moved and who answers for it."""

from typing import Any

from domain.complaint.closure import ComplaintReopened
from domain.complaint.handling import AssignmentReturned
from domain.complaint.supervision import ComplaintEscalated, HandlerReminded
from domain.complaint.tasks import TaskDelegated
from domain.kernel import Recorded
from projections.timeline import TimelineEndRow, TimelineRow
from tests import world
from tests.projections.folding import ANN, SHOP, after, folded, told


def timeline(*events: Recorded[Any]) -> list[TimelineRow]:
    return [row for row in folded("timeline", *events) if isinstance(row, TimelineRow)]


def test_every_event_has_its_entry_with_the_stage_before_and_after() -> None:
    entries = timeline(*world.closed())
    moves = [
        (entry.type, entry.stage_before, entry.stage_after)
        for entry in entries
        if entry.stage_before != entry.stage_after
    ]
    assert moves == [
        ("ComplaintRegistered", None, "registered"),
        ("ComplaintAssessed", "registered", "assessed"),
        ("ComplaintAccepted", "assessed", "accepted"),
        ("ComplaintAssigned", "accepted", "in_progress"),
        ("ComplaintResolved", "in_progress", "resolved"),
        ("ComplaintClosed", "resolved", "closed"),
    ]
    assert [entry.version for entry in entries] == list(range(1, len(entries) + 1))
    assert {entry.cycle for entry in entries} == {1}


def test_a_reopened_complaint_goes_back_to_where_it_had_come() -> None:
    again = told(ComplaintReopened(cycle=2, reason_code="again"), 5000)
    assert timeline(*world.closed(), again)[-1].stage_after == "in_progress"
    assert timeline(*world.declined(), again)[-1].stage_after == "assessed"
    last = timeline(*world.declined(world.registered()), again)[-1]
    assert (last.stage_after, last.cycle) == ("registered", 2)


def test_an_entry_names_who_acts_for_whom_when_and_why() -> None:
    [_, entry] = timeline(
        world.registered()[0],
        told(
            AssignmentReturned(unit_id="west", person_id="wu", reason_code="full"),
            30,
            by=SHOP,
            occurred=10,
            source="provider",
            on_behalf_of="wu",
        ),
    )
    assert (entry.actor_id, entry.actor_kind, entry.actor_role) == ("shop", "system", "integrator")
    assert (entry.answered_by, entry.reason_code) == ("wu", "full")
    assert (entry.to_unit, entry.to_person) == ("west", None)
    assert (entry.occurred_at, entry.recorded_at) == (after(10), after(30))
    assert (entry.occurred_at_source, entry.occurred_at_precision) == ("provider", "instant")


def test_only_who_has_the_complaint_from_then_on_is_named_as_having_it() -> None:
    helped = [
        ComplaintEscalated(unit_id="board", person_id="director", reason_code="stuck"),
        HandlerReminded(about="resolve", unit_id="west", person_id="wu"),
        TaskDelegated(task_id=world.TASK_ID, kind="inspection", unit_id="workshop"),
    ]
    entries = timeline(
        world.registered()[0], *(told(event, 9 + n) for n, event in enumerate(helped))
    )
    assert {(entry.to_unit, entry.to_person) for entry in entries} == {(None, None)}
    assert entries[1].reason_code == "stuck"


def test_the_unit_of_an_entry_is_where_the_actor_works_and_the_reason_may_be_the_commands() -> None:
    [entry] = timeline(told(world.registered()[0].event, 0, by=ANN, reason="walk-in"))
    assert (entry.unit_id, entry.to_unit, entry.reason_code) == ("hotline", None, "walk-in")


def test_what_the_next_entry_starts_from_is_one_row_a_complaint() -> None:
    [end] = [
        row for row in folded("timeline", *world.resolved()) if isinstance(row, TimelineEndRow)
    ]
    assert (end.stage, end.cycle, end.is_assessed, end.is_accepted) == ("resolved", 1, True, True)
