"""Workers share views and policies by leases: whoever lost one changes nothing any more."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace

from domain.kernel import Recorded
from domain.policies.policy import Reaction
from domain.policies.tell_survivor_of_merge import TELL_SURVIVOR_OF_MERGE
from domain.rules import Rules
from ledger.migrate import migrate
from projections import VIEWS
from projections.engine import Runner
from projections.leases import Leases
from projections.view import Row
from tests.conftest import Database
from tests.projections import reacting
from tests.projections.histories import REGISTRY, store
from tests.projections.merging import expected, merges, what_survivors_heard
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

SOON = 0.3  # seconds after which a lease without beat lapses


class Stopped:
    """A function that stands still the first time it is called, until it may go on."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._calls = iter(range(1))
        self.stands, self.may_go_on = threading.Event(), threading.Event()

    def __call__(self, *arguments: Any) -> Any:
        if next(self._calls, None) is not None:
            self.stands.set()
            assert self.may_go_on.wait(30)
        return self._function(*arguments)


def test_a_worker_that_stood_still_while_another_took_over_changes_nothing(
    fresh_database: Database,
) -> None:
    with_counted(fresh_database)
    store(fresh_database.owner, HISTORY)
    fold = Stopped(counting().fold)
    slow = Runner(fresh_database.app, None, REGISTRY, [counting(fold)], batch_size=20)
    other = Runner(
        fresh_database.app, None, REGISTRY, [counting()], batch_size=7, lease_seconds=SOON
    )
    with ThreadPoolExecutor() as threads:
        stopped = threads.submit(slow.catch_up)
        assert fold.stands.wait(30)
        other.catch_up()
        assert counted(fresh_database) == len(HISTORY)
        more = query(fresh_database, "SELECT epoch, position FROM views.positions")
        assert more == [(2, len(HISTORY))]
        query_all(fresh_database, "UPDATE views.counted SET number = number + 1000")
        before = counted(fresh_database)
        fold.may_go_on.set()
        stopped.result(30)
    assert counted(fresh_database) == before
    assert query(fresh_database, "SELECT position FROM views.positions") == [(len(HISTORY),)]


def test_a_policy_that_stood_still_while_another_took_over_orders_nothing_twice(
    fresh_database: Database,
) -> None:
    store(fresh_database.owner, merges())
    told = Stopped(lambda: None)

    def react(trigger: Recorded[Any], rules: Rules) -> Reaction:
        orders = yield from TELL_SURVIVOR_OF_MERGE.react(trigger, rules)
        told()
        return orders

    broken = replace(TELL_SURVIVOR_OF_MERGE, react=react)
    slow = reacting.runner(fresh_database, [broken])
    other = reacting.runner(fresh_database, [TELL_SURVIVOR_OF_MERGE], lease_seconds=SOON)
    with ThreadPoolExecutor() as threads:
        stopped = threads.submit(slow.catch_up)
        assert told.stands.wait(30)
        other.catch_up()
        assert what_survivors_heard(fresh_database) == expected()
        events = len(reacting.ledger(fresh_database))
        told.may_go_on.set()
        stopped.result(30)
    assert len(reacting.ledger(fresh_database)) == events


def test_workers_share_what_there_is_and_leave_it_to_the_others_when_they_stop(
    fresh_database: Database,
) -> None:
    store(fresh_database.owner, HISTORY[:100])

    def held() -> list[int]:
        holders = query(fresh_database, "SELECT holder FROM views.positions")
        return sorted(Counter(holder for (holder,) in holders if holder is not None).values())

    def is_shared(workers: int) -> bool:
        counts = held()
        return sum(counts) == len(VIEWS) and len(counts) == workers and counts[-1] - counts[0] <= 1

    with following(runner(fresh_database)):
        wait_until(lambda: is_shared(1))
        with following(runner(fresh_database), runner(fresh_database)):
            wait_until(lambda: is_shared(3))
            store(fresh_database.owner, HISTORY[100:])
            wait_until(lambda: runner(fresh_database).lag()["sla"].events == 0)
        wait_until(lambda: is_shared(1))
    assert held() == []
    running = runner(fresh_database)
    running.catch_up()
    expected = digests(running)
    for view in VIEWS:
        running.rebuild(view)
    assert digests(running) == expected


def test_a_holder_that_has_nothing_to_do_still_shows_that_it_lives(
    fresh_database: Database,
) -> None:
    def marks() -> list[Any]:
        return query(fresh_database, "SELECT min(beat), max(epoch) FROM views.positions")

    with following(runner(fresh_database, lease_seconds=1)):
        wait_until(lambda: marks()[0][0])
        watching = Leases(seconds=1)
        with psycopg.connect(fresh_database.app, autocommit=True) as connection:
            wait_until(lambda: _is_nothing_free(watching, connection) and marks()[0][0] >= 8)
    assert marks()[0][1] == 1


def _is_nothing_free(watching: Leases, connection: psycopg.Connection[Any]) -> bool:
    assert watching.free(watching.look(connection, list(VIEWS)), ()) == []
    return True


@pytest.mark.parametrize("batch_size", [3, 1000])
def test_a_worker_notices_that_a_view_was_rebuilt_under_its_hands(
    fresh_database: Database, batch_size: int
) -> None:
    """What it knew of the rows was of before: it reads them anew."""
    with_counted(fresh_database)
    store(fresh_database.owner, HISTORY[:100])
    running = Runner(fresh_database.app, None, REGISTRY, [counting()], batch_size=batch_size)
    with following(running):
        wait_until(lambda: counted(fresh_database) == 100)
        query_all(fresh_database, "UPDATE views.counted SET number = 0")
        running.rebuild("counted")
        assert counted(fresh_database) == 100
        store(fresh_database.owner, HISTORY[100:])
        wait_until(lambda: running.lag()["counted"].events == 0)
    assert counted(fresh_database) == len(HISTORY)


def test_rows_that_are_remembered_are_those_that_were_written(fresh_database: Database) -> None:
    """Event by event, with rows at hand: the same as rebuilt in one go."""
    running = runner(fresh_database, batch_size=25)
    with following(running):
        for start in range(0, len(HISTORY), 90):
            store(fresh_database.owner, HISTORY[start : start + 90])
        wait_until(lambda: {lag.events for lag in running.lag().values()} == {0})
    expected = digests(running)
    for view in VIEWS:
        running.rebuild(view)
    assert digests(running) == expected


def test_what_takes_long_is_taken_in_by_smaller_batches(fresh_database: Database) -> None:
    """Three workers too slow for a batch would take over from each other for ever."""
    with_counted(fresh_database)
    store(fresh_database.owner, HISTORY[:80])
    good = counting().fold

    def fold(rows: Sequence[Row], events: Sequence[Recorded[Any]]) -> Any:
        threading.Event().wait(0.01 * len(events))
        return good(rows, events)

    running = Runner(
        fresh_database.app, None, REGISTRY, [counting(fold)], batch_size=40, lease_seconds=0.5
    )
    steps: list[int] = []
    running.reached.on_step = lambda view, partition, position: steps.append(position)
    running.catch_up()
    assert steps[:4] == [0, 40, 60, 70]
    assert counted(fresh_database) == 80


def test_a_worker_of_a_fold_that_fails_halts_everywhere_and_says_so_to_all(
    fresh_database: Database,
) -> None:
    with_counted(fresh_database)
    store(fresh_database.owner, HISTORY[:10])

    def fold(rows: Sequence[Row], events: Sequence[Recorded[Any]]) -> Any:
        raise KeyError

    first = Runner(fresh_database.app, None, REGISTRY, [counting(fold)])
    second = Runner(fresh_database.app, None, REGISTRY, [counting(fold)])
    with following(first, second):
        wait_until(lambda: first.halted() and first.halted() == second.halted())
    [(before, cause)] = query(
        fresh_database, "SELECT halted_before, halted_cause FROM views.positions"
    )
    assert (before, cause.split(",")[0]) == ("ComplaintRegistered", "KeyError in test_leases.py")


def test_a_policy_of_which_somebody_has_locked_a_part_is_left_for_later(
    fresh_database: Database,
) -> None:
    migrate(fresh_database.owner, partitions=2)
    query_all(fresh_database, "INSERT INTO views.positions (view, partition) VALUES ('p', 0)")
    query_all(fresh_database, "INSERT INTO views.positions (view, partition) VALUES ('p', 1)")
    leases, lease = Leases(["p"]), ("p", 0)
    part = "FROM views.positions WHERE partition = 1"
    with (
        psycopg.connect(fresh_database.owner) as rebuild,
        psycopg.connect(fresh_database.app, autocommit=True) as connection,
    ):
        connection.execute("SET lock_timeout = '200ms'")
        assert leases.take(connection, [lease], leases.look(connection, ["p"])).keys() == {lease}
        rebuild.execute(f"SELECT {part} FOR UPDATE".encode())
        assert leases.take(connection, [lease], leases.look(connection, ["p"])) == {}
        [one, other] = leases.look(connection, ["p"])[lease]
        assert (one.holder, other.holder) == (None, leases.me)
        rebuild.rollback()
        standings = leases.look(connection, ["p"])
        assert leases.free(standings, []) == [lease]
        assert leases.take(connection, [lease], standings).keys() == {lease}
