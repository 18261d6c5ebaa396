"""Fault 6: slow commits beside fast ones, a fifth rolled back, and readers of the feed."""

import json
import random
import threading
from contextlib import ExitStack
from multiprocessing.queues import Queue
from typing import Any

import psycopg

from ledger import database as connections
from ledger.append import append
from ledger.entry import CommandKey, Entry, NewEvent, Receipt
from ledger.ids import command_id, new_stream_id, read_token
from ledger.migrate import migrate
from tests import world
from tests.api.following import pages, streamed
from tests.api.serving import Api, served
from tests.conftest import Database
from tests.faults.conftest import Rounds
from tests.faults.installation import forks
from tests.projections.histories import REGISTRY
from tests.waiting import wait_until

WRITERS, PARTITIONS = 6, 2
Committed = list[tuple[int, int, str]]  # partition, position, stream
_WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


class RolledBack(Exception):
    """The transaction is given up on purpose."""


def test_readers_see_every_event_once_and_in_order(
    fresh_database: Database, processes: ExitStack, chance: random.Random, rounds: Rounds
) -> None:
    migrate(fresh_database.owner, partitions=PARTITIONS)
    api = processes.enter_context(served(fresh_database))
    done: Queue[Committed] = forks.Queue()
    count, committed = rounds(15, 60), list[tuple[int, int, str]]()
    writers = [
        forks.Process(target=_write, args=(fresh_database.owner, chance.random(), count, done))
        for _ in range(WRITERS)
    ]
    seen: Committed = []
    finished = threading.Event()
    reader = threading.Thread(target=_follow, args=(api, seen, finished))
    reader.start()
    for writer in writers:
        processes.callback(writer.kill)
        writer.start()
    try:
        for _ in writers:
            committed += done.get(timeout=120)
        # Not by their number: policies speak in between.
        wait_until(lambda: set(committed) <= set(seen))
    finally:
        finished.set()
        api.register()  # so that the stream has something to say, and ends
        reader.join()
    assert len(committed) > WRITERS * count / 2
    in_pages = [_place(event) for page in pages(api) for event in page["events"]]
    for told in (seen, in_pages):
        ours = [place for place in told if place in set(committed)]
        assert sorted(ours) == sorted(committed), "every event, once"
        for partition in range(PARTITIONS):
            positions = [position for at, position, _ in told if at == partition]
            assert positions == list(range(1, len(positions) + 1)), "in order, without a hole"


def _place(event: Any) -> tuple[int, int, str]:
    [(partition, position)] = read_token(event["position"]).items()
    return partition, position, event["stream_id"]


def _follow(api: Api, seen: Committed, finished: threading.Event) -> None:
    with streamed(api) as messages:
        for message in messages:
            if "data" in message:
                seen.append(_place(json.loads(message["data"])))
            if finished.is_set():
                return


def _write(uri: str, seed: float, count: int, done: "Queue[Committed]") -> None:
    """Append to either partition; a fifth is rolled back, and some hold the head for a while."""
    chance, committed = random.Random(seed), list[tuple[int, int, str]]()
    first = world.registered()[0]
    event = REGISTRY.encode(first.event, first.metadata)
    with connections.connect(uri) as connection, connections.connect(uri) as looking:
        for number in range(count):
            entries = [_entry(f"{seed} {number} {i}", event) for i in range(chance.randint(1, 3))]
            partition = chance.randrange(PARTITIONS)
            entries = [_moved(entry, partition) for entry in entries]
            is_given_up, is_slow = chance.random() < 0.2, chance.random() < 0.2

            def steps(
                entries: list[Entry] = entries,
                partition: int = partition,
                is_given_up: bool = is_given_up,
                is_slow: bool = is_slow,
            ):
                outcomes = yield from append(partition, entries)
                if is_slow:
                    _until_others_wait(looking)
                if is_given_up:
                    raise RolledBack
                return outcomes

            try:
                outcomes = connections.run(connection, steps())
            except (RolledBack, *connections.TRANSIENT):
                continue
            for outcome in outcomes:
                assert isinstance(outcome, Receipt)
                committed.append((partition, outcome.position, str(outcome.stream_id)))
    done.put(committed)


def _entry(name: str, event: NewEvent) -> Entry:
    key = CommandKey(command_id("writer", name), b"x")
    return Entry(new_stream_id(), 0, [event], key)


def _moved(entry: Entry, partition: int) -> Entry:
    """The same in a stream of this partition."""
    raw = bytearray(entry.stream_id.bytes)
    raw[15] = raw[15] // PARTITIONS * PARTITIONS + partition
    return Entry(type(entry.stream_id)(bytes=bytes(raw)), 0, entry.events, entry.command)


def _until_others_wait(looking: psycopg.Connection[Any]) -> None:
    """Hold the head until somebody waits for it, or nobody comes for a while."""
    for _ in range(50):
        if looking.execute(_WAITS).fetchone() != (0,):
            return
        threading.Event().wait(0.005)
