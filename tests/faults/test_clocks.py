"""Fault 12: the clocks of PostgreSQL and of the servers step back and forth by an hour."""

import random
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from tests.api.serving import served
from tests.conftest import Database
from tests.faults.conftest import Rounds
from tests.faults.invariants import agreed, at_head, dense, explained
from tests.faults.load import Load
from tests.projections.running import query
from tests.waiting import wait_until

STEPS = (-3600, 0, 3600)


class Clock:
    """A process's clock, which somebody sets."""

    def __init__(self) -> None:
        self.seconds = 0

    def __call__(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.seconds)


def step(database: Database, seconds: int) -> None:
    """Set the clock by which events are recorded."""
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute(
            "CREATE OR REPLACE FUNCTION ledger.clock() RETURNS timestamptz LANGUAGE sql VOLATILE"
            f" PARALLEL SAFE AS $$SELECT clock_timestamp() + interval '{seconds} seconds'$$"
        )


def epochs(database: Database) -> list[Any]:
    """Every lease that was ever given, by its number."""
    return query(database, "SELECT view, partition, epoch FROM views.positions ORDER BY 1, 2")


def test_nothing_but_the_times_depends_on_clocks(
    fresh_database: Database, processes: ExitStack, chance: random.Random, rounds: Rounds
) -> None:
    clocks = [Clock(), Clock()]
    # The second server keeps no views, so that nobody has a reason to take a lease over.
    apis = [
        processes.enter_context(served(fresh_database, now=clock, keeps_views=clock is clocks[0]))
        for clock in clocks
    ]
    load = processes.enter_context(Load(apis[0].keys["agent"], chance, [api.url for api in apis]))
    streams = load.streams(3)
    wait_until(lambda: at_head(fresh_database))
    held = epochs(fresh_database)
    with load.going(6, streams):
        for _ in range(rounds(2, 6)):
            step(fresh_database, chance.choice(STEPS))
            for clock in clocks:
                clock.seconds = chance.choice(STEPS)
            wait_until(load.more(30))
            load.again(10)
    wait_until(lambda: at_head(fresh_database))
    assert epochs(fresh_database) == held, "no lease was given anew"
    dense(fresh_database)
    explained(load, fresh_database)
    processes.close()
    agreed(fresh_database)
