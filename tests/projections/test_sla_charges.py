"""Late facts have two verdicts, and a miss is charged to whoever held the complaint then."""

import pytest

from domain.complaint.assessment import ComplaintAccepted
from domain.complaint.closure import ComplaintReopened
from domain.complaint.handling import AssignmentReturned, AssignmentSignedFor, ComplaintAssigned
from domain.complaint.intake import DetailAdded, FieldCorrected
from domain.complaint.resolution import ComplaintResolved
from domain.complaint.state import ComplaintClosed
from domain.complaint.vocabulary import Facts
from projections.sla_row import ClockRow
from tests.projections.folding import after, folded, told
from tests.projections.sla_stories import (
    MINUTE,
    REACHED,
    assessed,
    clocks,
    first_response,
    registered,
    resolve,
)

# --- two verdicts -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "official"),
    [("provider", "met"), ("system", "met"), ("caller", "missed"), ("import", "missed")],
)
def test_a_late_fact_counts_as_occurred_if_a_provider_tells_it_and_as_recorded_if_a_caller_does(
    source: str, official: str
) -> None:
    row = first_response(told(REACHED, 40, occurred=10, source=source))
    assert (row.verdict_as_occurred, row.verdict_as_recorded) == ("met", "missed")
    assert row.verdict == official
    assert row.stopped_at == after(10)
    assert row.stop_recorded_at == after(40)
    assert row.elapsed_microseconds == 10 * MINUTE
    assert row.is_late_recorded


def test_what_is_told_within_a_minute_is_not_late() -> None:
    assert not first_response(told(REACHED, 11, occurred=10)).is_late_recorded


def test_a_late_resolution_of_a_reopened_case_is_not_faster_than_no_time() -> None:
    story = [
        told(ComplaintClosed(reason="verified"), 10),
        told(ComplaintReopened(cycle=2, reason_code="again"), 20),
        told(ComplaintResolved(cycle=2), 30, occurred=15),
    ]
    assert resolve(*story, cycle=2).elapsed_microseconds == 0


# --- who is charged ---------------------------------------------------------------------------

WEST = ComplaintAssigned(unit_id="west", person_id="wu")
EAST = AssignmentSignedFor(unit_id="east", person_id="li")


def charged(row: ClockRow) -> tuple[str, str | None]:
    return row.holder_unit, row.holder_person


def test_a_miss_is_charged_to_who_held_the_complaint_when_it_was_breached() -> None:
    story = [
        told(ComplaintAccepted(unit_id="west"), 5),
        told(WEST, 10),
        told(EAST, 16),
        told(REACHED, 20),
    ]
    assert charged(first_response(*story)) == ("west", "wu")
    assert charged(first_response(*story[:1])) == ("west", None)
    assert charged(resolve(*story)) == ("east", "li"), "it runs: who holds it now"
    in_time = first_response(told(WEST, 10), told(REACHED, 12), told(EAST, 13))
    assert charged(in_time) == ("west", "wu"), "who held it at the stop"


def test_an_assignment_told_late_is_charged_from_when_it_occurred() -> None:
    story = [told(EAST, 10), told(WEST, 30, occurred=5), told(REACHED, 40)]
    assert charged(first_response(*story)) == ("east", "li")
    story = [told(EAST, 20), told(WEST, 30, occurred=12), told(REACHED, 40)]
    assert charged(first_response(*story)) == ("west", "wu")
    assert charged(resolve(*story)) == ("east", "li")


def test_a_complaint_handed_back_lies_with_its_unit_and_is_nobodys() -> None:
    returned = AssignmentReturned(unit_id="west", person_id="wu", reason_code="full")
    assert charged(resolve(told(WEST, 10), told(returned, 12))) == ("west", None)


def test_before_acceptance_who_received_it_holds_it_as_far_as_anybody_says() -> None:
    nobody = folded("sla", registered(received_unit=None))
    assert {row.holder_unit for row in nobody if isinstance(row, ClockRow)} == {"unknown"}
    learned = [
        registered(received_unit=None),
        told(DetailAdded(details=Facts(received_unit="front-desk")), 3),
    ]
    rows = [row for row in folded("sla", *learned) if isinstance(row, ClockRow)]
    assert {row.holder_unit for row in rows} == {"front-desk"}


def test_a_corrected_source_is_corrected_on_every_clock() -> None:
    correction = FieldCorrected(
        field="source_system",
        old=Facts(source_system="call-centre"),
        new=Facts(source_system="crm"),
    )
    assert {row.source_system for row in clocks(told(correction, 3)).values()} == {"crm"}


def test_a_history_that_does_not_begin_with_a_registration_has_no_clocks() -> None:
    assert folded("sla", told(assessed(), 3), told(REACHED, 4)) == []
