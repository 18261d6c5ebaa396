"""The plan of the demonstration, decided by the rules of the domain without a database."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.desk import COMMANDS, CUSTOMER_COMMANDS
from api.simulation.plan import Scenario, plan
from api.simulation.telling import Step
from domain.complaint import COMPLAINT
from domain.complaint.state import ANY, Complaint
from domain.complaint.vocabulary import CloseReason
from domain.customer import CUSTOMER
from tests.api.told import History, told, told_of_all

UNTIL = datetime(2025, 3, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def demo() -> list[Scenario]:
    return plan(7, 300, UNTIL)


@pytest.fixture(scope="module")
def outcomes(demo: list[Scenario]) -> dict[int, tuple[Complaint, History]]:
    return {number: left for each in demo for number, left in told(each, UNTIL).items()}


TOLD_BY_POLICIES = frozenset({"RecordMergeReceived", "RecordMergeReverted"})
"""No key gives these, and no story either."""
FOLLOW = frozenset({"MergeReceived", "MergeReverted"})
"""Events of the policies, which run when the stories are told."""


def test_the_same_seed_gives_the_same_plan(demo: list[Scenario]) -> None:
    assert plan(7, 300, UNTIL) == demo
    assert plan(8, 300, UNTIL) != demo


def test_the_end_may_be_told_in_any_zone(demo: list[Scenario]) -> None:
    assert plan(7, 300, UNTIL.astimezone()) == demo
    with pytest.raises(ValueError, match="offset"):
        plan(7, 300, UNTIL.replace(tzinfo=None))


def test_a_smaller_plan_is_part_of_a_larger_one(demo: list[Scenario]) -> None:
    def steps(scenarios: list[Scenario]) -> list[Step]:
        return [step for each in scenarios for step in each.steps if step.complaint <= 60]

    for first in (59, 60):
        assert steps(plan(7, first, UNTIL)) == [
            step for step in steps(demo) if step.complaint <= first
        ]


def test_nothing_happens_after_the_end_or_before_the_ninety_days(demo: list[Scenario]) -> None:
    times = [step.occurred_at for scenario in demo for step in scenario.steps]
    assert UNTIL - timedelta(days=90) <= min(times) <= max(times) <= UNTIL


def test_every_key_names_seed_complaint_and_step(demo: list[Scenario]) -> None:
    keys = [step.key for scenario in demo for step in scenario.steps]
    assert len(set(keys)) == len(keys)
    assert {tuple(key.split(":")[:2]) for key in keys} == {("simulate", "7")}


def test_every_command_and_every_event_occurs(
    demo: list[Scenario], outcomes: dict[int, tuple[Complaint, History]]
) -> None:
    commands = {step.command for scenario in demo for step in scenario.steps}
    assert commands == set(COMMANDS | CUSTOMER_COMMANDS) - TOLD_BY_POLICIES
    histories = [history for _, history in outcomes.values()]
    histories += [history for s in demo for _, history in told_of_all(s, UNTIL)[1].values()]
    events = {type(each.event) for history in histories for each in history}
    told_of = {*COMPLAINT.events, *CUSTOMER.events}
    assert {each.__name__ for each in events} == {each.__name__ for each in told_of} - FOLLOW


def test_complaints_are_left_at_every_stage(
    outcomes: dict[int, tuple[Complaint, History]],
) -> None:
    stages = Counter(state.stage for state, _ in outcomes.values())
    assert stages.keys() == ANY
    reasons = Counter(state.close_reason for state, _ in outcomes.values() if state.close_reason)
    assert reasons.keys() == set(get_args(CloseReason)) - {"imported"}
    assert max(state.cycle for state, _ in outcomes.values()) == 3


def test_the_plan_knows_how_each_complaint_ends(
    demo: list[Scenario], outcomes: dict[int, tuple[Complaint, History]]
) -> None:
    planned = {number: end for scenario in demo for number, end in scenario.outcomes.items()}
    assert planned == {
        number: state.close_reason or "open" for number, (state, _) in outcomes.items()
    }


def test_the_shares_are_those_of_the_requirements(
    outcomes: dict[int, tuple[Complaint, History]],
) -> None:
    states = [state for state, _ in outcomes.values()]
    channels = Counter(state.facts.channel for state in states)
    shares = {"phone": 45, "wechat": 30, "web": 15, "social": 10}
    for channel, share in shares.items():
        assert abs(channels[channel] * 100 / len(states) - share) <= 3, channel
    assert channels.keys() == shares.keys()
    assert 10 <= Counter(s.severity for s in states)["major"] * 100 / len(states) <= 14
    assert Counter(s.facts.language for s in states).keys() == {"zh-CN", "en"}
    assert {state.facts.source_system for state in states} == {"demo"}


def test_acts_are_told_by_people_bots_notices_and_customers(
    outcomes: dict[int, tuple[Complaint, History]],
) -> None:
    metadata = [each.metadata for _, history in outcomes.values() for each in history]
    assert {each.actor.kind for each in metadata} == {"bot", "system", "customer"}
    assert {each.occurred_at_source for each in metadata} == {"provider"}
    assert {each.actor.role for each in metadata} == {"simulation"}
    people = {each.on_behalf_of for each in metadata if each.on_behalf_of is not None}
    assert len(people) > 20


def test_some_problems_are_confirmed_late_and_some_first_answers_are_in_time(
    outcomes: dict[int, tuple[Complaint, History]],
) -> None:
    late, waits = 0, []
    for state, history in outcomes.values():
        assert state.received_at is not None
        for each in history:
            late += getattr(each.event, "is_late", False)
        waits += [
            (each.occurred_at - state.received_at) / timedelta(minutes=1)
            for each in history
            if type(each.event).__name__ == "ComplaintAssessed"
        ][:1]
    assert late > 0
    met = sum(wait <= 15 for wait in waits)
    assert 0.5 < met / len(waits) < 0.9


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    complaints=st.integers(1, 60),
    until=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001
)
def test_no_order_of_any_plan_is_refused(seed: int, complaints: int, until: datetime) -> None:
    end = until.replace(tzinfo=UTC)
    for scenario in plan(seed, complaints, end):
        for number, (state, _) in told(scenario, end).items():
            assert scenario.outcomes[number] == (state.close_reason or "open")
