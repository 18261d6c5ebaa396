"""The runner on a real database: exactly once, in any batches, whoever runs or dies beside it."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from domain.kernel import Recorded
from ledger.migrate import migrate
from projections import VIEWS, all_views
from projections.engine import Lag, Runner
from projections.view import Row
from tests.conftest import Database
from tests.projections.histories import (
    REGISTRY,
    SECRET,
    store,
)
from tests.projections.running import (
    HISTORY,
    counted,
    counting,
    digests,
    query_all,
    runner,
    with_counted,
)

# --- the same, however it came about ----------------------------------------------------------


def test_views_are_the_same_live_and_rebuilt_in_any_batch_size(fresh_database: Database) -> None:
    live = runner(fresh_database, batch_size=3)
    for start in range(0, len(HISTORY), 37):
        store(fresh_database.owner, HISTORY[start : start + 37])
        live.catch_up()
    expected = digests(live)

    for batch_size in (1, 7, 1000):
        for view in VIEWS:
            assert live.rebuild(view, batch_size) == len(HISTORY)
        assert digests(live) == expected, f"rebuilt in batches of {batch_size}"
    assert live.lag() == {view: Lag(0, 0.0) for view in VIEWS}


def test_views_are_the_same_when_caught_up_in_any_batch_size(fresh_database: Database) -> None:
    store(fresh_database.owner, HISTORY)
    seen: set[Any] = set()
    for batch_size in (1000, 7, 1):
        query_all(fresh_database, "DELETE FROM views.positions")
        for view in all_views(SECRET):
            for table in view.tables:
                query_all(fresh_database, table.delete_all)
        running = runner(fresh_database, batch_size=batch_size)
        running.catch_up()
        assert running.positions() == {view: {0: len(HISTORY)} for view in VIEWS}
        seen.add(tuple(digests(running).items()))
    assert len(seen) == 1


def test_every_partition_is_taken_in_and_has_its_own_position(fresh_database: Database) -> None:
    migrate(fresh_database.owner, partitions=3)
    store(fresh_database.owner, HISTORY)
    live = runner(fresh_database, batch_size=50)
    live.catch_up()
    expected, reached = digests(live), live.positions()
    for places in reached.values():
        assert sorted(places) == [0, 1, 2]
        assert sum(places.values()) == len(HISTORY)
    assert [live.rebuild(view, 7) for view in VIEWS] == [len(HISTORY)] * len(VIEWS)
    assert (digests(live), live.positions()) == (expected, reached)


def test_a_batch_delivered_again_after_its_position_was_lost_changes_nothing(
    fresh_database: Database,
) -> None:
    store(fresh_database.owner, HISTORY[:200])
    running = runner(fresh_database)
    running.catch_up()
    before = digests(running)
    running.catch_up()
    running.catch_up()
    assert digests(running) == before


def test_an_empty_ledger_and_one_of_a_single_event_are_no_exceptions(
    fresh_database: Database,
) -> None:
    running = runner(fresh_database)
    running.catch_up()
    assert [running.rebuild(view) for view in VIEWS] == [0] * len(VIEWS)
    store(fresh_database.owner, HISTORY[:1])
    assert running.lag()["complaints"].events == 1
    running.catch_up()
    before = digests(running)
    assert [running.rebuild(view, 1) for view in VIEWS] == [1] * len(VIEWS)
    assert digests(running) == before


# --- several at once --------------------------------------------------------------------------


def test_two_runners_at_once_take_every_event_in_once(fresh_database: Database) -> None:
    with_counted(fresh_database)
    store(fresh_database.owner, HISTORY)
    both = [Runner(fresh_database.app, None, REGISTRY, [counting()], batch_size=5) for _ in "ab"]
    with ThreadPoolExecutor() as threads:
        list(threads.map(Runner.catch_up, both))
    assert counted(fresh_database) == len(HISTORY)


def test_a_runner_passes_a_view_by_that_another_works_on(fresh_database: Database) -> None:
    with_counted(fresh_database)
    store(fresh_database.owner, HISTORY[:20])
    counts = Runner(fresh_database.app, None, REGISTRY, [counting()])
    other = runner(fresh_database)
    other.catch_up()
    store(fresh_database.owner, HISTORY[20:40])
    begun, go_on = threading.Event(), threading.Event()

    def wait(rows: Sequence[Row], events: Sequence[Recorded[Any]]) -> list[Row]:
        begun.set()
        assert go_on.wait(30)
        return []

    slow = Runner(fresh_database.app, None, REGISTRY, [counting(wait, "complaints")])
    with ThreadPoolExecutor() as threads:
        busy = threads.submit(slow.catch_up)
        assert begun.wait(30)
        try:
            counts.catch_up()
            timeline = Runner(fresh_database.app, None, REGISTRY, all_views(SECRET)[1:])
            timeline.catch_up()
            assert other.positions()["complaints"] == {0: 20}
            assert other.positions()["timeline"] == {0: 40}
        finally:
            go_on.set()
        busy.result(30)
    assert other.positions()["complaints"] == {0: 40}


def test_readers_see_the_old_rows_until_a_rebuild_is_whole(fresh_database: Database) -> None:
    with_counted(fresh_database)
    store(fresh_database.owner, HISTORY[:50])
    running = Runner(fresh_database.app, None, REGISTRY, [counting()])
    running.catch_up()
    seen: list[tuple[int, int]] = []

    def look(done: int, total: int) -> None:
        running.catch_up() if done == total else None  # passes by: nothing is behind
        assert counted(fresh_database) == 50
        seen.append((done, total))

    assert running.rebuild("counted", 20, look) == 50
    assert len(set(seen)) > 2
    assert (seen, seen[0], seen[-1]) == (sorted(seen), (0, 50), (50, 50))
