"""Faults 2 and 10: PostgreSQL killed, restarted, and its connections dropped, under load."""

import asyncio
import os
import random
import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress

import httpx
import psycopg

from tests.api.serving import keys_of
from tests.faults.conftest import Rounds
from tests.faults.installation import Installation, Program, Server, running
from tests.faults.invariants import agreed, at_head, dense, explained
from tests.faults.load import Load
from tests.waiting import wait_until

CALLERS, COMPLAINTS = 8, 3


def kill(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def the_postmaster(installation: Installation, chance: random.Random) -> None:
    kill(installation.processes()[:1])


def every_process(installation: Installation, chance: random.Random) -> None:
    kill(installation.processes())


def one_backend(installation: Installation, chance: random.Random) -> None:
    """PostgreSQL itself starts all of its processes again then."""
    kill([chance.choice(installation.processes()[1:])])


def stopped_and_started(installation: Installation, chance: random.Random) -> None:
    installation.postgres.stop(chance.choice(["fast", "immediate"]))
    installation.postgres.start()


def connections_dropped(installation: Installation, chance: random.Random) -> None:
    """Some of them or all, again and again."""
    with psycopg.connect(installation.database.superuser, autocommit=True) as superuser:
        for _ in range(10):
            superuser.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE usename = 'closedloop_app' AND random() < %s",
                (chance.choice([0.2, 0.5, 1]),),
            )
            threading.Event().wait(chance.random() / 10)  # connected again, now and then


def survived(
    installation: Installation,
    processes: ExitStack,
    chance: random.Random,
    faults: Sequence[Callable[[Installation, random.Random], None]],
) -> None:
    """Break PostgreSQL under load again and again; nothing is touched by hand afterwards."""
    key = asyncio.run(keys_of(installation.database))["agent"]
    server, worker = Server(installation.folder), Program(installation.folder, "work")
    for program in (server, worker):
        processes.enter_context(running(program))
    load = processes.enter_context(Load(key, chance, [server.ready().url]))
    streams = load.streams(COMPLAINTS)
    with load.going(CALLERS, streams):
        for fault in faults:
            wait_until(load.more(chance.randint(20, 60)))
            print(f"{fault.__name__} after {load.acknowledged}")
            fault(installation, chance)
            wait_until(load.more(CALLERS + 1))
    assert {one.outcome for one in load.operations} <= {"accepted", "lost", "read"}, "all answered"
    assert server.is_running
    assert worker.is_running

    # No event waits for the next append: nothing is appended any more.
    wait_until(lambda: at_head(installation.database))
    wait_until(lambda: httpx.get(f"{server.url}/health/ready").status_code == 200)
    load.again(50)
    dense(installation.database)
    explained(load, installation.database)
    for program in (server, worker):
        program.stop()
    agreed(installation.database)


def test_a_killed_postgres_is_recovered_by_whoever_needs_it(
    installation: Installation, processes: ExitStack, chance: random.Random, rounds: Rounds
) -> None:
    faults = [the_postmaster, every_process, one_backend]
    chosen = chance.choices(faults, k=rounds(0, 3))
    survived(installation, processes, chance, chance.sample(faults, k=3) + chosen)


def test_a_restart_and_dropped_connections_end_nothing(
    installation: Installation, processes: ExitStack, chance: random.Random, rounds: Rounds
) -> None:
    faults = [stopped_and_started, connections_dropped, connections_dropped]
    survived(installation, processes, chance, faults * rounds(1, 2))
