"""A clock is paused only where the rulebook allows it, with a reason, and once at a time."""

from typing import get_args

import pytest

from domain.complaint.merge import UnmergeComplaint
from domain.complaint.pausing import (
    ClockAlreadyPaused,
    ClockNeverPauses,
    ClockNotPaused,
    ClockNotRunning,
    ClockPaused,
    ClockResumed,
    NoReasonToPause,
    PauseClock,
    ResumeClock,
)
from domain.complaint.resolution import DisputeResolution, ResolveComplaint
from domain.kernel import NotAllowedAtStage
from domain.rulebook.defaults import DEFAULT_RULES
from domain.rules import ClockName
from tests import world
from tests.spec import given

PAUSE = PauseClock(clock="resolve", **world.WAITED)
RESUME = ResumeClock(clock="resolve")


def test_the_clock_stands_still_while_the_customer_is_waited_for_and_runs_on_after() -> None:
    paused = given(world.in_progress()).when(PAUSE)
    paused.then(ClockPaused(clock="resolve", **world.WAITED))
    assert paused.state.stage == "in_progress"
    resumed = paused.when(RESUME).then(ClockResumed(clock="resolve"))
    assert resumed.state.paused == frozenset()


@pytest.mark.parametrize("clock", get_args(ClockName))
def test_only_a_clock_that_the_rulebook_lets_pause_is_paused(clock: ClockName) -> None:
    outcome = given(world.registered()).when(PauseClock(clock=clock, **world.WAITED))
    if DEFAULT_RULES.service_level(clock).pause is None:
        outcome.rejected(ClockNeverPauses, clock=clock)
    else:
        outcome.then(ClockPaused)


def test_a_holiday_of_our_own_pauses_nothing() -> None:
    holiday = PauseClock(clock="resolve", reason_code="our_holiday", reason_text="春节放假")
    refused = given(world.in_progress()).when(holiday).rejected(NoReasonToPause, clock="resolve")
    assert "waiting_on_customer" in str(refused.rejection)


def test_a_clock_is_not_paused_twice_and_what_runs_is_not_resumed() -> None:
    running = given(world.in_progress())
    running.when(RESUME).rejected(ClockNotPaused, clock="resolve")
    paused = running.when(PAUSE)
    paused.when(PAUSE).rejected(ClockAlreadyPaused, clock="resolve")
    resumed = paused.when(RESUME)
    resumed.when(RESUME).rejected(ClockNotPaused)
    resumed.when(PAUSE).then(ClockPaused)


def test_an_open_request_to_the_customer_is_not_resumed_by_hand() -> None:
    given(world.waiting(world.in_progress())).when(RESUME).rejected(ClockNotPaused)


def test_what_is_resolved_has_no_clock_to_pause_or_to_resume() -> None:
    resolved = given(world.remedied()).when(PAUSE).when(ResolveComplaint())
    resolved.when(PAUSE).rejected(ClockNotRunning, clock="resolve")
    resolved.when(RESUME).rejected(ClockNotRunning, clock="resolve")


def test_a_new_cycle_begins_without_the_pause_of_the_last_one() -> None:
    resolved = given(world.remedied()).when(PAUSE).when(ResolveComplaint())
    disputed = resolved.when(DisputeResolution())
    disputed.when(RESUME).rejected(ClockNotPaused)
    disputed.when(PAUSE).then(ClockPaused)


def test_a_merge_undone_leaves_the_clock_as_paused_as_it_was() -> None:
    paused = given(world.in_progress()).when(PAUSE)
    merged = given(world.merged(paused.history))
    merged.when(RESUME).rejected(NotAllowedAtStage, stage="closed")
    unmerged = merged.when(UnmergeComplaint(**world.WHY), by=world.SUPERVISOR)
    unmerged.when(RESUME).then(ClockResumed)


def test_a_complaint_of_an_import_has_no_clock_to_pause() -> None:
    imported = given(world.closed_imported()[:1])
    imported.when(PAUSE).rejected(ClockNotRunning)
