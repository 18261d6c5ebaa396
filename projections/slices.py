"""Slices of a rebuild: ranges of streams, each folded as a whole and written in one transaction.

Streams are read up to the head at which the rebuild began and folded from their first event, so
nothing is looked up and no row is written twice. Whoever is free takes the next slice: another
process, or the same one after it was killed.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from ledger.registry import COLUMNS, Registry, StoredRow, UnknownEvent
from projections import parked_aside
from projections.aside import Aside
from projections.batch import passes
from projections.copying import copy_rows
from projections.garbage import uncollected
from projections.halting import halted, is_fault_of_event
from projections.reader import Connection
from projections.slicing import refuse_hole
from projections.view import Row, View

_NEXT = """
SELECT s.partition, s.slice, s.from_stream, s.to_stream, r.head
FROM views.rebuild_slices AS s JOIN views.rebuilds AS r USING (view, partition)
WHERE s.view = %(view)s AND r.generation = %(generation)s AND s.events IS NULL
ORDER BY s.partition, s.slice LIMIT 1 FOR UPDATE OF s SKIP LOCKED"""

_DONE = """
UPDATE views.rebuild_slices SET events = %(events)s
WHERE view = %(view)s AND partition = %(partition)s AND slice = %(slice)s"""

# All but what the view is known to pass over: of a newer shape nobody here can say so.
_READ = f"""
SELECT {COLUMNS} FROM ledger.events
WHERE partition = %(partition)s AND stream_id >= %(from_stream)s AND position <= %(head)s
    AND (%(to_stream)s::uuid IS NULL OR stream_id < %(to_stream)s)
    AND (type, schema_version) NOT IN (
        SELECT * FROM unnest(%(types)s::text[], %(schema_versions)s::smallint[]))
ORDER BY stream_id, version"""

_POSITION = StoredRow._fields.index("position")
_STREAM = StoredRow._fields.index("stream_id")
_stream_of = itemgetter(_STREAM)
_shape_of = itemgetter(*(StoredRow._fields.index(name) for name in ("type", "schema_version")))


class Slice(NamedTuple):
    """Some streams of a partition, up to its head when the rebuild began."""

    partition: int
    slice: int
    from_stream: UUID
    to_stream: UUID | None
    head: int


class Job(NamedTuple):
    """What is to be folded: a view in a generation that does not serve, but for what it leaves."""

    view: View
    generation: int
    registry: Registry
    asides: Mapping[int, Aside]
    parks: bool = False  # a stream rather than halt

    def begun(self, generation: int, asides: Mapping[int, Aside]) -> "Job":
        """The same in a generation that has been made."""
        return self._replace(view=self.view.at(generation), generation=generation, asides=asides)


class Problem(NamedTuple):
    """The first event of a stream that cannot be taken in."""

    stream: UUID
    position: int
    error: Exception


def fold_slices(
    connection: Connection, job: Job, is_over: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Fold slice after slice that nobody else has in hand; yields after each.

    Raises `ViewHalted` for an event that cannot be folded, where its stream is not parked.
    """
    with uncollected():
        while not is_over() and _fold_next(connection, job):
            yield


def _fold_next(connection: Connection, job: Job) -> bool:
    """Fold a slice; False where none is free."""
    place = {"view": job.view.name, "generation": job.generation}
    with connection.transaction():
        found = connection.execute(_NEXT, place, prepare=True).fetchone()
        if found is None:
            return False
        part = Slice(*found)
        rows = _read(connection, job, part)
        while (error := _written(connection, job, rows)) is not None:
            refuse_hole(connection, part.partition, part.head)  # the cause, rather than the event
            problems = _unknown(job, rows) or _problems(connection, job, rows)
            if not problems:
                raise error
            rows = _set_aside(connection, job, part, problems, rows)
        done = {**place, **part._asdict(), "events": len(rows)}
        connection.execute(_DONE, done, prepare=True)
    return True


def _read(connection: Connection, job: Job, part: Slice) -> list[Any]:
    """The events of a slice that the view takes in, stream by stream."""
    passed = [shape for shape in job.registry.shapes if shape[0] not in job.view.event_types]
    types, versions = [name for name, _ in passed], [version for _, version in passed]
    asked = {**part._asdict(), "types": types, "schema_versions": versions}
    rows = connection.execute(_READ, asked, prepare=True, binary=True).fetchall()
    aside = job.asides[part.partition]
    if aside.takes_all:
        return rows
    return [row for row in rows if aside.takes(row[_STREAM], row[_POSITION])]


Folded = dict[type[Row], list[Row]]
"""The rows of a slice, table by table."""


def _folded(job: Job, rows: Iterable[Any]) -> Folded:
    fold, decode_all = job.view.fold, job.registry.decode_all
    folded: Folded = {table.row: [] for table in job.view.tables}
    for _, stored in groupby(rows, _stream_of):
        for row in fold((), decode_all(stored)):
            folded[type(row)].append(row)
    return folded


def _written(
    connection: Connection, job: Job, rows: Iterable[Any], *, is_trial: bool = False
) -> Exception | None:
    """Write what events come to, unless it is a trial; or tell what is wrong with them."""
    try:
        with connection.transaction(force_rollback=is_trial):
            folded = _folded(job, rows)
            for table in job.view.tables:
                if made := folded[table.row]:
                    copy_rows(connection, table, made)
    except Exception as error:
        if passes(error):
            raise
        return error
    return None


# --- what cannot be folded ------------------------------------------------------------------


def _set_aside(
    connection: Connection, job: Job, part: Slice, problems: Sequence[Problem], rows: list[Any]
) -> list[Any]:
    """Park the streams of what cannot be taken in; returns the stored events that can.

    Raises `ViewHalted` where the view does not park, or the event is not to blame.
    """
    stops = [one for one in problems if not (job.parks and is_fault_of_event(one.error))]
    if stops:
        first = min(stops, key=attrgetter("position"))
        after = first.position - 1
        raise halted(connection, job.view.name, part.partition, first.error, after) from None
    for one in problems:
        place = part.partition, one.position
        parked_aside.note(connection, job.view.name, place, one.error)
    since = {one.stream: one.position for one in problems}
    return [row for row in rows if row[_POSITION] < since.get(row[_STREAM], row[_POSITION] + 1)]


def _unknown(job: Job, rows: Iterable[Any]) -> list[Problem]:
    """Of each stream the first event that a newer release wrote: that is seen without a fold."""
    problems: dict[UUID, Problem] = {}
    for row in rows:
        if not job.registry.knows(*(shape := _shape_of(row))):
            problem = Problem(row[_STREAM], row[_POSITION], UnknownEvent.of(*shape))
            problems.setdefault(problem.stream, problem)
    return list(problems.values())


def _problems(connection: Connection, job: Job, rows: Sequence[Any]) -> list[Problem]:
    """Of each stream the first event that cannot be taken in, if it is an event."""
    problems: list[Problem] = []
    for stream, stored in groupby(rows, _stream_of):
        history = list(stored)

        def error_of(number: int, history: list[Any] = history) -> Exception | None:
            return _written(connection, job, history[:number], is_trial=True)

        if error_of(len(history)) is not None:
            # What fails with an event fails with those that follow it too.
            first = bisect_left(range(1, len(history)), True, key=lambda n: error_of(n) is not None)
            if (error := error_of(first + 1)) is not None:
                problems.append(Problem(stream, history[first][_POSITION], error))
    return problems
