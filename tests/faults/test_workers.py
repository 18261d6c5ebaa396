"""Faults 7 and 8: workers killed in mid batch, and paused while another takes over."""

import random
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain.kernel import Recorded
from domain.policies import ALL_POLICIES
from projections import VIEWS, all_views
from projections.engine import Runner
from tests.api.serving import SECRET, runner_of
from tests.conftest import Database
from tests.faults.conftest import Rounds
from tests.faults.installation import Forked, running
from tests.faults.invariants import agreed, at_head, dense
from tests.faults.relay import Relay, Trap
from tests.projections.histories import REGISTRY, random_histories, store, woven
from tests.projections.running import query
from tests.waiting import wait_until

LEASE_SECONDS = 0.4
# Views write with a statement that ends as SELECT; policies in transactions.
MOMENTS = ("SELECT", "SELECT", "UPDATE", "BEGIN", "COMMIT")


def work(uri: str, batch_size: int) -> None:
    """What `closedloop work` does, with leases that lapse sooner, until it is told to stop."""
    runner = Runner(
        uri,
        None,
        REGISTRY,
        all_views(SECRET),
        ALL_POLICIES,
        secret=SECRET,
        batch_size=batch_size,
        lease_seconds=LEASE_SECONDS,
    )
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
    runner.run(stop, threading.Event())


@pytest.fixture
def relay(fresh_database: Database, processes: ExitStack) -> Relay:
    """What stands between a worker and PostgreSQL."""
    relay = Relay(fresh_database.app)
    processes.callback(relay.close)
    return relay


def complaints(chance: random.Random, at_once: int) -> Iterator[list[Recorded[Any]]]:
    """Whole complaints, some at a time: policies add to those that are there."""
    while True:
        lives: dict[UUID, list[Recorded[Any]]] = {}
        for item in random_histories(seed=chance.randrange(10**6), complaints=40):
            lives.setdefault(item.stream_id, []).append(item)
        for some in zip(*[iter(lives.values())] * at_once, strict=True):
            now = datetime.now(UTC)
            yield [replace(item, recorded_at=now) for item in woven(*some)]


def test_workers_killed_in_mid_batch_leave_views_as_if_nothing_had_happened(
    fresh_database: Database,
    relay: Relay,
    processes: ExitStack,
    chance: random.Random,
    rounds: Rounds,
) -> None:
    deaths, killed, more = rounds(5, 50), 0, complaints(chance, 2)
    uri = relay.uri(fresh_database.app)
    while killed < deaths:
        store(fresh_database.owner, next(more))
        worker = Forked(work, uri, chance.choice([7, 100]))
        moment, count = chance.choice(MOMENTS), chance.randint(1, 20)
        with running(worker), relay.trap(moment, count, worker.process.kill) as trap:
            killed += _is_sprung(trap, fresh_database)
    _caught_up(fresh_database, Forked(work, fresh_database.app, 100))
    dense(fresh_database)
    agreed(fresh_database)


def test_a_paused_worker_that_comes_back_changes_nothing(
    fresh_database: Database,
    relay: Relay,
    processes: ExitStack,
    chance: random.Random,
    rounds: Rounds,
) -> None:
    more, uri, paused = complaints(chance, 4), relay.uri(fresh_database.app), 0
    while paused < rounds(1, 10):
        store(fresh_database.owner, next(more))
        first = Forked(work, uri, chance.choice([7, 100]))
        moment, count = chance.choice(MOMENTS), chance.randint(1, 30)
        pause = partial(first.signal, signal.SIGSTOP)
        with running(first), relay.trap(moment, count, pause, is_cut=False) as trap:
            if _is_sprung(trap, fresh_database):
                paused += 1
                _taken_over(fresh_database, first, next(more), next(more))
    dense(fresh_database)
    agreed(fresh_database)


def _taken_over(
    database: Database, paused: Forked, meanwhile: list[Recorded[Any]], later: list[Recorded[Any]]
) -> None:
    """Another worker goes on, and the paused one comes back to what it had in hand."""
    second = Forked(work, database.app, 100)
    with running(second):
        store(database.owner, meanwhile)
        wait_until(lambda: at_head(database))
        before, held = digests(database), leases(database)
        paused.signal(signal.SIGCONT)
        # It finds out that everything was taken over, and takes its share again.
        wait_until(lambda: leases(database) - held)
        assert at_head(database)
        assert digests(database) == before
        store(database.owner, later)
        wait_until(lambda: at_head(database))
        for worker in (paused, second):
            worker.stop()


def digests(database: Database) -> dict[str, str]:
    runner = runner_of(database)
    return {view: runner.digest(view) for view in VIEWS}


def leases(database: Database) -> set[Any]:
    """Who holds what by which epoch."""
    return set(query(database, "SELECT view, partition, epoch, holder FROM views.positions"))


def _is_sprung(trap: Trap, database: Database) -> bool:
    """Whether it happens before everything is done."""
    wait_until(lambda: trap.is_sprung() or at_head(database))
    return trap.is_sprung()


def _caught_up(database: Database, worker: Forked) -> None:
    """Let a worker do what is left, undisturbed."""
    with running(worker):
        wait_until(lambda: at_head(database))
        worker.stop()
