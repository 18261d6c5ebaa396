"""The baseline of views: the library's `ProjectionRunner` with our folds, an event at a time.

What an application of the library does for each event: read the rows of the stream, fold, write
what changed and record the position, in one transaction. The events come from our ledger through
the library's own interface, so both sides take in the same ones, and rows can be compared.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import psycopg
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from eventsourcing.utils import EnvType
from psycopg import Cursor, sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow, tuple_row

from api.registry import registry
from bench.places import Database
from domain.kernel import Recorded
from ledger.application import Ledger
from projections.view import Row, Table, View

_LOOK_SECONDS = 0.005
_encode = msgspec.json.Encoder().encode


class Upstream(Ledger):
    """Our ledger as the application that the library's runner follows."""

    def __init__(self, env: EnvType) -> None:
        """Open the database that the runner's environment names."""
        super().__init__(env["BENCH_URI"], registry())
        self.factory.__enter__()


class ViewRecorder(PostgresTrackingRecorder):
    """The tables of a view, and how far the library's runner has come with it."""

    def take(self, view: View, recorded: Recorded[Any], tracking: Tracking) -> None:
        """Take one event in, rows and position in one transaction.

        The position moves for events that do not concern the view as well, as our own does: it
        is what tells a reader that the view has seen everything up to there.
        """
        with self.datastore.transaction(commit=True) as tracked:
            self._insert_tracking(tracked, tracking)
            if type(recorded.event).__name__ in view.event_types:
                with tracked.connection.cursor(row_factory=tuple_row, binary=True) as cursor:
                    _fold(cursor, view, recorded)


def _fold(cursor: Cursor[TupleRow], view: View, recorded: Recorded[Any]) -> None:
    before = _rows(cursor, view, recorded) if recorded.version > 1 else {}
    upserts: dict[Table, list[Row]] = {table: [] for table in view.tables}
    left = dict(before)
    for row in view.fold(list(before.values()), [recorded]):
        table = view.table_of[type(row)]
        if left.pop((table, table.key_of(row)), None) != row:
            upserts[table].append(row)
    for table in view.tables:
        gone = [dict(zip(table.key, key, strict=True)) for one, key in left if one is table]
        for statement, values in ((table.delete, gone), (table.upsert, upserts[table])):
            if values:
                cursor.execute(statement, {"rows": _encode(values).decode()}, prepare=True)


def _rows(
    cursor: Cursor[TupleRow], view: View, recorded: Recorded[Any]
) -> dict[tuple[Table, Any], Row]:
    place = {"partition": recorded.partition, "streams": [recorded.stream_id]}
    found: dict[tuple[Table, Any], Row] = {}
    for table in view.tables:
        if table.is_loaded:
            for values in cursor.execute(table.select, place, prepare=True):
                row: Row = table.row(*values)
                found[table, table.key_of(row)] = row
    return found


class Following:
    """A runner of the library that follows a database with one view."""

    def __init__(self, runner: ProjectionRunner[Any, Any]) -> None:
        """Measure this runner."""
        self._runner = runner

    def events_per_second(self, head: int) -> float:
        """Events a second up to the head, from the first that is seen to be taken in.

        Its subscription looks for new events ten times a second: that wait is not counted.
        """
        before = self._position()
        while (first := self._position()) == before:
            self._look()
        started = time.perf_counter()
        while (reached := self._position()) < head:
            self._look()
        return (reached - first) / (time.perf_counter() - started)

    def _position(self) -> int:
        return self._runner.view.max_tracking_id(self._runner.app_name) or 0

    def _look(self) -> None:
        if self._runner.is_interrupted.wait(_LOOK_SECONDS):
            self._runner.run_forever(0)  # raises what ended it


@contextmanager
def following(database: Database, view: View) -> Iterator[Following]:
    """The library's runner at work on a database, with one of our views."""

    class Shipped(Projection[ViewRecorder]):
        name = f"bench_{view.name}"

        def process_event(self, event: Recorded[Any], tracking: Tracking) -> None:
            self.view.take(view, event, tracking)

    # Our runner does without the wait for the disk, for what can be made again: so does this one.
    with psycopg.connect(database.owner, autocommit=True) as connection:
        wait = sql.SQL("ALTER DATABASE {} SET synchronous_commit = off")
        connection.execute(wait.format(sql.Identifier(database.name)))
    parts = conninfo_to_dict(database.owner)
    runner: ProjectionRunner[Any, Any] = ProjectionRunner(
        application_class=Upstream,
        projection_class=Shipped,
        view_class=ViewRecorder,
        env={
            "BENCH_URI": database.app,
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": str(parts["dbname"]),
            "POSTGRES_HOST": str(parts["host"]),
            "POSTGRES_PORT": str(parts["port"]),
            "POSTGRES_USER": str(parts["user"]),
            "POSTGRES_PASSWORD": str(parts["password"]),
        },
    )
    with runner:
        yield Following(runner)
