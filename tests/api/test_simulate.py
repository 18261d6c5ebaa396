"""The demonstration on a real database."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from api.simulation import (
    SimulationFailed,
    SimulationResult,
    default_until,
    plan,
    simulate,
    summary,
)
from domain.rulebook.defaults import DEFAULT_RULES
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
