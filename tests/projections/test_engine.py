"""The runner on a real database: exactly once, in any batches, whoever else runs and whatever dies."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg
import pytest

from domain.complaint import COMPLAINT
from domain.complaint.contact import ContactRecorded
from domain.kernel import Recorded
from projections import VIEWS, all_views
from projections.batch import CorruptLedger, ViewHalted
from projections.engine import Lag, Runner
from projections.view import Row, Table, View
from tests import world
from tests.conftest import Database
from tests.projections.histories import (
    REGISTRY,
    SECRET,
    in_stream,
    random_histories,
    store,
    woven,
)

HISTORY = random_histories(seed=7, complaints=120)
PERSONAL_WORDS = "空调不制冷 😡"


def runner(database: Database, **options: Any) -> Runner:
    return Runner(database.app, None, REGISTRY, all_views(SECRET), **options)


def digests(running: Runner) -> dict[str, str]:
    return {view: running.digest(view) for view in VIEWS}


class Counted(Row, frozen=True):
    """How many events a complaint has: a view that only tests have."""

    complaint_id: UUID
    number: int


def counting(fold: Any = None, name: str = "counted") -> View:
    """A view that counts the events of a complaint, or does something worse."""

    def count(rows: Sequence[Row], events: Sequence[Recorded[Any]]) -> list[Row]:
        before = rows[0].number if rows else 0  # type: ignore[attr-defined]
        first = events[0]
        return [Counted(first.partition, first.stream_id, before + len(events))]

    table = Table("counted", Counted, ("partition", "complaint_id"))
    return View(name, (table,), COMPLAINT.events, fold or count)


def with_counted(database: Database) -> None:
    with psycopg.connect(database.owner) as connection:
        connection.execute(
            "CREATE TABLE views.counted (partition smallint, complaint_id uuid, number bigint,"
            " PRIMARY KEY (partition, complaint_id))"
        )


def counted(database: Database) -> int:
    return query(database, "SELECT coalesce(sum(number), 0)::int FROM views.counted")[0][0]


def query(database: Database, statement: str) -> list[Any]:
    with psycopg.connect(database.owner) as connection:
        return connection.execute(statement).fetchall()


# --- the same, however it came about ----------------------------------------------------------


def test_views_are_the_same_live_and_rebuilt_in_any_batch_size(fresh_database: Database) -> None:
    live = runner(fresh_database, batch_size=3)
    for start in range(0, len(HISTORY), 97):
        store(fresh_database.owner, HISTORY[start : start + 97])
        live.catch_up()
    expected = digests(live)

    for batch_size in (1, 7, 1000):
        for view in VIEWS:
            assert live.rebuild(view, batch_size) == len(HISTORY)
        assert digests(live) == expected, f"rebuilt in batches of {batch_size}"
    assert live.lag() == {view: Lag(0, 0.0) for view in VIEWS}


def test_views_are_the_same_when_caught_up_in_any_batch_size(fresh_database: Database) -> None:
    store(fresh_database.owner, HISTORY)
    seen = set()
    for batch_size in (1000, 7, 1):
        query_all(fresh_database, "DELETE FROM views.positions")
        for table in ("complaints", "complaint_source_facts", "timeline", "timeline_ends"):
            query_all(fresh_database, f"DELETE FROM views.{table}")
        for table in ("sla_clocks", "sla_complaints"):
            query_all(fresh_database, f"DELETE FROM views.{table}")
        running = runner(fresh_database, batch_size=batch_size)
        running.catch_up()
        assert running.positions() == {view: {0: len(HISTORY)} for view in VIEWS}
        seen.add(tuple(digests(running).items()))
    assert len(seen) == 1


def test_a_batch_delivered_again_after_its_position_was_lost_changes_nothing(
    fresh_database: Database,
) -> None:
    store(fresh_database.owner, HISTORY[:300])
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
    assert [running.rebuild(view) for view in VIEWS] == [0, 0, 0]
    store(fresh_database.owner, HISTORY[:1])
    assert running.lag()["complaints"].events == 1
    running.catch_up()
    before = digests(running)
    assert [running.rebuild(view, 1) for view in VIEWS] == [1, 1, 1]
    assert digests(running) == before


def query_all(database: Database, statement: str) -> None:
    with psycopg.connect(database.owner) as connection:
        connection.execute(statement)


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
    seen: list[tuple[int, int, int]] = []

    def look(done: int, total: int) -> None:
        running.catch_up() if done == total else None  # passes by: nothing is behind
        seen.append((done, total, counted(fresh_database)))

    assert running.rebuild("counted", 20, look) == 50
    assert seen == [(20, 50, 50), (40, 50, 50), (50, 50, 50)]


# --- what goes wrong --------------------------------------------------------------------------


def test_a_view_that_cannot_take_an_event_in_stands_before_it_and_others_go_on(
    fresh_database: Database,
) -> None:
    with_counted(fresh_database)
    store(fresh_database.owner, HISTORY)
    poison = next(item for item in HISTORY if isinstance(item.event, ContactRecorded))
    good = counting().fold

    def fold(rows: Sequence[Row], events: Sequence[Recorded[Any]]) -> Any:
        for item in events:
            if item.position == poison.position:
                raise ValueError(f"{PERSONAL_WORDS} of {item.stream_id}")
        return good(rows, events)

    views = [counting(fold), *all_views(SECRET)]
    for batch_size in (1, 7, 1000):
        running = Runner(fresh_database.app, None, REGISTRY, views, batch_size=batch_size)
        with pytest.raises(ViewHalted) as halted:
            running.catch_up()
        assert (halted.value.view, halted.value.position) == ("counted", poison.position)
        assert "ContactRecorded" in str(halted.value)
        assert "ValueError in test_engine.py" in str(halted.value)
        assert PERSONAL_WORDS not in str(halted.value)
        assert halted.value.__cause__ is None
        assert halted.value.__suppress_context__
        assert running.halted() == {"counted": str(halted.value)}
        assert counted(fresh_database) == poison.position - 1
        assert running.positions()["complaints"] == {0: len(HISTORY)}

    with pytest.raises(ViewHalted):
        running.rebuild("counted", 50)
    assert counted(fresh_database) == poison.position - 1, "the old rows are still there"
    Runner(fresh_database.app, None, REGISTRY, [counting()]).catch_up()
    assert counted(fresh_database) == len(HISTORY), "repaired, it goes on where it stood"


def test_an_event_that_cannot_be_read_halts_the_views_that_take_it_in(
    fresh_database: Database,
) -> None:
    store(fresh_database.owner, HISTORY[:10])
    with psycopg.connect(fresh_database.owner) as connection:
        connection.execute("ALTER TABLE ledger.events DISABLE TRIGGER events_are_for_ever")
        connection.execute("UPDATE ledger.events SET data = '{' WHERE position = 6")
    running = runner(fresh_database)
    with pytest.raises(ViewHalted, match="partition 0 at position 6"):
        running.catch_up()
    assert running.positions() == {view: {0: 5} for view in VIEWS}


def test_events_of_other_slices_are_passed_over(fresh_database: Database) -> None:
    store(fresh_database.owner, HISTORY[:10])
    with psycopg.connect(fresh_database.owner) as connection:
        connection.execute("ALTER TABLE ledger.events DISABLE TRIGGER events_are_for_ever")
        connection.execute("UPDATE ledger.events SET type = 'KeyIssued' WHERE version > 1")
    running = runner(fresh_database)
    running.catch_up()
    assert running.positions() == {view: {0: 10} for view in VIEWS}


@pytest.mark.parametrize("missing", [1, 5, 10])
def test_a_hole_in_the_ledger_stops_everything_loudly(
    fresh_database: Database, missing: int
) -> None:
    store(fresh_database.owner, HISTORY[:10])
    with psycopg.connect(fresh_database.owner) as connection:
        connection.execute("ALTER TABLE ledger.events DISABLE TRIGGER events_are_for_ever")
        connection.execute("DELETE FROM ledger.events WHERE position = %s", (missing,))
    for batch_size in (1, 7, 1000):
        with pytest.raises(CorruptLedger, match=f"partition 0 .* position {missing} "):
            runner(fresh_database, batch_size=batch_size).catch_up()
    with pytest.raises(CorruptLedger):
        runner(fresh_database).run(threading.Event(), threading.Event())
    with pytest.raises(CorruptLedger):
        runner(fresh_database).rebuild("complaints")


def test_a_ledger_that_lost_its_end_is_noticed(fresh_database: Database) -> None:
    store(fresh_database.owner, HISTORY[:10])
    runner(fresh_database).catch_up()
    with psycopg.connect(fresh_database.owner) as connection:
        connection.execute("ALTER TABLE ledger.events DISABLE TRIGGER events_are_for_ever")
        connection.execute("DELETE FROM ledger.events WHERE position = 10")
        connection.execute("UPDATE ledger.heads SET position = 9")
    with pytest.raises(CorruptLedger, match="no event at position 10 "):
        runner(fresh_database).catch_up()


def test_a_runner_that_dies_in_mid_batch_leaves_nothing_of_it(fresh_database: Database) -> None:
    with_counted(fresh_database)
    store(fresh_database.owner, HISTORY[:40])
    good, deaths = counting().fold, iter(range(3))

    def fold(rows: Sequence[Row], events: Sequence[Recorded[Any]]) -> Any:
        if next(deaths, None) is not None:
            query(fresh_database, _KILL)
        return good(rows, events)

    running = Runner(fresh_database.app, None, REGISTRY, [counting(fold)], batch_size=10)
    with pytest.raises(psycopg.OperationalError):
        running.catch_up()
    assert counted(fresh_database) == 0
    assert query(fresh_database, "SELECT position FROM views.positions") == [(0,)]

    stop, wake = threading.Event(), threading.Event()
    with ThreadPoolExecutor() as threads:
        going = threads.submit(running.run, stop, wake)  # connects again, twice
        try:
            wait_until(lambda: counted(fresh_database) == 40)
            store(fresh_database.owner, HISTORY[40:60])
            wake.set()
            wait_until(lambda: counted(fresh_database) == 60)
        finally:
            stop.set()
            wake.set()
        going.result(30)
    assert running.lag() == {"counted": Lag(0, 0.0)}


_KILL = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND usename = 'closedloop_app' AND state <> 'idle'"""


def wait_until(is_so: Any) -> None:
    """Look often, for at most half a minute."""
    for _ in range(3000):
        if is_so():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never came to that")


def test_a_history_begun_twice_is_refused_by_the_fold() -> None:
    [view] = [view for view in all_views(SECRET) if view.name == "timeline"]
    with pytest.raises(ValueError, match="begins with its registration"):
        list(view.fold([], woven(in_stream(1, world.registered()[1:] or world.assessed()[1:]))))
