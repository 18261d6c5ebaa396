"""Clocks on a calendar that is always open: the golden time cases that concern them, and laws."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.rulebook.defaults import DEFAULT_RULES
from domain.rules import Duration, Severity
from domain.time import clocks
from domain.time.clocks import Clock, Targets

FIRST_RESPONSE = DEFAULT_RULES.service_level("first_response").targets  # 15, 15, 5 minutes
RESOLVE = DEFAULT_RULES.service_level("resolve").targets  # 24, 48, 48 hours
NOTHING_PROMISED: Targets = {}

MICROSECOND = timedelta(microseconds=1)
SEVERITIES: tuple[Severity, ...] = ("general", "important", "major")


def at(clock_time: str, day: int = 2) -> datetime:
    """A time of day in early March 2026, UTC."""
    return datetime.fromisoformat(f"2026-03-{day:02}T{clock_time}+00:00")


def minutes(amount: int) -> timedelta:
    return timedelta(minutes=amount)


def started(
    targets: Targets = FIRST_RESPONSE, severity: Severity = "general", *, settled: bool = True
) -> Clock:
    """A clock that starts at ten o'clock."""
    return clocks.start(targets, at("10:00"), severity, is_provisional=not settled)


# --- golden time cases ------------------------------------------------------------------------


def test_b2_an_answer_at_the_last_instant_meets_the_target_and_a_second_later_misses_it() -> None:
    clock = started()
    assert clock.due_at == clock.breach_after == at("10:15:00")
    assert clocks.verdict(clock, at("10:15:00")) == "met"
    assert clocks.verdict(clock, at("10:15:00") + MICROSECOND) == "missed"
    assert clocks.verdict(clock, at("10:15:01")) == "missed"


def test_pr1_a_regrade_in_flight_gives_the_new_target_from_the_change() -> None:
    clock = clocks.regrade(started(), FIRST_RESPONSE, "major", at("10:08"))
    assert clock.due_at == at("10:13")
    assert clock.target == minutes(13)
    assert clocks.verdict(clock, at("10:13")) == "met"
    assert clocks.verdict(clock, at("10:14")) == "missed"
    assert clocks.is_breached_by_reclassification(clock, at("10:14"))
    assert not clocks.is_breached_by_reclassification(clock, at("10:16")), "late anyway"
    assert not clocks.is_breached_by_reclassification(clock, at("10:13"))


def test_ro1_a_restarted_clock_has_its_whole_target_again_and_the_first_verdict_stands() -> None:
    first = clocks.start(RESOLVE, at("09:00"), "general", is_provisional=False)
    first = clocks.stop(first, at("19:00"))
    assert first.elapsed == timedelta(hours=10)
    again = clocks.start(RESOLVE, at("09:00", day=5), "general", is_provisional=False)
    assert again.due_at == at("09:00", day=6)
    assert clocks.verdict(first, at("19:00")) == "met"


def test_x2_what_happens_between_two_looks_is_judged_by_when_it_happened() -> None:
    clock = clocks.start(FIRST_RESPONSE, at("11:46"), "general", is_provisional=False)
    stopped = clocks.stop(clock, at("12:03"))
    assert clock.due_at == at("12:01")
    assert clocks.verdict(clock, at("12:03")) == "missed"
    assert stopped.elapsed is not None
    assert clock.target is not None
    assert stopped.elapsed - clock.target == minutes(2)


def test_dst1_twenty_four_hours_are_twenty_four_hours_when_the_clocks_are_put_forward() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    start = datetime(2026, 3, 28, 12, 0, tzinfo=berlin)
    clock = clocks.start(RESOLVE, start, "general", is_provisional=False)
    assert clock.due_at == datetime(2026, 3, 29, 13, 0, tzinfo=berlin)


# --- settling a provisional grade -------------------------------------------------------------


def test_a_complaint_settled_as_major_after_eight_minutes_is_due_at_thirteen() -> None:
    clock = clocks.regrade(started(settled=False), FIRST_RESPONSE, "major", at("10:08"))
    assert (clock.due_at, clock.severity, clock.is_provisional) == (at("10:13"), "major", False)


def test_a_complaint_settled_at_once_has_the_target_of_its_grade_from_the_receipt() -> None:
    clock = clocks.regrade(started(settled=False), FIRST_RESPONSE, "major", at("10:00"))
    assert clock.due_at == at("10:05")


def test_settling_brings_the_longer_target_of_the_grade_from_the_receipt() -> None:
    clock = clocks.regrade(started(RESOLVE, settled=False), RESOLVE, "major", at("16:00"))
    assert clock.due_at == at("10:00", day=4)
    assert not clocks.is_breached_by_reclassification(clock, at("12:00", day=4))


def test_settling_as_what_was_assumed_changes_nothing_but_that_it_is_settled() -> None:
    clock = clocks.regrade(started(settled=False), FIRST_RESPONSE, "general", at("10:08"))
    assert (clock.terms, clock.due_at) == (started().terms, started().due_at)


def test_settling_after_the_due_changes_nothing_because_the_miss_has_happened() -> None:
    clock = started(RESOLVE, settled=False)
    assert clocks.regrade(clock, RESOLVE, "major", at("10:01", day=3)).terms == clock.terms
    at_the_due = clocks.regrade(clock, RESOLVE, "major", at("10:00", day=3))
    assert at_the_due.due_at == at("10:00", day=4)


def test_a_regrade_after_settling_never_gives_more_time() -> None:
    clock = clocks.regrade(started(RESOLVE, settled=False), RESOLVE, "general", at("10:10"))
    clock = clocks.regrade(clock, RESOLVE, "major", at("11:00"))
    assert (clock.severity, clock.due_at) == ("major", at("10:00", day=3))


def test_of_several_changes_the_latest_due_there_was_tells_what_a_change_cost() -> None:
    clock = clocks.regrade(started(RESOLVE, settled=False), RESOLVE, "major", at("11:00"))
    clock = clocks.regrade(clock, RESOLVE, "general", at("20:00"))
    assert clock.due_at == at("20:00", day=3)
    assert clocks.is_breached_by_reclassification(clock, at("09:00", day=4))
    assert not clocks.is_breached_by_reclassification(clock, at("11:00", day=4))


# --- no target, no end ------------------------------------------------------------------------


def test_a_clock_without_a_target_only_measures() -> None:
    clock = clocks.start(NOTHING_PROMISED, at("10:00"), "general", is_provisional=True)
    assert (clock.due_at, clock.target, clocks.verdict(clock, at("10:00", day=9))) == (
        None,
        None,
        None,
    )
    assert clocks.verdict_at_close(clock, at("10:00", day=9)) is None
    assert not clocks.is_breached_by_reclassification(clock, at("10:00", day=9))
    assert clocks.stop(clock, at("10:00", day=3)).elapsed == timedelta(days=1)
    assert clocks.regrade(clock, NOTHING_PROMISED, "major", at("11:00")).severity == "major"


def test_a_promise_for_one_grade_alone_counts_from_the_change_that_made_it_that_grade() -> None:
    lane: Targets = {"major": Duration(5, "minutes")}
    clock = clocks.start(lane, at("10:00"), "general", is_provisional=True)
    assert clock.due_at is None
    assert clocks.regrade(clock, lane, "major", at("10:30")).due_at == at("10:35")
    settled = clocks.regrade(clock, lane, "general", at("10:10"))
    assert settled.due_at is None
    again = clocks.regrade(settled, lane, "major", at("10:30"))
    assert again.due_at == at("10:35")
    assert clocks.regrade(again, lane, "general", at("10:31")).due_at == at("10:35")


def test_a_provisional_target_falls_away_when_nothing_is_promised_for_the_grade_named() -> None:
    lane: Targets = {"general": Duration(5, "minutes")}
    clock = clocks.start(lane, at("10:00"), "general", is_provisional=True)
    assert clocks.regrade(clock, lane, "major", at("10:01")).due_at is None


def test_a_clock_that_runs_when_its_complaint_ends_is_missed_already_or_cancelled() -> None:
    assert clocks.verdict_at_close(started(), at("10:15")) == "cancelled"
    assert clocks.verdict_at_close(started(), at("10:15:01")) == "missed"


def test_a_stopped_clock_never_changes() -> None:
    stopped = clocks.stop(started(settled=False), at("10:05"))
    assert clocks.stop(stopped, at("10:01")) == stopped
    assert clocks.regrade(stopped, FIRST_RESPONSE, "major", at("10:06")) == stopped


def test_a_stop_told_before_the_start_took_no_time() -> None:
    assert clocks.stop(started(), at("09:00")).elapsed == timedelta(0)
    assert clocks.verdict(started(), at("09:00")) == "met"


def test_a_change_told_before_the_start_counts_from_the_start() -> None:
    assert clocks.regrade(started(), FIRST_RESPONSE, "major", at("09:00")).due_at == at("10:05")


@pytest.mark.parametrize("unit", ["calendar_days", "working_days", "calendar_months"])
def test_days_and_months_are_not_counted_in_minutes(unit: str) -> None:
    targets: Targets = {"general": Duration(1, unit)}  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=unit):
        clocks.start(targets, at("10:00"), "general", is_provisional=False)


# --- laws ---------------------------------------------------------------------------------------

MOMENTS = st.datetimes(
    datetime.fromisoformat("2000-01-01"),
    datetime.fromisoformat("2050-01-01"),
    timezones=st.timezones(),
)
LENGTHS = st.timedeltas(timedelta(0), timedelta(days=5))
CHANGES = st.lists(st.tuples(LENGTHS, st.sampled_from(SEVERITIES)), max_size=6)
TARGETS = st.fixed_dictionaries(
    {
        severity: st.integers(1, 5000).map(lambda n: Duration(n, "minutes"))
        for severity in SEVERITIES
    }
)


def run_through(
    targets: Targets, start: datetime, changes: list[tuple[timedelta, Severity]]
) -> list[Clock]:
    """The clock after each change; the first names the grade."""
    clock = clocks.start(targets, start, "general", is_provisional=True)
    after = [clock]
    for since, severity in sorted(changes, key=lambda change: change[0]):
        moment = start.astimezone(UTC) + since
        after.append(clocks.regrade(after[-1], targets, severity, moment))
    return after


@given(TARGETS, MOMENTS, CHANGES, LENGTHS)
def test_it_is_met_if_and_only_if_what_elapsed_is_within_the_target(
    targets: Targets, start: datetime, changes: list[tuple[timedelta, Severity]], took: timedelta
) -> None:
    clock = run_through(targets, start, changes)[-1]
    assert clock.target is not None
    stop = start.astimezone(UTC) + took
    assert (clocks.verdict(clock, stop) == "met") == (
        clocks.elapsed_at(clock, stop) <= clock.target
    )
    assert clocks.stop(clock, stop).elapsed == took


@given(TARGETS, MOMENTS, CHANGES)
def test_only_settling_ever_gives_more_time_and_no_change_takes_what_has_passed(
    targets: Targets, start: datetime, changes: list[tuple[timedelta, Severity]]
) -> None:
    after = run_through(targets, start, changes)
    for before, clock in pairwise(after):
        assert before.due_at is not None
        assert clock.due_at is not None
        assert before.is_provisional or clock.due_at <= before.due_at
        assert clock.latest_due_at is not None
        assert clock.latest_due_at >= clock.due_at


@given(TARGETS, MOMENTS, CHANGES)
def test_a_change_never_makes_late_what_was_in_time_when_it_happened(
    targets: Targets, start: datetime, changes: list[tuple[timedelta, Severity]]
) -> None:
    assume(changes)
    after = run_through(targets, start, changes)
    last = max(since for since, _ in changes)
    moment = start.astimezone(UTC) + last
    if clocks.verdict(after[-2], moment) == "met":
        assert clocks.verdict(after[-1], moment) == "met"


@given(TARGETS, MOMENTS, CHANGES, LENGTHS)
def test_a_miss_caused_by_a_change_would_have_been_met_at_the_latest_due(
    targets: Targets, start: datetime, changes: list[tuple[timedelta, Severity]], took: timedelta
) -> None:
    after = run_through(targets, start, changes)
    stop = start.astimezone(UTC) + took
    caused = clocks.is_breached_by_reclassification(after[-1], stop)
    was_met = any(clocks.verdict(clock, stop) == "met" for clock in after)
    assert caused == (clocks.verdict(after[-1], stop) == "missed" and was_met)
