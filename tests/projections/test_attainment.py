"""Acceptance: `bi.sla_attainment` equals what the raw events come to, worked out apart."""

from datetime import timedelta
from typing import Any

import pytest

from projections import all_views
from projections.engine import Runner
from tests.conftest import Database
from tests.projections.histories import REGISTRY, SECRET, random_histories, store
from tests.projections.independent_sla import (
    all_clocks,
    attainment,
    published,
    published_clocks,
)
from tests.projections.raw_events import raw_events

ZONE = "Asia/Shanghai"


@pytest.mark.parametrize("seed", range(4))
def test_attainment_is_what_the_raw_events_come_to(fresh_database: Database, seed: int) -> None:
    history = random_histories(seed, complaints=150)
    store(fresh_database.owner, history)
    Runner(fresh_database.app, None, REGISTRY, all_views(SECRET)).catch_up()
    raw = raw_events(fresh_database.owner)
    assert len(raw) == len(history)

    last = history[-1].recorded_at
    seen: set[Any] = set()
    for present in (last - timedelta(days=30), last, last + timedelta(days=9)):
        expected = attainment(raw, present, ZONE)
        assert published(fresh_database.uri("closedloop_bi"), present) == expected
        seen.update(name for counts in expected.values() for name, n in counts.items() if n)
    each = all_clocks(raw, last)
    assert published_clocks(fresh_database.uri("closedloop_bi"), last) == each
    assert any(paused for *_, paused in each.values())
    assert seen >= {"met", "missed", "overdue", "out_of_rates", "disputed"}
