"""Whoever waits for a view in the process that keeps it is told at once."""

import threading

from projections.reached import Reached
from tests.conftest import Database
from tests.projections.histories import store
from tests.projections.running import HISTORY, runner
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
