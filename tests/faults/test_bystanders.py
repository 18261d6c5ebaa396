"""Fault 14: slow readers, long transactions of others, VACUUM and an index build meanwhile."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import psycopg
import pytest

from tests.api.following import streamed
from tests.api.serving import Api, served
from tests.conftest import Database
from tests.faults.conftest import Rounds
from tests.faults.invariants import agreed, at_head, dense, explained
from tests.faults.load import Load
from tests.projections.running import query
from tests.waiting import wait_until

LOCK_TIMEOUT_SECONDS = 2.0
BUILD = "CREATE INDEX CONCURRENTLY events_by_type ON ledger.events (type, partition, position)"


@pytest.fixture
def api(fresh_database: Database, processes: ExitStack) -> Api:
    return processes.enter_context(served(fresh_database))


@contextmanager
def a_long_transaction(database: Database, statement: str) -> Iterator[None]:
    """Somebody reads, or locks, and does not come to an end while the block runs."""
    with psycopg.connect(database.superuser) as other:
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        other.execute(statement)
        yield
        other.rollback()


@contextmanager
def a_slow_reader(api: Api) -> Iterator[None]:
    """A client of the feed who asks for everything and takes the first message only."""
    with streamed(api) as messages:
        next(messages)
        yield


@contextmanager
def beside(act: Callable[[], None]) -> Iterator[None]:
    """Something done by somebody else, which comes to its end."""
    failures: list[BaseException] = []

    def carried_out() -> None:
        try:
            act()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=carried_out)
    thread.start()
    try:
        yield
    finally:
        thread.join(60)
    assert not thread.is_alive()
    assert failures == []


def maintenance(database: Database, *statements: str) -> Callable[[], None]:
    def act() -> None:
        with psycopg.connect(database.superuser, autocommit=True) as superuser:
            for statement in statements:
                superuser.execute(statement)

    return act


def slowest(load: Load) -> float:
    """The longest that an order took, from call to answer."""
    return max(one.returned - one.invoked for one in load.operations)


def test_appends_go_on_beside_readers_and_maintenance(
    fresh_database: Database, api: Api, processes: ExitStack, chance: random.Random, rounds: Rounds
) -> None:
    load = processes.enter_context(Load(api.keys["agent"], chance, [api.url]))
    streams = load.streams(3)
    vacuum = maintenance(fresh_database, "VACUUM ANALYZE")
    # It waits for the long transaction, and nobody is to wait for it.
    build = maintenance(fresh_database, BUILD, "DROP INDEX CONCURRENTLY ledger.events_by_type")
    with load.going(6, streams), a_slow_reader(api):
        for _ in range(rounds(1, 3)):
            for act in (vacuum, build):
                reading = a_long_transaction(fresh_database, "SELECT count(*) FROM ledger.events")
                with beside(act), reading:
                    wait_until(load.more(40))
    assert load.turned_away == 0, "no append failed"
    assert slowest(load) < LOCK_TIMEOUT_SECONDS
    wait_until(lambda: at_head(fresh_database))
    dense(fresh_database)
    explained(load, fresh_database)


def test_a_locked_view_holds_up_neither_appends_nor_other_views(
    fresh_database: Database, api: Api, processes: ExitStack, chance: random.Random
) -> None:
    load = processes.enter_context(Load(api.keys["agent"], chance, [api.url]))
    streams = load.streams(3)
    wait_until(lambda: at_head(fresh_database))
    locking = a_long_transaction(fresh_database, "LOCK TABLE views.timeline")
    with load.going(4, streams), locking:
        before = position_of(fresh_database, "timeline")
        wait_until(load.more(100))
        there = load.acknowledged
        wait_until(lambda: position_of(fresh_database, "complaints") >= there // 2)
        assert position_of(fresh_database, "timeline") == before
    assert load.turned_away == 0
    assert slowest(load) < LOCK_TIMEOUT_SECONDS
    wait_until(lambda: at_head(fresh_database))
    processes.close()
    agreed(fresh_database)


def position_of(database: Database, view: str) -> int:
    [[position]] = query(database, f"SELECT position FROM views.positions WHERE view = '{view}'")
    return int(position)
