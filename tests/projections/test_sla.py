"""What starts, stops and changes each clock, as a complaint manager would sign it."""

from itertools import groupby
from operator import attrgetter
from typing import Any

import pytest
from msgspec.structs import replace

from domain.complaint.closure import ComplaintReopened
from domain.complaint.contact import ContactRecorded
from domain.complaint.intake import (
    ComplaintAcknowledged,
    FieldCorrected,
)
from domain.complaint.merge import ComplaintMerged, ComplaintUnmerged
from domain.complaint.resolution import ComplaintResolved, ResolutionDisputed
from domain.complaint.state import ComplaintClosed
from domain.complaint.vocabulary import Facts
from domain.kernel import Actor
from projections.sla import sla_view
from projections.sla_row import ClockRow
from tests import world
from tests.projections.folding import ANN, BOT, IMPORTER, SHOP, after, folded, told
from tests.projections.ledgers import random_ledger
from tests.projections.sla_stories import (
    MINUTE,
    REACHED,
    assessed,
    clocks,
    first_response,
    registered,
    resolve,
)


def test_what_the_view_does_not_take_in_would_change_nothing() -> None:
    sla, by_stream = sla_view(), attrgetter("stream_id")
    ledger, passed = sorted(random_ledger(7), key=by_stream), set()
    for _, stream in groupby(ledger, key=by_stream):
        events = list(stream)
        wanted = [item for item in events if type(item.event) in sla.events]
        assert sla.fold((), wanted) == sla.fold((), events)
        passed |= {type(item.event) for item in events} - set(sla.events)
    assert len(passed) > 15


# --- start ------------------------------------------------------------------------------------


def test_the_receipt_starts_four_clocks_with_the_targets_of_a_general_complaint() -> None:
    started = clocks()
    assert {key: row.target_microseconds for key, row in started.items()} == {
        ("first_response", 1): 15 * MINUTE,
        ("assess", 1): 15 * MINUTE,
        ("resolve", 1): 24 * 60 * MINUTE,
        ("end_to_end", 1): None,
    }
    for row in started.values():
        assert row.started_at == after(0)
        assert row.is_provisional
        assert row.is_in_rates
        assert row.is_running
        assert row.verdict is None
        assert (row.holder_unit, row.holder_person) == ("hotline", None)


def test_a_letter_registered_a_day_late_has_its_clocks_from_the_day_it_came() -> None:
    letter = told(world.registered()[0].event, 24 * 60, occurred=0)
    [row, *_] = [row for row in folded("sla", letter) if isinstance(row, ClockRow)]
    assert (row.started_at, row.recorded_at) == (after(0), after(24 * 60))
    assert row.is_late_recorded


def test_a_complaint_of_an_import_starts_no_clock_and_never_will() -> None:
    events = [
        registered(by=IMPORTER, source_system="cfpb"),
        told(assessed(), 1, by=IMPORTER),
        told(ComplaintClosed(reason="imported"), 2, by=IMPORTER),
        told(ComplaintReopened(cycle=2, reason_code="again"), 3),
    ]
    assert folded("sla", *events) == []


def test_what_is_no_complaint_has_clocks_that_count_in_no_rate() -> None:
    rows = folded("sla", registered(nature="enquiry"), told(assessed(nature="complaint"), 2))
    assert all(row.is_in_rates for row in rows if isinstance(row, ClockRow)), "it became one"
    rows = folded("sla", registered(nature="enquiry"))
    assert not any(row.is_in_rates for row in rows if isinstance(row, ClockRow))


def test_correcting_the_nature_takes_every_clock_out_of_the_rates() -> None:
    correction = FieldCorrected(
        field="nature", old=Facts(nature="complaint"), new=Facts(nature="enquiry")
    )
    rows = clocks(told(REACHED, 3), told(correction, 20))
    assert not any(row.is_in_rates for row in rows.values())
    assert rows["first_response", 1].verdict == "met"
    assert rows["first_response", 1].ledger_position == 3


# --- first response ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "by", "on_behalf_of", "stops"),
    [
        (REACHED, ANN, None, True),
        (REACHED, SHOP, "ann", True),  # a person, through a system
        (REACHED, SHOP, None, False),
        (REACHED, BOT, None, False),
        (REACHED, BOT, "ann", False),  # it is still the bot that speaks
        (REACHED, IMPORTER, None, False),
        (world.contact(outcome="no_answer"), ANN, None, False),
        (world.contact(outcome="refused"), ANN, None, False),
        (ComplaintAcknowledged(by="person"), ANN, None, True),
        (ComplaintAcknowledged(by="automatic"), SHOP, None, False),
        (ComplaintAcknowledged(by="automatic", accepted_by_complainant=True), SHOP, None, False),
        (ComplaintAcknowledged(by="bot"), BOT, None, False),
        (ComplaintAcknowledged(by="bot", accepted_by_complainant=False), BOT, None, False),
        (ComplaintAcknowledged(by="bot", accepted_by_complainant=True), BOT, None, True),
    ],
)
def test_a_first_response_is_a_person_or_a_bot_whose_answer_was_accepted(
    event: ContactRecorded | ComplaintAcknowledged,
    by: Actor,
    on_behalf_of: str | None,
    stops: bool,
) -> None:
    row = first_response(told(event, 10, by=by, on_behalf_of=on_behalf_of))
    assert row.stopped_at == (after(10) if stops else None)
    assert row.stop_reason == (type(event).__name__ if stops else None)


def test_only_the_first_response_counts() -> None:
    row = first_response(told(ComplaintAcknowledged(by="person"), 14), told(REACHED, 16))
    assert (row.verdict, row.elapsed_microseconds) == ("met", 14 * MINUTE)
    assert row.stop_reason == "ComplaintAcknowledged"


def test_a_response_at_the_last_instant_is_in_time_and_a_second_later_is_not() -> None:
    assert first_response(told(REACHED, 15)).verdict == "met"
    assert first_response(told(REACHED, 15 + 1 / 60)).verdict == "missed"


# --- assessment and severity ------------------------------------------------------------------


def test_the_first_assessment_stops_its_clock_and_settles_the_grade_of_the_others() -> None:
    rows = clocks(told(assessed("major"), 8), told(assessed("important"), 9))
    assess = rows["assess", 1]
    assert (assess.verdict, assess.stopped_at, assess.severity) == ("met", after(8), "major")
    assert rows["first_response", 1].due_at == after(13)
    assert rows["resolve", 1].due_at == after(48 * 60)
    assert not rows["resolve", 1].is_provisional
    assert rows["end_to_end", 1].severity == "important"


def test_an_assessment_without_a_severity_leaves_the_grade_provisional() -> None:
    rows = clocks(told(assessed(None), 8))
    assert rows["assess", 1].verdict == "met"
    assert rows["resolve", 1].is_provisional


def test_a_miss_that_only_a_regrade_caused_is_flagged() -> None:
    row = first_response(
        told(assessed("general"), 1), told(assessed("major"), 8), told(REACHED, 14)
    )
    assert (row.verdict, row.target_microseconds) == ("missed", 13 * MINUTE)
    assert row.is_breached_by_reclassification
    late_anyway = first_response(told(assessed("major"), 8), told(REACHED, 16))
    assert not late_anyway.is_breached_by_reclassification


def test_a_grade_named_after_a_clock_has_stopped_leaves_it_as_it_is() -> None:
    answered = first_response(told(REACHED, 7))
    assert first_response(told(REACHED, 7), told(assessed("major"), 8)) == answered


# --- resolution, cycles -----------------------------------------------------------------------


def test_a_dispute_leaves_the_verdict_and_starts_the_next_cycle() -> None:
    story = [
        told(assessed("general"), 1),
        told(ComplaintResolved(cycle=1), 600),
        told(ResolutionDisputed(cycle=1), 700),
    ]
    first, second = resolve(*story), resolve(*story, cycle=2)
    assert (first.verdict, first.disputed_later) == ("met", True)
    assert (first.elapsed_microseconds, first.ledger_position) == (600 * MINUTE, 4)
    assert (second.started_at, second.due_at) == (after(700), after(700 + 24 * 60))
    assert second.is_running
    assert not second.disputed_later


def test_ro1_a_reopened_complaint_has_its_whole_target_again() -> None:
    day = 24 * 60
    story = [
        told(ComplaintResolved(cycle=1), 600),
        told(ComplaintClosed(reason="verified"), 700),
        told(ComplaintReopened(cycle=2, reason_code="again"), 3 * day),
    ]
    assert (resolve(*story).verdict, resolve(*story).stopped_at) == ("met", after(600))
    assert resolve(*story, cycle=2).due_at == after(4 * day)
    rows = clocks(*story, told(ComplaintResolved(cycle=2), 3 * day + 1))
    assert rows["resolve", 2].elapsed_microseconds == MINUTE


def test_end_to_end_runs_from_the_receipt_to_the_last_close() -> None:
    story = [
        told(ComplaintClosed(reason="verified"), 700),
        told(ComplaintReopened(cycle=2, reason_code="again"), 800),
    ]
    closed = clocks(story[0])["end_to_end", 1]
    assert (closed.elapsed_microseconds, closed.verdict, closed.stop_reason) == (
        700 * MINUTE,
        None,
        "closed",
    )
    open_again = clocks(*story)["end_to_end", 1]
    assert open_again.is_running
    assert open_again.elapsed_microseconds is None
    closed_again = clocks(*story, told(ComplaintClosed(reason="verified"), 900))["end_to_end", 1]
    assert closed_again.elapsed_microseconds == 900 * MINUTE


# --- other ends -------------------------------------------------------------------------------


def test_a_clock_that_runs_at_the_close_is_cancelled_or_missed_already() -> None:
    rows = clocks(told(ComplaintClosed(reason="unreachable"), 60))
    assert {key: (row.verdict, row.stop_reason) for key, row in rows.items()} == {
        ("first_response", 1): ("missed", "closed"),
        ("assess", 1): ("missed", "closed"),
        ("resolve", 1): ("cancelled", "closed"),
        ("end_to_end", 1): (None, "closed"),
    }
    assert all(row.stopped_at == after(60) and row.is_in_rates for row in rows.values())


@pytest.mark.parametrize(
    ("reason", "stop"), [("withdrawn",) * 2, ("declined",) * 2, ("duplicate", "merged")]
)
def test_withdrawn_declined_and_merged_complaints_leave_the_rates(reason: Any, stop: str) -> None:
    rows = clocks(told(REACHED, 3), told(ComplaintClosed(reason=reason), 10))
    assert not any(row.is_in_rates for row in rows.values())
    assert rows["resolve", 1].stop_reason == stop
    assert rows["first_response", 1].verdict == "met"


MERGED = (
    ComplaintMerged(target_id=world.SURVIVOR_ID, reason_code="same"),
    ComplaintClosed(reason="duplicate"),
)
UNMERGED = ComplaintUnmerged(target_id=world.SURVIVOR_ID, stage="registered", reason_code="other")


def test_merging_an_overdue_complaint_hides_no_miss() -> None:
    rows = clocks(*(told(event, 60) for event in MERGED))
    assert (rows["first_response", 1].verdict, rows["resolve", 1].verdict) == (
        "missed",
        "cancelled",
    )
    assert rows["first_response", 1].is_in_rates
    assert not rows["resolve", 1].is_in_rates


def test_a_merge_undone_leaves_the_clocks_as_they_would_have_run() -> None:
    merged_and_back = [*(told(event, 10) for event in MERGED), told(UNMERGED, 600)]
    onward = [told(REACHED, 700), told(ComplaintResolved(cycle=1), 800)]
    never = clocks(*onward)
    for key, row in clocks(*merged_and_back, *onward).items():
        same = replace(never[key], ledger_position=row.ledger_position)
        assert row == same, key


def test_an_answer_given_while_it_was_merged_counts_once_the_merge_is_undone() -> None:
    merged = [told(event, 5) for event in MERGED]
    while_merged = clocks(*merged, told(REACHED, 20), told(REACHED, 30))
    assert while_merged["first_response", 1].verdict == "cancelled"
    undone = clocks(*merged, told(REACHED, 20), told(REACHED, 30), told(UNMERGED, 600))
    row = undone["first_response", 1]
    assert (row.verdict, row.stopped_at, row.is_in_rates) == ("missed", after(20), True)
    assert undone["resolve", 1].is_running


def test_reopening_a_withdrawn_complaint_brings_it_back_into_the_rates() -> None:
    rows = clocks(
        told(ComplaintClosed(reason="withdrawn"), 10),
        told(ComplaintReopened(cycle=2, reason_code="again"), 20),
    )
    assert all(row.is_in_rates for row in rows.values())
    assert rows["resolve", 1].verdict == "cancelled"
    assert rows["first_response", 1].verdict == "cancelled", "a stopped clock never changes"
