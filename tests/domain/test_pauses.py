"""A clock that is paused stands still, up to its cap: golden cases, and laws."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.rulebook.defaults import DEFAULT_RULES
from domain.rules import Duration, PauseRule
from domain.time import clocks
from domain.time.clocks import Clock, Targets
from domain.time.pauses import FOREVER, Pause

RESOLVE = DEFAULT_RULES.service_level("resolve")  # 24 hours, and a day of pauses
HOUR = timedelta(hours=1)


def at(clock_time: str, day: int = 2) -> datetime:
    """A time of day in early March 2026, UTC."""
    return datetime.fromisoformat(f"2026-03-{day:02}T{clock_time}+00:00")


def paused(minutes: int, start: str, *times: tuple[str, str | None]) -> Clock:
    """A clock with a target of so many minutes, paused at these times of one day."""
    targets: Targets = {"general": Duration(minutes, "minutes")}
    clock = clocks.start(targets, at(start), "general", is_provisional=False, pause=RESOLVE.pause)
    found = tuple(Pause(at(began), at(ended) if ended else None) for began, ended in times)
    return replace(clock, pauses=found)


def resolve(*pauses: tuple[datetime, datetime | None]) -> Clock:
    """The clock resolve of a general complaint received at nine."""
    clock = clocks.start(
        RESOLVE.targets, at("09:00"), "general", is_provisional=False, pause=RESOLVE.pause
    )
    return replace(clock, pauses=tuple(Pause(*pause) for pause in pauses))


# --- golden time cases ----------------------------------------------------------------------


def test_p3_two_pauses_within_a_minute_both_count() -> None:
    clock = paused(60, "09:30:00", ("10:00:10", "10:00:40"), ("10:00:50", "10:20:00"))
    assert clock.due_at == clock.breach_after == at("10:49:40")


def test_v2_two_times_of_waiting_move_the_due_by_both() -> None:
    clock = paused(120, "09:00", ("09:30", "09:45"), ("10:00", "10:30"))
    assert clock.due_at == at("11:45")


def test_v4_what_was_paused_has_not_elapsed() -> None:
    answer, close = (
        paused(120, "09:00", ("10:00", "10:30")),
        paused(250, "09:00", ("10:00", "10:30")),
    )
    assert clocks.stop(answer, at("10:45")).elapsed == timedelta(minutes=75)
    assert clocks.stop(close, at("12:00")).elapsed == timedelta(minutes=150)
    assert clocks.verdict(answer, at("10:45")) == clocks.verdict(close, at("12:00")) == "met"


# --- while it stands still ------------------------------------------------------------------


def test_a_paused_clock_does_not_miss_its_deadline() -> None:
    running, waiting = resolve(), resolve((at("20:00"), None))
    late = at("15:00", day=3)
    assert clocks.verdict(running, late) == "missed"
    assert clocks.verdict(waiting, late) == "met"
    assert clocks.elapsed_at(waiting, late) == 11 * HOUR
    assert waiting.paused_since == at("20:00")


def test_beyond_its_cap_a_paused_clock_runs_on() -> None:
    waiting = resolve((at("20:00"), None))
    assert clocks.elapsed_at(waiting, at("20:00", day=3)) == 11 * HOUR
    assert clocks.elapsed_at(waiting, at("21:00", day=3)) == 12 * HOUR
    assert waiting.breach_at_latest == at("09:00", day=4)
    assert clocks.verdict(waiting, at("09:00", day=4)) == "met"
    assert clocks.verdict(waiting, at("09:01", day=4)) == "missed"


def test_the_cap_is_used_up_by_all_pauses_together() -> None:
    clock = resolve((at("10:00"), at("20:00")), (at("22:00"), at("22:00", day=4)))
    assert clock.paused == 24 * HOUR
    assert clock.due_at == at("09:00", day=4)


def test_what_is_waited_for_twice_is_paused_once() -> None:
    clock = resolve(
        (at("10:00"), at("14:00")), (at("12:00"), at("16:00")), (at("13:00"), at("13:30"))
    )
    assert clock.paused == 6 * HOUR
    both = resolve((at("10:00"), None), (at("12:00"), at("13:00")))
    assert both.paused_since == at("10:00"), "the shorter wait is part of the longer"
    assert both.paused == timedelta(0)
    assert clocks.elapsed_at(both, at("14:00")) == HOUR


def test_a_pause_at_the_due_itself_comes_before_the_miss() -> None:
    clock = resolve((at("09:00", day=3), at("11:00", day=3)))
    assert (clock.due_at, clock.breach_after) == (at("09:00", day=3), at("11:00", day=3))
    assert clocks.verdict(clock, at("11:00", day=3)) == "met"


def test_a_pause_after_the_miss_does_not_undo_it() -> None:
    clock = resolve((at("09:01", day=3), at("12:00", day=3)))
    assert clock.breach_after == at("09:00", day=3)
    assert clocks.verdict(clock, at("10:00", day=3)) == "missed"


def test_a_pause_that_runs_at_the_stop_ends_there() -> None:
    stopped = clocks.stop(resolve((at("20:00"), None)), at("22:00"))
    assert (stopped.elapsed, stopped.paused, stopped.paused_since) == (11 * HOUR, 2 * HOUR, None)
    assert stopped.due_at == at("11:00", day=3)


def test_a_pause_told_to_have_ended_before_it_began_is_none() -> None:
    assert resolve((at("12:00"), at("11:00"))).paused == timedelta(0)


def test_a_clock_without_a_pause_rule_never_stands_still() -> None:
    clock = clocks.start(RESOLVE.targets, at("09:00"), "general", is_provisional=False)
    asked = replace(clock, pauses=(Pause(at("10:00"), at("12:00")),))
    assert (asked.due_at, asked.paused) == (at("09:00", day=3), timedelta(0))


# --- regrading ------------------------------------------------------------------------------


def test_a_regrade_keeps_the_pauses_earned() -> None:
    clock = clocks.regrade(resolve(), RESOLVE.targets, "major", at("10:00"))
    assert clock.due_at == at("09:00", day=3), "never more time"
    waited = replace(clock, pauses=(Pause(at("11:00"), at("15:00")),))
    assert waited.due_at == at("13:00", day=3)
    lane: Targets = {"general": Duration(600, "minutes"), "major": Duration(60, "minutes")}
    early = paused(600, "09:00", ("09:10", "09:40"))
    assert clocks.regrade(early, lane, "major", at("10:00")).due_at == at("11:00")
    assert clocks.regrade(early, lane, "major", at("10:00")).target == timedelta(minutes=90)


def test_a_pause_learned_of_after_a_regrade_is_not_given_twice() -> None:
    lane: Targets = {"general": Duration(600, "minutes"), "major": Duration(60, "minutes")}
    known = clocks.regrade(paused(600, "09:00", ("09:10", "09:40")), lane, "major", at("10:00"))
    learned = clocks.regrade(paused(600, "09:00"), lane, "major", at("10:00"))
    learned = replace(learned, pauses=known.pauses)
    assert learned.due_at == known.due_at == at("11:00")


# --- laws -----------------------------------------------------------------------------------

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
MOMENTS = st.integers(-600, 6000).map(lambda minute: START + timedelta(minutes=minute))
PAUSES = st.lists(st.builds(Pause, MOMENTS, st.none() | MOMENTS), max_size=6).map(tuple)
CAPS = st.integers(0, 3000)


def any_clock(pauses: tuple[Pause, ...], target: int, cap: int) -> Clock:
    targets: Targets = {"general": Duration(target, "minutes")}
    rule = PauseRule(reasons=frozenset(), cap=Duration(cap, "minutes"))
    clock = clocks.start(targets, START, "general", is_provisional=False, pause=rule)
    return replace(clock, pauses=pauses)


@given(PAUSES, st.integers(1, 3000), CAPS, MOMENTS)
def test_what_elapsed_and_what_was_paused_is_the_time_on_the_wall(
    pauses: tuple[Pause, ...], target: int, cap: int, stop: datetime
) -> None:
    clock = any_clock(pauses, target, cap)
    stood = clocks.paused_at(clock, stop)
    assert clocks.elapsed_at(clock, stop) + stood == max(stop - START, timedelta(0))
    assert timedelta(0) <= stood <= timedelta(minutes=cap)


@given(PAUSES, st.integers(1, 3000), CAPS, MOMENTS)
def test_a_stop_is_in_time_if_and_only_if_it_comes_no_later_than_the_last_such_instant(
    pauses: tuple[Pause, ...], target: int, cap: int, stop: datetime
) -> None:
    clock = any_clock(pauses, target, cap)
    stopped = clocks.stop(clock, stop)
    assert stopped.due_at is not None
    assert stopped.breach_after is not None
    assert stopped.breach_at_latest == stopped.breach_after
    is_met = clocks.verdict(clock, stop) == "met"
    assert is_met == (clocks.elapsed_at(clock, stop) <= timedelta(minutes=target))
    assert is_met == (stop <= stopped.breach_after)
    assert stopped.due_at <= stopped.breach_after


@given(PAUSES, st.integers(1, 3000), CAPS)
def test_at_the_due_and_until_the_breach_exactly_the_target_has_elapsed(
    pauses: tuple[Pause, ...], target: int, cap: int
) -> None:
    ended = tuple(replace(pause, ended_at=pause.ended_at or pause.began_at) for pause in pauses)
    clock = any_clock(ended, target, cap)
    assert clock.due_at is not None
    assert clock.breach_after is not None
    assert clocks.elapsed_at(clock, clock.due_at) == timedelta(minutes=target)
    assert clocks.elapsed_at(clock, clock.breach_after) == timedelta(minutes=target)
    moment = timedelta(microseconds=1)
    assert clocks.elapsed_at(clock, clock.due_at - moment) < timedelta(minutes=target)
    assert clocks.elapsed_at(clock, clock.breach_after + moment) > timedelta(minutes=target)


@given(PAUSES, st.builds(Pause, MOMENTS, MOMENTS), st.integers(1, 3000), CAPS)
def test_a_further_pause_never_brings_the_miss_forward(
    pauses: tuple[Pause, ...], further: Pause, target: int, cap: int
) -> None:
    clock = any_clock(pauses, target, cap)
    more = any_clock((*pauses, further), target, cap)
    assert clock.breach_at_latest is not None
    assert more.breach_at_latest is not None
    assert more.breach_at_latest >= clock.breach_at_latest
    assert more.breach_at_latest <= START + timedelta(minutes=target + cap) < FOREVER
