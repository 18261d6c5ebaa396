"""Faults 7 and 8: workers killed in mid batch, and paused while another takes over."""

import random
import signal
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest

from domain.kernel import Recorded
from projections import VIEWS
from tests.api.serving import runner_of
from tests.conftest import Database
from tests.faults.conftest import Rounds
from tests.faults.installation import Forked, running
from tests.faults.invariants import agreed, at_head, dense
from tests.faults.relay import Relay, Trap
from tests.faults.working import complaints, record, work
from tests.projections.running import query
from tests.waiting import wait_until

# Views write with a statement that ends as SELECT; policies in transactions.
MOMENTS = ("SELECT", "SELECT", "UPDATE", "BEGIN", "COMMIT")


@pytest.fixture
def relay(fresh_database: Database, processes: ExitStack) -> Relay:
    """What stands between a worker and PostgreSQL."""
    relay = Relay(fresh_database.app)
    processes.callback(relay.close)
    return relay


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
        record(fresh_database, next(more))
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
    while paused < rounds(1, 6):
        record(fresh_database, next(more))
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
        record(database, meanwhile)
        wait_until(lambda: at_head(database))
        before, held = digests(database), leases(database)
        paused.signal(signal.SIGCONT)
        # It finds out that everything was taken over, and takes its share again.
        wait_until(lambda: leases(database) - held)
        assert at_head(database)
        assert digests(database) == before
        record(database, later)
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
