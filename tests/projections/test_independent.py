"""Acceptance: the three reports, and the repeat classes, equal what the raw events come to.

Worked out apart (`tests.projections.independent`), for the demonstration and for random ledgers
with reopenings, merges, identity changes, pauses, corrections and late facts.
"""

import os
import random
from datetime import UTC, datetime, timedelta

import pytest

from api.simulation import simulate
from tests.api.serving import runner_of
from tests.api.test_import import at_desk
from tests.conftest import Database
from tests.projections.independent import ZONE, classes_differ, reports_differ
from tests.projections.independent_repeat_rate import COUNTS, repeat_rate
from tests.projections.independent_satisfaction import satisfaction
from tests.projections.ledgers import live, random_ledger
from tests.projections.raw_events import raw_events

LEDGERS = int(os.environ.get("CLOSEDLOOP_TEST_LEDGERS", "3"))
"""How many random ledgers are compared; `CLOSEDLOOP_TEST_LEDGERS=50` looks harder."""


@pytest.mark.parametrize("seed", range(LEDGERS))
def test_reports_and_classes_are_what_the_raw_events_come_to(
    fresh_database: Database, seed: int
) -> None:
    ledger = random_ledger(seed)
    live(fresh_database, ledger, random.Random(seed))
    raw = raw_events(fresh_database.owner)
    assert len(raw) > len(ledger)  # policies had something to say
    assert classes_differ(raw) == []
    last = ledger[-1].recorded_at
    for present in (last - timedelta(days=200), last - timedelta(days=60), last):
        assert reports_differ(raw, fresh_database.uri("closedloop_bi"), present) == []


def test_reports_and_classes_of_the_demonstration_are_what_the_raw_events_come_to(
    fresh_database: Database,
) -> None:
    until = datetime(2026, 3, 2, tzinfo=UTC)
    at_desk(fresh_database, lambda desk: simulate(desk, complaints=40, seed=7, until=until))
    runner_of(fresh_database).catch_up()
    raw = raw_events(fresh_database.owner)
    assert classes_differ(raw) == []
    for present in (until, until + timedelta(days=100)):
        assert reports_differ(raw, fresh_database.uri("closedloop_bi"), present) == []


def test_random_ledgers_have_everything_in_them_that_a_report_counts(
    fresh_database: Database,
) -> None:
    """Else that they agree would say little."""
    ledger = random_ledger(1, worked_on=60, lived=240)
    live(fresh_database, ledger, random.Random(1), parts=2)
    raw = raw_events(fresh_database.owner)
    assert classes_differ(raw) == []
    assert reports_differ(raw, fresh_database.uri("closedloop_bi"), ledger[-1].recorded_at) == []
    rates = repeat_rate(raw, ledger[-1].recorded_at, ZONE)
    seen = {
        f"{metric} {name}"
        for (metric, _, _), counts in rates.items()
        for name, number in counts.items()
        if number
    }
    without = {  # what cannot be, and external returns, which are rare
        "repeat_share": {"reopened", "undated"},
        "return_rate": {"initial", "related", "unclassified", "external"},
    }
    for metric, names in without.items():
        assert seen >= {f"{metric} {name}" for name in set(COUNTS) - names}
    asked = satisfaction(raw, ZONE).values()
    empty = {name for counts in asked for name in counts} - {
        name for counts in asked for name, number in counts.items() if number
    }
    assert empty <= {"declined_count"}  # nothing is resolved that was declined
