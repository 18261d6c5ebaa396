"""Whoever waits for a view in the process that keeps it is told at once."""

import threading

import psycopg

from projections.reached import Reached
from tests.conftest import Database
from tests.projections.histories import store
from tests.projections.running import HISTORY, following, runner
from tests.waiting import wait_until


def test_whoever_listens_to_a_view_hears_each_of_its_steps() -> None:
    reached, heard = Reached(), threading.Event()
    with reached.listening("sla", heard.set):
        reached.tell("work", 0, 5)
        assert not heard.is_set()
        reached.tell("sla", 0, 5)
        assert heard.is_set()
    assert reached.has("sla", {0: 5})
    assert not reached.has("sla", {0: 6})
    assert not reached.has("sla", {0: 5, 1: 1})
    heard.clear()
    reached.tell("sla", 0, 6)
    assert not heard.is_set(), "nobody listens any more"


def test_what_may_have_been_taken_back_counts_as_reached_no_more() -> None:
    reached, lost = Reached(), threading.Event()
    reached.on_lost = lost.set
    reached.tell("sla", 0, 5)
    reached.forget()
    assert not reached.has("sla", {0: 1})
    assert lost.is_set()
    reached.tell("sla", 0, 3)
    assert reached.has("sla", {0: 3})


def test_a_runner_that_loses_the_database_tells_anew_how_far_it_is(
    fresh_database: Database,
) -> None:
    """A crash takes back what was told; who held a view then may be another afterwards."""
    running, lost = runner(fresh_database), threading.Event()
    with following(running):
        store(fresh_database.owner, HISTORY[:30])
        wait_until(lambda: running.reached.has("timeline", {0: 30}))
        running.reached.tell("timeline", 1, 30)  # what is in other hands by now
        running.reached.on_lost = lost.set
        with psycopg.connect(fresh_database.superuser) as superuser:
            superuser.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND usename = 'closedloop_app'"
            )
        assert lost.wait(30)
        assert not running.reached.has("timeline", {1: 1})
        wait_until(lambda: running.reached.has("timeline", {0: 30}))


def test_a_runner_tells_what_can_be_read(fresh_database: Database) -> None:
    running = runner(fresh_database)
    stop, wake, heard = threading.Event(), threading.Event(), threading.Event()
    thread = threading.Thread(target=running.run, args=(stop, wake))
    thread.start()
    try:
        with running.reached.listening("timeline", heard.set):
            store(fresh_database.owner, HISTORY[:30])
            wake.set()
            wait_until(lambda: running.reached.has("timeline", {0: 30}))
            assert heard.is_set()
            assert running.positions()["timeline"] == {0: 30}
    finally:
        stop.set()
        wake.set()
        thread.join(30)
