"""Views are made anew while they serve: nobody who reads or writes notices, whatever dies."""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from projections import all_views, swapping
from projections.alone import AlreadyRebuilding
from projections.engine import Runner
from tests.conftest import Database
from tests.projections.histories import REGISTRY, SECRET, random_histories, store
from tests.projections.running import (
    HISTORY,
    counted,
    counting,
    digests,
    following,
    query,
    query_all,
    runner,
    with_counted,
)
from tests.waiting import wait_until

PHASES = ("folding streams", "making indexes", "taking in what came since")
GENERATIONS = """
SELECT count(*) FILTER (WHERE relispartition), count(*) FROM pg_class
WHERE relnamespace = 'generations'::regnamespace AND relkind = 'r' AND relname LIKE 'timeline%'"""
LOGINS = ("closedloop_app", "closedloop", "closedloop_bi", "closedloop_audit")
BOTH = """
SELECT position, (SELECT coalesce(sum(number), 0)::bigint FROM views.counted)
FROM views.positions WHERE view = 'counted'"""


def counts(database: Database) -> Runner:
    return Runner(database.app, None, REGISTRY, [counting()], batch_size=20)


# --- while it serves --------------------------------------------------------------------------


def test_no_reader_ever_sees_a_mixture_while_views_are_rebuilt_under_live_writes(
    fresh_database: Database,
) -> None:
    """Every complaint event counts one, so the rows always add up to the position."""
    with_counted(fresh_database)
    is_over, seen = threading.Event(), [0, 0, 0]

    def read(number: int, login: str, isolation: str, before: str) -> None:
        with psycopg.connect(fresh_database.uri(login), autocommit=True) as reader:
            last = 0
            while not is_over.is_set():
                with reader.transaction():
                    reader.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation}".encode())
                    reader.execute(before.encode())  # repeatable: the snapshot, long before
                    row = reader.execute(BOTH).fetchone()
                assert row is not None
                assert row[0] == row[1], "rows and position are of one moment"
                assert row[0] >= last, "and that never goes back"
                last = row[0]
                seen[number] += 1

    def write() -> None:
        for start in range(0, len(HISTORY), 10):
            store(fresh_database.owner, HISTORY[start : start + 10])
            is_over.wait(0.02)

    running = counts(fresh_database)
    with ThreadPoolExecutor() as threads, following(counts(fresh_database)):
        wait_until(lambda: query(fresh_database, BOTH) != [])
        readers = [
            threads.submit(read, 0, LOGINS[0], "REPEATABLE READ", "SELECT pg_sleep(0.03)"),
            threads.submit(read, 1, LOGINS[1], "REPEATABLE READ", "SELECT pg_sleep(0.03)"),
            threads.submit(read, 2, LOGINS[0], "READ COMMITTED", "SELECT 1"),
        ]
        writer = threads.submit(write)
        try:
            rebuilds = 0
            while not writer.done():
                running.rebuild("counted", 25)
                rebuilds += 1
        finally:
            is_over.set()
        for work in (writer, *readers):
            work.result(30)
        wait_until(lambda: counted(fresh_database) == len(HISTORY))
    assert rebuilds > 1
    assert min(seen) > 10


@pytest.mark.parametrize("login", LOGINS)
def test_a_report_that_began_before_is_waited_for_and_nobody_waits_with_it(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch, login: str
) -> None:
    """Whoever makes it: the application, which rebuilds, sees little of the sessions of others."""
    monkeypatch.setattr(swapping, "PATIENCE_SECONDS", 0.1)
    with_counted(fresh_database)
    query_all(fresh_database, f"GRANT USAGE ON SCHEMA views TO {login}")
    query_all(fresh_database, f"GRANT SELECT ON views.counted, views.positions TO {login}")
    store(fresh_database.owner, HISTORY[:60])
    running = counts(fresh_database)
    running.catch_up()
    told: list[str] = []
    with ThreadPoolExecutor() as threads, psycopg.connect(fresh_database.uri(login)) as report:
        report.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        report.execute("SELECT count(*) FROM pg_class")  # its snapshot, and no table of ours
        store(fresh_database.owner, HISTORY[60:90])
        rebuild = threads.submit(running.rebuild, "counted", 20, tell=told.append)
        wait_until(lambda: "waiting for readers that began before" in told)
        with following(counts(fresh_database)):
            wait_until(lambda: counted(fresh_database) == 90)
        assert report.execute(BOTH).fetchone() == (60, 60)
        assert not rebuild.done()
        report.rollback()
        assert rebuild.result(30) == 90
    assert query(fresh_database, BOTH) == [(90, 90)]


def test_the_rows_that_were_replaced_stay_aside_until_they_are_dropped(
    fresh_database: Database,
) -> None:
    store(fresh_database.owner, HISTORY[:50])
    running = runner(fresh_database)
    for _ in range(3):
        running.rebuild("timeline")
        assert query(fresh_database, GENERATIONS) == [(2, 4)], "of two tables"
    assert running.drop_old("timeline") == 2
    assert query(fresh_database, GENERATIONS) == [(2, 2)]
    assert query(fresh_database, "SELECT count(*) FROM views.timeline") == [(50,)]


def test_an_old_generation_keeps_the_indexes_and_names_of_the_tables(
    fresh_database: Database,
) -> None:
    shape = """
    SELECT c.relname, i.indisunique, i.indisvalid, count(p.inhrelid)
    FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
         LEFT JOIN pg_inherits AS p ON p.inhparent = c.oid
    WHERE c.relnamespace = 'views'::regnamespace AND c.relkind = 'I' GROUP BY 1, 2, 3 ORDER BY 1"""
    before = query(fresh_database, shape)
    running = runner(fresh_database)
    for view in all_views(SECRET):
        running.rebuild(view.name)
        running.drop_old(view.name)
    assert query(fresh_database, shape) == before
    assert {row[2:] for row in before} == {(True, 1)}


# --- what dies, and what has changed ----------------------------------------------------------


def _die_at(uri: str, phase: str) -> None:
    def tell(line: str) -> None:
        if line == phase:
            os.kill(os.getpid(), signal.SIGKILL)

    Runner(uri, None, REGISTRY, all_views(SECRET)).rebuild("complaints", 40, tell=tell)


def _die_folding(uri: str, slices: int) -> None:
    left = iter(range(slices))

    def progress(done: int, total: int) -> None:
        if done and next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    Runner(uri, None, REGISTRY, all_views(SECRET)).rebuild("complaints", 40, progress)


@pytest.mark.parametrize(
    ("die", "when"), [*((_die_at, phase) for phase in PHASES), (_die_folding, 5)]
)
def test_a_rebuild_that_was_killed_goes_on_where_it_was(
    fresh_database: Database, die: Any, when: Any
) -> None:
    store(fresh_database.owner, HISTORY)
    running = runner(fresh_database)
    running.catch_up()
    expected = running.digest("complaints")
    spawning = multiprocessing.get_context("spawn")
    process = spawning.Process(target=die, args=(fresh_database.app, when))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert running.digest("complaints") == expected
    folded = "SELECT count(*) FROM views.rebuild_slices WHERE events IS NOT NULL"
    [(before,)] = query(fresh_database, folded)
    assert (before > 0) == (when != PHASES[0])

    told: list[str] = []
    seen: list[int] = []
    wait_until(lambda: not _is_at_work(fresh_database))
    running.rebuild("complaints", 40, lambda done, total: seen.append(done), tell=told.append)
    assert told[0] == "goes on where it was left"
    assert (seen[0] > 0) == (before > 0)
    assert running.digest("complaints") == expected
    assert query(fresh_database, "SELECT count(*) FROM views.rebuilds") == [(0,)]


def _is_at_work(database: Database) -> bool:
    """Whether the server still has to notice that a client is gone."""
    return query(database, "SELECT FROM pg_locks WHERE locktype = 'advisory'") != []


def test_what_was_begun_in_another_shape_begins_anew(fresh_database: Database) -> None:
    store(fresh_database.owner, HISTORY)

    def interrupt(line: str) -> None:
        if line == PHASES[1]:
            raise KeyboardInterrupt

    for change in ("another secret", "another column"):
        views = all_views(b"another" if change == "another secret" else SECRET)
        with pytest.raises(KeyboardInterrupt):
            Runner(fresh_database.app, None, REGISTRY, views).rebuild("complaints", tell=interrupt)
        if change == "another column":
            query_all(fresh_database, "ALTER TABLE views.complaints ADD COLUMN further text")
        told: list[str] = []
        running = runner(fresh_database)
        running.rebuild("complaints", tell=told.append)
        assert "changed: begins anew" in told[0], change
    live = runner(fresh_database)
    expected = live.digest("complaints")
    query_all(fresh_database, "DELETE FROM views.complaints")
    query_all(fresh_database, "DELETE FROM views.complaint_customers")
    query_all(fresh_database, "DELETE FROM views.complaint_source_facts")
    query_all(fresh_database, "DELETE FROM views.positions WHERE view = 'complaints'")
    live.catch_up()
    assert live.digest("complaints") == expected


def test_of_two_rebuilds_of_a_view_at_once_the_second_says_so(fresh_database: Database) -> None:
    store(fresh_database.owner, HISTORY[:50])
    one, other = runner(fresh_database), runner(fresh_database)

    def tell(line: str) -> None:
        with pytest.raises(AlreadyRebuilding, match="timeline is being rebuilt by somebody else"):
            other.rebuild("timeline")
        with pytest.raises(AlreadyRebuilding):
            other.drop_old("timeline")

    assert one.rebuild("timeline", tell=tell) == 50
    assert other.rebuild("timeline") == 50


def test_processes_that_share_the_work_come_to_the_same(fresh_database: Database) -> None:
    store(fresh_database.owner, random_histories(seed=3, complaints=60))
    running = runner(fresh_database)
    running.catch_up()
    expected = digests(running)
    for view in ("complaints", "sla"):
        running.rebuild(view, 50, workers=2)
    assert digests(running) == expected


def test_what_is_skipped_or_parked_is_left_out_of_a_rebuild_too(fresh_database: Database) -> None:
    with_counted(fresh_database)
    store(fresh_database.owner, HISTORY)
    stream, position, rest = next(
        (one.stream_id, one.position, sum(e.stream_id == one.stream_id for e in HISTORY) - 2)
        for one in HISTORY
        if one.version == 3
    )
    with psycopg.connect(fresh_database.owner) as owner:
        owner.execute(
            "INSERT INTO views.skipped VALUES ('counted', 0, 1, 'of no use', 'ann', now())"
        )
        owner.execute(
            "INSERT INTO views.parked VALUES ('counted', 0, %s, %s, 'x', 'y', now())",
            (stream, position),
        )
    running = counts(fresh_database)
    assert running.rebuild("counted", 30) == len(HISTORY)
    assert counted(fresh_database) == len(HISTORY) - 1 - rest
