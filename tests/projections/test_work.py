"""What is done about complaints: who was given them, tasks, remedies, contacts and chasers."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from domain.complaint.approval import RemedyApproved, RemedyDeclined, RemedyRejected
from domain.complaint.closure import ComplaintReopened
from domain.complaint.contact import ContactRecorded, CustomerChased
from domain.complaint.handling import AssignmentReturned, AssignmentSignedFor, ComplaintAssigned
from domain.complaint.intake import DetailAdded
from domain.complaint.merge import ComplaintUnmerged
from domain.complaint.remedy import (
    RemedyAccepted,
    RemedyFulfilled,
    RemedyProposed,
    RemedySuperseded,
)
from domain.complaint.resolution import ComplaintResolved, ResolutionDisputed
from domain.complaint.state import ComplaintClosed
from domain.complaint.tasks import TaskCompleted, TaskDelegated
from domain.complaint.vocabulary import Facts
from domain.kernel import Actor, Money, Recorded
from projections.assignments import AssignmentRow
from projections.contacts import ContactRow
from projections.remedies import RemedyRow
from projections.tasks import TaskRow
from projections.work import WorkComplaintRow
from tests import world
from tests.projections.folding import ANN, BOT, SHOP, after, folded, imported, told

FULL = AssignmentReturned(unit_id="west", person_id="wu", reason_code="full")
UNMERGED = ComplaintUnmerged(
    target_id=world.SURVIVOR_ID, stage="in_progress", reason_code="another-problem"
)
MERGED = told(ComplaintClosed(reason="duplicate"), 200)


def of(kind: type[Any], *events: Recorded[Any]) -> list[Any]:
    return [row for row in folded("work", *events) if isinstance(row, kind)]


def given(unit: str, person: str | None, minutes: float) -> Recorded[Any]:
    return told(ComplaintAssigned(unit_id=unit, person_id=person), minutes)


def signed(person: str, minutes: float, unit: str = "west") -> Recorded[Any]:
    return told(AssignmentSignedFor(unit_id=unit, person_id=person), minutes)


def assignments(*events: Recorded[Any]) -> list[AssignmentRow]:
    return of(AssignmentRow, *world.accepted(), *events)


# --- assignments ------------------------------------------------------------------------------


def test_an_assignment_shows_who_gave_it_to_whom_and_who_signed_for_it() -> None:
    [row] = assignments(given("west", "wu", 20), signed("wu", 27))
    assert (row.assigned_by, row.unit_id, row.person_id) == ("ann", "west", "wu")
    assert (row.signed_for_by, row.signed_for_at) == ("wu", after(27))
    assert (row.given_by, row.ended_at, row.number) == ("assignment", None, 1)


def test_a_complaint_handed_back_names_the_reason_and_is_nobodys() -> None:
    [row] = assignments(given("west", "wu", 20), told(FULL, 30), told(FULL, 31))
    assert (row.ended_by, row.ended_at, row.reason_code) == ("returned", after(30), "full")


def test_a_complaint_given_on_was_handed_on_by_the_first() -> None:
    first, second = assignments(given("west", None, 20), given("east", "ed", 30))
    assert (first.ended_by, first.ended_at, first.signed_for_at) == ("handed_on", after(30), None)
    assert (second.unit_id, second.ended_by, second.number) == ("east", None, 2)


def test_whoever_takes_a_complaint_out_of_the_queue_was_given_it_by_signing_for_it() -> None:
    [row] = assignments(signed("wu", 20))
    assert (row.given_by, row.assigned_at, row.signed_for_at) == ("sign_for", after(20), after(20))


def test_a_complaint_taken_over_is_handed_on() -> None:
    first, second = assignments(given("west", "wu", 20), signed("wu", 21), signed("xu", 50))
    assert (first.signed_for_by, first.ended_by) == ("wu", "handed_on")
    assert (second.signed_for_by, second.given_by) == ("xu", "sign_for")


def test_a_close_ends_an_assignment_and_a_merge_undone_takes_it_up_again() -> None:
    closed = assignments(given("west", "wu", 20), MERGED)
    assert [(row.ended_by, row.ended_at) for row in closed] == [("closed", after(200))]
    again = assignments(given("west", "wu", 20), MERGED, told(UNMERGED, 300))
    assert [(row.ended_by, row.ended_at) for row in again] == [(None, None)]


def test_a_reopening_gives_the_complaint_to_whoever_held_it_last() -> None:
    reopened = told(ComplaintReopened(cycle=2, reason_code="again"), 300)
    close = told(ComplaintClosed(reason="withdrawn"), 200)
    _, unsigned = assignments(given("west", "wu", 20), close, reopened)
    assert (unsigned.given_by, unsigned.person_id, unsigned.cycle) == ("reopening", "wu", 2)
    assert (unsigned.assigned_at, unsigned.signed_for_by) == (after(300), None)
    _, held = assignments(given("west", None, 20), signed("wu", 30), close, reopened)
    assert (held.person_id, held.signed_for_by, held.signed_for_at) == ("wu", "wu", None)
    assert len(assignments(given("west", "wu", 20), told(FULL, 30), close, reopened)) == 1


# --- tasks ------------------------------------------------------------------------------------

DELEGATED = TaskDelegated(
    task_id=world.TASK_ID, kind="inspection", unit_id="workshop", due_at=after(120)
)


def task(*events: Recorded[Any]) -> TaskRow:
    [row] = of(TaskRow, *world.in_progress(), told(DELEGATED, 100), *events)
    return row  # type: ignore[no-any-return]


def done(minutes: float, **told_as: Any) -> Recorded[Any]:
    event = TaskCompleted(task_id=world.TASK_ID, outcome="faulty")
    return told(event, minutes, by=Actor(id="tom", kind="person", role="agent"), **told_as)


def test_a_task_shows_to_whom_it_was_given_by_when_and_what_came_of_it() -> None:
    row = task(done(130))
    assert (row.unit_id, row.due_at, row.delegated_by) == ("workshop", after(120), "ann")
    assert (row.completed_by, row.completed_at, row.outcome) == ("tom", after(130), "faulty")


def test_a_close_ends_a_task_undone_and_what_was_done_before_is_done_all_the_same() -> None:
    close = told(ComplaintClosed(reason="withdrawn"), 200)
    undone = task(close)
    assert (undone.ended_at, undone.end_reason) == (after(200), "withdrawn")
    late = task(close, done(210, occurred=190))
    assert (late.ended_at, late.end_reason, late.completed_at) == (None, None, after(190))
    assert late.is_late_recorded
    assert task(done(130), close).ended_at is None


def test_a_merge_suspends_a_task_until_it_is_undone() -> None:
    assert (task(MERGED).suspended_at, task(MERGED).ended_at) == (after(200), None)
    assert task(MERGED, told(UNMERGED, 300)).suspended_at is None


# --- remedies ---------------------------------------------------------------------------------

OTHER_ID = UUID("01957a6e-0000-7000-8000-0000000000a9")
VOUCHER = RemedyProposed(
    remedy_id=world.OFFER_ID,
    kind="voucher",
    basis="goodwill",
    amount=Money(minor=5000, currency="CNY"),
    needs_approval=True,
)


def remedies(*events: Recorded[Any]) -> dict[UUID, RemedyRow]:
    found = of(RemedyRow, *world.in_progress(), told(VOUCHER, 100), *events)
    return {row.remedy_id: row for row in found}


def voucher(*events: Recorded[Any]) -> RemedyRow:
    return remedies(*events)[world.OFFER_ID]


def test_a_remedy_shows_who_approved_it_when_it_was_taken_and_carried_out() -> None:
    act = {"remedy_id": world.OFFER_ID}
    paid = RemedyFulfilled(**act, payment_reference="P-1", amount=Money(minor=2000, currency="CNY"))
    row = voucher(
        told(RemedyApproved(**act), 110, by=SHOP, on_behalf_of="boss"),
        told(RemedyAccepted(**act), 120),
        told(paid, 130),
        told(replace(paid, amount=Money(minor=3000, currency="CNY")), 140),
        told(replace(paid, amount=Money(minor=9, currency="EUR")), 150),
        told(replace(paid, amount=None), 160),
    )
    assert (row.proposed_by, row.approved_by, row.approved_at) == ("ann", "boss", after(110))
    assert (row.status, row.accepted_at, row.fulfilled_at) == ("fulfilled", after(120), after(130))
    assert (row.amount_minor, row.currency, row.needs_approval) == (5000, "CNY", True)
    assert (row.fulfilled_minor, row.fulfilment_count) == (5000, 4)


def test_a_remedy_rejected_or_declined_says_so() -> None:
    rejected = RemedyRejected(remedy_id=world.OFFER_ID, reason_code="too-much")
    row = voucher(told(rejected, 110))
    assert (row.status, row.rejected_by, row.reason_code) == ("rejected", "ann", "too-much")
    row = voucher(told(RemedyDeclined(remedy_id=world.OFFER_ID), 110))
    assert (row.status, row.declined_at) == ("declined", after(110))


def test_a_remedy_whose_place_another_takes_shows_what_the_change_had_cost() -> None:
    change = RemedySuperseded(
        remedy_id=world.OFFER_ID,
        superseded_by=OTHER_ID,
        reason_code="wrong-model",
        change_cost=Money(minor=700, currency="CNY"),
    )
    new = RemedyProposed(
        remedy_id=OTHER_ID, kind="repair", basis="contractual", supersedes=world.OFFER_ID
    )
    found = remedies(told(change, 200), told(new, 200))
    old, other = found[world.OFFER_ID], found[OTHER_ID]
    assert (old.status, old.superseded_by, old.superseded_at) == (
        "superseded",
        OTHER_ID,
        after(200),
    )
    assert (old.change_cost_minor, old.change_cost_currency) == (700, "CNY")
    assert (other.supersedes, other.amount_minor, other.currency) == (world.OFFER_ID, None, None)


def test_a_remedy_of_a_later_cycle_says_of_which() -> None:
    again = told(replace(VOUCHER, remedy_id=OTHER_ID), 400)
    found = remedies(
        told(ComplaintResolved(cycle=1), 300), told(ResolutionDisputed(cycle=1), 310), again
    )
    assert (found[world.OFFER_ID].cycle, found[OTHER_ID].cycle) == (1, 2)


# --- contacts ---------------------------------------------------------------------------------


def test_a_contact_shows_how_with_whom_what_for_and_whether_somebody_was_reached() -> None:
    event = ContactRecorded(
        contact_id=world.CALL_ID,
        direction="outbound",
        channel="phone",
        party="representative",
        purpose="follow_up",
        outcome="no_answer",
        summary="王小明没有接",
    )
    [row] = of(ContactRow, *world.registered(), told(event, 70, occurred=5))
    assert (row.kind, row.direction, row.channel, row.party) == (
        "contact",
        "outbound",
        "phone",
        "representative",
    )
    assert (row.purpose, row.outcome, row.contact_id) == ("follow_up", "no_answer", world.CALL_ID)
    assert (row.contacted_at, row.is_late_recorded) == (after(5), True)
    assert (row.contacted_by, row.actor_kind, row.unit_id) == ("ann", "person", ANN.unit_id)
    assert "王小明" not in repr(row)


def test_a_chaser_is_a_contact_that_the_complainant_began() -> None:
    event = CustomerChased(channel="wechat", party="customer")
    [row] = of(ContactRow, *world.registered(), told(event, 10, by=BOT))
    assert (row.kind, row.direction, row.purpose) == ("chaser", "inbound", "chaser")
    assert (row.actor_kind, row.contact_id) == ("bot", None)


# --- what they share --------------------------------------------------------------------------


def test_a_source_learned_later_is_that_of_all_work() -> None:
    learned = told(DetailAdded(details=Facts(source_system="crm")), 900)
    [row] = of(WorkComplaintRow, *world.disputed(), learned)
    assert (row.source_system, row.cycle) == ("crm", 2)
    assert row.ledger_position == len(world.disputed()) + 1


def test_times_of_an_import_are_as_vague_as_they_were_told() -> None:
    day = datetime.fromisoformat("2015-04-06T00:00:00-05:00")
    [row] = of(
        AssignmentRow,
        *world.accepted(),
        imported(ComplaintAssigned(unit_id="west"), day, "day"),
        imported(ComplaintClosed(reason="imported"), day + timedelta(days=1), "unknown"),
    )
    assert row.imprecise == {
        "assigned": {"precision": "day", "on": "2015-04-06"},
        "ended": {"precision": "unknown", "on": "2015-04-07"},
    }
