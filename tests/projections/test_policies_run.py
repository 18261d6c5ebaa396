"""Policies on a real database: exactly once, in any batches and partitions, whoever dies."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace

from domain.complaint.merge import ComplaintMerged, ComplaintUnmerged, MergeReceived
from domain.kernel import Recorded
from domain.policies.policy import Known, Policy, Reaction, Streams
from domain.policies.tell_survivor_of_merge import TELL_SURVIVOR_OF_MERGE
from domain.rules import Rules
from ledger.migrate import migrate
from projections.engine import Lag
from projections.halting import ViewHalted
from tests import world
from tests.conftest import Database
from tests.projections.histories import store
from tests.projections.merging import expected, merged, merges, what_survivors_heard
from tests.projections.reacting import Story, in_stream, ledger, runner, store_in, stream_of
from tests.projections.running import query, query_all
from tests.waiting import wait_until

# --- once, and the same however it came about --------------------------------------------------


@pytest.mark.parametrize("partitions", [1, 4])
@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_survivors_are_told_once_in_any_batch_size_and_number_of_partitions(
    fresh_database: Database, batch_size: int, partitions: int
) -> None:
    migrate(fresh_database.owner, partitions=partitions)
    store(fresh_database.owner, merges())
    running = runner(fresh_database, batch_size=batch_size)
    running.catch_up()
    assert what_survivors_heard(fresh_database) == expected()
    assert set(running.lag().values()) == {Lag(0, 0.0)}, "views have followed the policies"

    query_all(fresh_database, "UPDATE views.positions SET position = 0 WHERE view LIKE 'tell%'")
    before = len(ledger(fresh_database))
    running.catch_up()
    assert len(ledger(fresh_database)) == before, "told again, it is silent"


def test_a_reaction_says_who_acts_and_because_of_what(fresh_database: Database) -> None:
    store(fresh_database.owner, merges())
    runner(fresh_database).catch_up()
    events = ledger(fresh_database)
    causes = {f"0:{item.position}" for item in events if isinstance(item.event, ComplaintMerged)}
    reactions = [item for item in events if isinstance(item.event, MergeReceived)]
    assert {item.metadata.causation_id for item in reactions} == causes
    for item in reactions:
        assert item.metadata.actor.id == "policy:tell_survivor_of_merge"
        assert (item.metadata.actor.kind, item.metadata.actor.role) == ("system", "policy")
        assert item.metadata.occurred_at_source == "system"
        assert item.recorded_at > events[0].recorded_at


def test_two_runners_at_once_tell_the_survivors_once(fresh_database: Database) -> None:
    migrate(fresh_database.owner, partitions=4)
    store(fresh_database.owner, merges())
    both = [runner(fresh_database, batch_size=3) for _ in "ab"]
    with ThreadPoolExecutor() as threads:
        list(threads.map(lambda running: running.catch_up(), both))
    assert what_survivors_heard(fresh_database) == expected()


def test_a_runner_that_dies_in_mid_reaction_leaves_nothing_of_it(fresh_database: Database) -> None:
    store(fresh_database.owner, merges())
    deaths = iter(range(3))

    def react(trigger: Recorded[Any], rules: Rules) -> Reaction:
        orders = yield from TELL_SURVIVOR_OF_MERGE.react(trigger, rules)
        if trigger.position > 60 and next(deaths, None) is not None:
            query(fresh_database, _KILL)
        return orders

    running = runner(fresh_database, [replace(TELL_SURVIVOR_OF_MERGE, react=react)])
    with pytest.raises(psycopg.OperationalError):
        running.catch_up()
    assert what_survivors_heard(fresh_database) == {}
    stop, wake = threading.Event(), threading.Event()
    with ThreadPoolExecutor() as threads:
        going = threads.submit(running.run, stop, wake)
        try:
            wait_until(lambda: what_survivors_heard(fresh_database) == expected())
        finally:
            stop.set()
            wake.set()
        going.result(30)


_KILL = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND usename = 'closedloop_app'"""


def test_a_reaction_loses_no_race_against_people_who_change_the_survivor(
    fresh_database: Database,
) -> None:
    """What comes in between is taken into account, and the reaction is decided again."""
    store(fresh_database.owner, merges())
    [target] = {stream_of(0)}
    chased = iter(range(1))

    def react(trigger: Recorded[Any], rules: Rules) -> Reaction:
        orders = yield from TELL_SURVIVOR_OF_MERGE.react(trigger, rules)
        if orders[0].stream_id == target and next(chased, None) is not None:
            follow = in_stream(0, world.problem_confirmed())[len(world.in_progress()) :]
            store(fresh_database.owner, follow)
        return orders

    runner(fresh_database, [replace(TELL_SURVIVOR_OF_MERGE, react=react)]).catch_up()
    assert what_survivors_heard(fresh_database) == expected()


# --- what a policy is told -----------------------------------------------------------------------


def listening(heard: list[Any], asked: Any) -> Policy:
    """A policy that asks, and remembers what it was told; it orders nothing."""

    def react(trigger: Recorded[Any], rules: Rules) -> Reaction:
        histories = yield asked
        heard.append((trigger.recorded_at, sorted((h[0].stream_id, len(h)) for h in histories)))
        return []

    return replace(
        TELL_SURVIVOR_OF_MERGE,
        name="listens",
        react=react,
        reads=frozenset({type(item.event) for item in merges()}),
    )


@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_a_policy_is_told_what_was_recorded_when_its_trigger_was(
    fresh_database: Database, batch_size: int
) -> None:
    """The same in one partition and in many, and whenever it runs."""
    everything = Streams(tuple(stream_of(number) for number in range(40)))
    of_customer = Known(kind="customer", values=(world.CUSTOMER,))
    migrate(fresh_database.owner, partitions=4)
    store(fresh_database.owner, merges())
    for asked in (everything, of_customer):
        heard: list[Any] = []
        query_all(fresh_database, "DELETE FROM views.positions WHERE view = 'listens'")
        runner(fresh_database, [listening(heard, asked)], batch_size=batch_size).catch_up()
        assert heard == [
            (trigger.recorded_at, _as_of(merges(), trigger))
            for trigger in merges()
            if isinstance(trigger.event, ComplaintMerged | ComplaintUnmerged)
        ]


def _as_of(story: Story, trigger: Recorded[Any]) -> list[Any]:
    counts: dict[Any, int] = {}
    for item in story:
        if item.recorded_at <= trigger.recorded_at:
            counts[item.stream_id] = counts.get(item.stream_id, 0) + 1
    return sorted(counts.items())


def test_a_policy_waits_for_the_view_by_which_it_finds_streams(fresh_database: Database) -> None:
    store(fresh_database.owner, merges())
    heard: list[Any] = []
    running = runner(fresh_database, [listening(heard, Known(kind="customer", values=("c",)))])
    stop, wake = threading.Event(), threading.Event()
    with psycopg.connect(fresh_database.owner) as other, ThreadPoolExecutor() as threads:
        other.execute("LOCK TABLE views.lookups")
        going = threads.submit(running.run, stop, wake)
        try:
            wait_until(lambda: running.positions()["sla"] == {0: len(merges())})
            wait_until(lambda: running.positions()["listens"] == {0: _first_merge() - 1})
            assert heard == []
            assert running.halted() == {}
            other.rollback()
            wait_until(lambda: running.positions()["listens"] == {0: len(merges())})
        finally:
            stop.set()
            wake.set()
        going.result(30)
    assert heard


def _first_merge() -> int:
    return next(i.position for i in merges() if isinstance(i.event, ComplaintMerged))


def test_a_policy_behind_a_view_that_stands_still_keeps_nobody_waiting(
    fresh_database: Database,
) -> None:
    store(fresh_database.owner, merges())
    query_all(fresh_database, "ALTER TABLE views.lookups RENAME COLUMN key TO mislaid")
    heard: list[Any] = []
    running = runner(fresh_database, [listening(heard, Known(kind="customer", values=("c",)))])
    with pytest.raises(ViewHalted, match="lookups"):
        running.catch_up()
    assert heard == []
    assert running.positions()["timeline"] == {0: len(merges())}


def test_a_policy_waits_for_what_is_still_being_recorded_elsewhere(
    fresh_database: Database,
) -> None:
    """An append that has its time already but is not committed yet comes first."""
    migrate(fresh_database.owner, partitions=2)
    heard: list[Any] = []
    here, elsewhere = merged(1, 0), in_stream(0, world.in_progress())
    policy = listening(heard, Streams((stream_of(0), stream_of(1))))
    with psycopg.connect(fresh_database.owner) as other:
        store_in(other, 0, elsewhere)  # and not committed
        with psycopg.connect(fresh_database.owner) as connection:
            store_in(connection, 1, here)
        with pytest.raises(psycopg.errors.LockNotAvailable):
            runner(fresh_database, [policy]).catch_up()
        assert heard == []
    runner(fresh_database, [policy]).catch_up()
    assert [streams for _, streams in heard] == [
        [(stream_of(0), len(elsewhere)), (stream_of(1), len(here) - 1)]
    ]
