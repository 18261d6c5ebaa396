"""Runners over histories, and a view that only tests have."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg

from domain.complaint import COMPLAINT
from domain.kernel import Recorded
from projections import VIEWS, all_views
from projections.engine import Runner
from projections.view import Row, Table, View
from tests.conftest import Database
from tests.projections.histories import REGISTRY, SECRET, random_histories

HISTORY = random_histories(seed=7, complaints=40)


def runner(database: Database, **options: Any) -> Runner:
    return Runner(database.app, None, REGISTRY, all_views(SECRET), **options)


@contextmanager
def following(*runners: Runner) -> Iterator[None]:
    """Have runners keep step until the block ends."""
    stop, wake = threading.Event(), threading.Event()
    with ThreadPoolExecutor() as threads:
        going = [threads.submit(running.run, stop, wake) for running in runners]
        try:
            yield
        finally:
            stop.set()
            wake.set()
        for one in going:
            one.result(30)


def digests(running: Runner) -> dict[str, str]:
    return {view: running.digest(view) for view in VIEWS}


class Counted(Row, frozen=True):
    """How many events a complaint has: a view that only tests have."""

    complaint_id: UUID
    number: int


def counting(fold: Any = None, name: str = "counted") -> View:
    """A view that counts the events of a complaint, or does something worse."""

    def count(rows: Sequence[Row], events: Sequence[Recorded[Any]]) -> list[Row]:
        before = rows[0].number if rows else 0  # type: ignore[attr-defined]
        first = events[0]
        return [Counted(first.partition, first.stream_id, before + len(events))]

    table = Table("counted", Counted, ("partition", "complaint_id"))
    return View(name, (table,), COMPLAINT.events, fold or count)


def with_counted(database: Database) -> None:
    with psycopg.connect(database.owner) as connection:
        connection.execute(
            "CREATE TABLE views.counted (partition smallint, complaint_id uuid, number bigint,"
            " PRIMARY KEY (partition, complaint_id)) PARTITION BY LIST (partition)"
        )
        connection.execute("CREATE TABLE generations.counted_1 PARTITION OF views.counted DEFAULT")


def counted(database: Database) -> int:
    return int(query(database, "SELECT coalesce(sum(number), 0) FROM views.counted")[0][0])


def query(database: Database, statement: str) -> list[Any]:
    with psycopg.connect(database.owner) as connection:
        return connection.execute(statement).fetchall()


def query_all(database: Database, statement: str) -> None:
    with psycopg.connect(database.owner) as connection:
        connection.execute(statement)
