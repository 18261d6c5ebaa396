"""The demonstration on a real database."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
from msgspec.structs import replace

from api.simulation import (
    SimulationFailed,
    SimulationResult,
    compare,
    default_until,
    load_mix,
    plan,
    simulate,
    simulate_mix,
    summary,
)
from domain.rulebook.defaults import DEFAULT_RULES
from tests.api.serving import runner_of
from tests.api.test_import import _EVENTS, at_desk, select
from tests.conftest import Database

ZONE = DEFAULT_RULES.zone
UNTIL = datetime(2025, 3, 3, tzinfo=UTC)


def test_the_demonstration_is_what_was_planned_and_loading_it_again_changes_nothing(
    database: Database,
) -> None:
    shares: list[float] = []
    first = at_desk(
        database,
        lambda desk: simulate(
            desk,
            complaints=60,
            seed=7,
            until=UNTIL,
            progress=lambda done, share: shares.append(share),
        ),
    )
    planned = plan(7, 60, UNTIL)
    orders = sum(len(scenario.steps) for scenario in planned)
    outcomes = dict(
        sorted(Counter(end for each in planned for end in each.outcomes.values()).items())
    )
    assert first == SimulationResult(
        complaints=60, orders=orders, recorded=orders, until=UNTIL, outcomes=outcomes
    )
    assert len(shares) == len(planned)
    assert shares[-1] == 1.0
    events = select(database, _EVENTS)
    [(late,)] = select(
        database,
        "SELECT count(*) FROM ledger.readable_events"
        f" WHERE (metadata->>'occurred_at')::timestamptz > '{UNTIL.isoformat()}'",
    )
    assert late == 0

    again = at_desk(database, lambda desk: simulate(desk, complaints=60, seed=7, until=UNTIL))
    assert again.recorded == 0
    assert select(database, _EVENTS) == events
    assert "0 of them new" in summary(again)

    more = at_desk(database, lambda desk: simulate(desk, complaints=70, seed=7, until=UNTIL))
    assert more.complaints == 70
    assert 10 <= more.recorded == more.orders - orders


def test_the_same_seed_with_another_end_is_refused(database: Database) -> None:
    earlier = UNTIL - timedelta(days=1)
    with pytest.raises(SimulationFailed, match="simulated before, with another end"):
        at_desk(database, lambda desk: simulate(desk, complaints=3, seed=7, until=earlier))


def test_the_reports_say_what_a_mix_asks_for(fresh_database: Database) -> None:
    mix = replace(load_mix("2025q3"), complaints=120)
    result = at_desk(fresh_database, lambda desk: simulate_mix(desk, mix))
    assert result.complaints == 120
    assert at_desk(fresh_database, lambda desk: simulate_mix(desk, mix)).recorded == 0
    runner_of(fresh_database).catch_up()
    with psycopg.connect(fresh_database.uri("closedloop_bi")) as reports:
        lines = compare(mix, reports)
    assert [line for line in lines if not line.is_equal] == []
    assert {line.dimension for line in lines} == set(mix.shares())
    assert next(line for line in lines if line.kind == "major").share == Decimal("12.5")
    more = replace(mix, complaints=121)
    with psycopg.connect(fresh_database.uri("closedloop_bi")) as reports:
        assert any(not line.is_equal for line in compare(more, reports))


def test_a_mix_of_the_future_is_refused(fresh_database: Database) -> None:
    year = datetime.now(UTC).year
    mix = replace(load_mix("2025q3"), begin=date(year, 12, 1), end=date(year, 12, 31))
    with pytest.raises(SimulationFailed, match="in the future"):
        at_desk(fresh_database, lambda desk: simulate_mix(desk, mix))


def test_the_future_is_not_simulated(database: Database) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with pytest.raises(SimulationFailed, match="future"):
        at_desk(database, lambda desk: simulate(desk, complaints=3, seed=9, until=tomorrow))


def test_the_end_is_the_day_on_which_the_ledger_began(
    database: Database, fresh_database: Database
) -> None:
    now = datetime(2031, 5, 6, 20, 0, tzinfo=UTC)  # the 7th, where the organisation counts
    midnight = datetime(2031, 5, 6, 16, 0, tzinfo=UTC)
    empty = at_desk(fresh_database, lambda desk: default_until(desk.ledger, ZONE, now))
    assert empty == midnight
    begun = at_desk(database, lambda desk: default_until(desk.ledger, ZONE, now))
    [(recorded_at,)] = select(database, "SELECT min(recorded_at) FROM ledger.events")
    assert begun <= recorded_at < begun + timedelta(days=1)
