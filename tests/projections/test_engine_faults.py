"""What goes wrong stops loudly at its place, and nothing is lost, doubled or skipped."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from domain.complaint.contact import ContactRecorded
from domain.kernel import Recorded
from projections import VIEWS, all_views
from projections.engine import Lag, Runner
from projections.halting import ViewHalted, stop_all_ahead
from projections.reader import CorruptLedger
from projections.view import Row
from tests import world
from tests.conftest import Database
from tests.projections.histories import REGISTRY, SECRET, in_stream, store, woven
from tests.projections.running import HISTORY, counted, counting, query, runner, with_counted
from tests.waiting import wait_until

PERSONAL_WORDS = "空调不制冷 😡"


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

    views = [counting(fold), all_views(SECRET)[0]]
    for batch_size in (1000, 7, 1):
        running = Runner(fresh_database.app, None, REGISTRY, views, batch_size=batch_size)
        with pytest.raises(ViewHalted) as halted:
            running.catch_up()
        assert (halted.value.view, halted.value.position) == ("counted", poison.position)
        assert "ContactRecorded" in str(halted.value)
        assert "ValueError in test_engine_faults.py" in str(halted.value)
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


def test_a_halted_view_goes_on_by_itself_once_it_can(fresh_database: Database) -> None:
    with_counted(fresh_database)
    store(fresh_database.owner, HISTORY[:40])
    good, is_broken = counting().fold, threading.Event()
    is_broken.set()

    def fold(rows: Sequence[Row], events: Sequence[Recorded[Any]]) -> Any:
        if is_broken.is_set() and events[-1].position > 20:
            raise KeyError(PERSONAL_WORDS)
        return good(rows, events)

    running = Runner(
        fresh_database.app,
        None,
        REGISTRY,
        [counting(fold), *all_views(SECRET)],
        try_again_after=0.05,
    )
    stop, wake = threading.Event(), threading.Event()
    with ThreadPoolExecutor() as threads:
        going = threads.submit(running.run, stop, wake)
        try:
            wait_until(lambda: "position 21" in running.halted().get("counted", ""))
            wait_until(lambda: running.positions()["timeline"] == {0: 40})
            assert counted(fresh_database) == 20
            is_broken.clear()
            wait_until(lambda: counted(fresh_database) == 40)
        finally:
            stop.set()
            wake.set()
        going.result(30)
    assert running.halted() == {}


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
    unread = type(HISTORY[5].event).__name__
    assert running.positions() == {
        view.name: {0: 5 if unread in view.event_types else 10} for view in all_views(SECRET)
    }


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ("type = 'ComplaintPraised'", "ComplaintPraised"),
        ("schema_version = 99", HISTORY[5].event.__class__.__name__),
        ("type = 'KeyIssued', schema_version = 99", "KeyIssued"),
    ],
)
def test_an_event_of_a_newer_release_halts_every_view_before_it(
    fresh_database: Database, change: str, seen: str
) -> None:
    store(fresh_database.owner, HISTORY[:10])
    with psycopg.connect(fresh_database.owner) as connection:
        connection.execute("ALTER TABLE ledger.events DISABLE TRIGGER events_are_for_ever")
        connection.execute(f"UPDATE ledger.events SET {change} WHERE position = 6")
    for batch_size in (1000, 4, 1):
        running = runner(fresh_database, batch_size=batch_size)
        with pytest.raises(ViewHalted, match="not known to this release") as halted:
            running.catch_up()
        assert (halted.value.position, halted.value.event_type) == (6, seen)
        assert set(running.halted()) == set(VIEWS)
        assert running.positions() == {view: {0: 5} for view in VIEWS}
    for view in ("timeline", "sla", "preventions"):  # that take in most, some, nothing of these
        with pytest.raises(ViewHalted, match="not known to this release") as halted:
            runner(fresh_database).rebuild(view)
        assert (halted.value.position, halted.value.event_type) == (6, seen)


def test_events_of_other_slices_are_passed_over(fresh_database: Database) -> None:
    store(fresh_database.owner, HISTORY[:10])
    with psycopg.connect(fresh_database.owner) as connection:
        connection.execute("ALTER TABLE ledger.events DISABLE TRIGGER events_are_for_ever")
        connection.execute(
            "UPDATE ledger.events SET type = 'KeyIssued', schema_version = 1 WHERE version > 1"
        )
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
    for view in ("complaints", "preventions"):  # that read nearly all of it, or nothing
        with pytest.raises(CorruptLedger, match=f"partition 0 .* position {missing} "):
            runner(fresh_database).rebuild(view)


def test_views_ahead_of_a_ledger_that_lost_its_end_stop_until_they_are_rebuilt(
    fresh_database: Database,
) -> None:
    store(fresh_database.owner, HISTORY[:10])
    running = runner(fresh_database)
    running.catch_up()
    running.rebuild("timeline")
    as_it_was = running.digest("timeline")
    store(fresh_database.owner, HISTORY[10:12])
    running.catch_up()
    with psycopg.connect(fresh_database.owner) as connection:
        connection.execute("ALTER TABLE ledger.events DISABLE TRIGGER events_are_for_ever")
        connection.execute("DELETE FROM ledger.events WHERE position > 10")
        connection.execute("UPDATE ledger.heads SET position = 10")
    with pytest.raises(ViewHalted, match=r"at position 13 .*its head was 10.*`closedloop rebuild"):
        running.catch_up()
    running.rebuild("timeline")
    assert running.digest("timeline") == as_it_was

    store(fresh_database.owner, HISTORY[10:20])  # their places are given out anew
    with pytest.raises(ViewHalted, match="more than the ledger holds"):
        running.catch_up()
    places = running.positions()
    assert places.pop("timeline") == {0: 20}
    assert all(place == {0: 12} for place in places.values()), "nothing was passed over"
    assert set(running.halted()) == set(places)
    for view in places:
        running.rebuild(view)
    running.catch_up()
    assert running.halted() == {}
    for view in VIEWS:
        live = running.digest(view)
        running.rebuild(view)
        assert running.digest(view) == live


def test_what_was_found_ahead_goes_on_with_no_event_though_no_runner_had_looked(
    fresh_database: Database,
) -> None:
    """Whoever gives commands looks first: a worker may come later."""
    store(fresh_database.owner, HISTORY[:12])
    running = runner(fresh_database)
    running.catch_up()
    with psycopg.connect(fresh_database.owner) as connection:
        connection.execute("ALTER TABLE ledger.events DISABLE TRIGGER events_are_for_ever")
        connection.execute("DELETE FROM ledger.events WHERE position > 10")
        connection.execute("UPDATE ledger.heads SET position = 10")
    with psycopg.connect(fresh_database.app) as connection:
        assert len(stop_all_ahead(connection)) == len(VIEWS)
        assert stop_all_ahead(connection) == []
    store(fresh_database.owner, HISTORY[10:20])
    with pytest.raises(ViewHalted, match="more than the ledger holds"):
        running.catch_up()
    assert all(place == {0: 12} for place in running.positions().values())


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
WHERE datname = current_database() AND usename = 'closedloop_app'"""


def test_a_history_begun_twice_is_refused_by_the_fold() -> None:
    [view] = [view for view in all_views(SECRET) if view.name == "timeline"]
    with pytest.raises(ValueError, match="begins with its registration"):
        list(view.fold([], woven(in_stream(1, world.registered()[1:] or world.assessed()[1:]))))
