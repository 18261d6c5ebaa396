"""Eight writer processes, a fifth of their transactions rolled back, and a live reader."""

import contextlib
import multiprocessing
import random
from multiprocessing.queues import Queue
from queue import Empty
from uuid import UUID

from ledger import database as connections
from ledger.append import append
from ledger.entry import CommandKey, Entry, NewEvent, Receipt
from ledger.ids import command_id, new_stream_id
from tests.conftest import Database

WRITERS = 8
BATCHES = 120


class RolledBack(Exception):
    """The transaction is given up on purpose."""


def _write(uri: str, number: int, done: "Queue[list[tuple[int, UUID, int, str]]]") -> None:
    """Append batches to streams of one's own and to shared ones; report what was committed."""
    chance = random.Random(number)
    committed: list[tuple[int, UUID, int, str]] = []
    shared = [UUID(int=i << 8) for i in range(4)]
    own: dict[UUID, int] = {}
    with connections.connect(uri) as connection:
        for batch_number in range(BATCHES):
            entries: list[Entry] = []
            for _ in range(chance.randint(1, 3)):
                stream = chance.choice([new_stream_id(), *own, *shared])
                label = f"{number}/{batch_number}/{len(entries)}"
                entries.append(
                    Entry(
                        stream_id=stream,
                        expected_version=own.get(stream, 0),
                        events=[
                            NewEvent("Written", 1, f'"{label}/{i}"'.encode(), b"{}")
                            for i in range(chance.randint(1, 3))
                        ],
                        command=CommandKey(command_id("writer", label), b"x"),
                    )
                )
            is_given_up = chance.random() < 0.2

            def steps(entries: list[Entry] = entries, is_given_up: bool = is_given_up):
                outcomes = yield from append(0, entries)
                if is_given_up:
                    raise RolledBack
                return outcomes

            try:
                outcomes = connections.run(connection, steps())
            except RolledBack:
                continue
            for entry, outcome in zip(entries, outcomes, strict=True):
                if not isinstance(outcome, Receipt):
                    own[entry.stream_id] = outcome.version
                    continue
                own[entry.stream_id] = outcome.version
                first = outcome.position - len(entry.events) + 1
                first_version = outcome.version - len(entry.events) + 1
                committed += [
                    (first + i, entry.stream_id, first_version + i, event.data.decode())
                    for i, event in enumerate(entry.events)
                ]
    done.put(committed)


def test_nothing_is_missed_doubled_or_out_of_order_under_eight_writers(database: Database) -> None:
    spawn = multiprocessing.get_context("spawn")
    done: Queue[list[tuple[int, UUID, int, str]]] = spawn.Queue()
    writers = [
        spawn.Process(target=_write, args=(database.app, number, done)) for number in range(WRITERS)
    ]
    for writer in writers:
        writer.start()

    seen: list[tuple[int, UUID, int, str]] = []
    times = []
    committed: list[tuple[int, UUID, int, str]] = []
    reports = 0
    with connections.connect(database.app) as reader:
        while True:
            assert all(writer.exitcode in (None, 0) for writer in writers)
            is_last_look = reports == WRITERS
            rows = reader.execute(
                "SELECT position, stream_id, version, data, recorded_at FROM ledger.events"
                " WHERE partition = 0 AND position > %s ORDER BY position LIMIT 100",
                (len(seen),),
            ).fetchall()
            for position, stream_id, version, data, recorded_at in rows:
                assert position == len(seen) + 1, "a hole, or an event that came late"
                seen.append((position, stream_id, version, data.decode()))
                times.append(recorded_at)
            if is_last_look and not rows:
                break
            with contextlib.suppress(
                Empty
            ):  # waits for a report only while there is nothing to read
                while reports < WRITERS:
                    committed += done.get(block=not rows, timeout=0.01)
                    reports += 1
        head = reader.execute("SELECT position FROM ledger.heads WHERE partition = 0").fetchone()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0

    assert sorted(committed) == seen, "what was acknowledged is what is there, once each"
    assert head == (len(seen),)
    assert times == sorted(times), "recorded_at never falls as the position rises"
    versions: dict[UUID, int] = {}
    for _, stream_id, version, _ in seen:
        assert version == versions.get(stream_id, 0) + 1
        versions[stream_id] = version
    assert len(seen) > WRITERS * BATCHES
