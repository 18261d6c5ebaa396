"""The baseline: the stock library's application on the same server, with the same facts."""

import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from psycopg.conninfo import conninfo_to_dict

from bench.places import Database


class StockComplaint(Aggregate):
    """A complaint as the library's documentation would write it."""

    @event("Registered")
    def __init__(self, channel: str, source_system: str, nature: str, origin: str, narrative: str):
        self.channel = channel
        self.source_system = source_system
        self.nature = nature
        self.origin = origin
        self.narrative = narrative
        self.contacts = 0

    @event("ContactRecorded")
    def record_contact(self, channel: str, purpose: str, outcome: str) -> None:
        """Count a contact."""
        self.contacts += 1


class Stock(Application[UUID]):
    """The stock application."""


@contextmanager
def open_stock(database: Database) -> Iterator[Stock]:
    """The stock application on its own tables of the same database."""
    parts = conninfo_to_dict(database.owner)
    app = Stock(
        env={
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": str(parts["dbname"]),
            "POSTGRES_HOST": str(parts["host"]),
            "POSTGRES_PORT": str(parts["port"]),
            "POSTGRES_USER": str(parts["user"]),
            "POSTGRES_PASSWORD": str(parts["password"]),
            "POSTGRES_POOL_SIZE": "16",
            "POSTGRES_MAX_OVERFLOW": "4",
        }
    )
    try:
        yield app
    finally:
        app.close()


def _new() -> StockComplaint:
    return StockComplaint(
        channel="phone",
        source_system="bench",
        nature="complaint",
        origin="person",
        narrative="The new air conditioner does not cool. " * 4,
    )


def commands_per_second(app: Stock, commands: int, threads: int) -> float:
    """Durable saves a second from so many threads."""
    numbers, lock = iter(range(commands)), threading.Lock()

    def work() -> None:
        while True:
            with lock:
                if next(numbers, None) is None:
                    return
            app.save(_new())

    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        for future in [pool.submit(work) for _ in range(threads)]:
            future.result()
    return commands / (time.perf_counter() - started)


def latency_ms(app: Stock, commands: int) -> float:
    """The median time of one save with nobody else about, in milliseconds."""
    times = []
    for _ in range(commands):
        started = time.perf_counter()
        app.save(_new())
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def _stream_of(app: Stock, events: int) -> UUID:
    complaint = _new()
    for _ in range(events - 1):
        complaint.record_contact("phone", "other", "reached")
    app.save(complaint)
    return complaint.id


def load_ms(app: Stock, events: int, loads: int) -> float:
    """The median time to load a stream of so many events, in milliseconds."""
    stream_id = _stream_of(app, events)
    times = []
    for _ in range(loads):
        started = time.perf_counter()
        app.repository.get(stream_id)
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000
