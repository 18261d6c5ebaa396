"""Makes a view anew from the first event on, while the old rows serve and live work goes on.

The next generation of its tables is filled aside: slice by slice up to the heads at which it began,
then with indexes, then batch by batch with what came since; and put in the place of the present one
in a moment (docs/adr/0009-generations.md). Every step is noted with what it wrote, so a rebuild
that was killed goes on where it was. Readers never notice; the old rows stay aside until the next
rebuild, or `closedloop rebuild --drop-old`.
"""

import os
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from ledger.database import DatabaseError
from ledger.registry import Registry
from projections import generations
from projections.aside import aside_of
from projections.batch import PASSING, Held, advance, take
from projections.halting import ViewHalted, halted
from projections.leases import Place
from projections.reader import Connection, Reader
from projections.shapes import shape_of
from projections.slices import EVENTS, Job, check_complete, fold_slices, plan, progress
from projections.swapping import FORGET, NotNow, Stand, await_readers, hold, let_go, take_place
from projections.view import View
from projections.workers import Login, add_indexes, can_travel, helpers

BATCH = 5_000
"""How many events that came since are taken in at a time."""
WORTH_A_PROCESS = 100_000
"""Below so many events a rebuild is over before another process has started."""
MOST_WORKERS = 4
"""Unless more are asked for: PostgreSQL and whoever serves need their cores too."""
_FIRST_PAUSE_SECONDS, _LAST_PAUSE_SECONDS = 0.05, 2.0
_POLL_SECONDS = 0.1

_ALONE = "SELECT pg_try_advisory_lock(7276436, hashtext(%(view)s))"
_HEADS = "SELECT partition, position FROM ledger.heads ORDER BY partition"
_BEGUN = """
SELECT partition, generation, shape, head, position FROM views.rebuilds
WHERE view = %(view)s ORDER BY partition"""
_BEGIN = """
INSERT INTO views.rebuilds (view, partition, generation, shape, head, position, begun_at)
VALUES (%(view)s, %(partition)s, %(generation)s, %(shape)s, %(head)s, %(head)s, ledger.clock())"""
_MOVE = """
UPDATE views.rebuilds SET position = %(position)s
WHERE view = %(view)s AND partition = %(partition)s"""

Progress = Callable[[int, int], None]
"""Told how many events of how many are taken in."""
Tell = Callable[[str], None]
"""Told what is being done, a line at a time."""


class AlreadyRebuilding(DatabaseError):
    """Somebody else is making this view anew."""

    def __init__(self, view: str) -> None:
        """Name the view."""
        super().__init__(f"view {view} is being rebuilt by somebody else")


class Changed(Exception):
    """What the view is made of has changed since the rebuild began."""


class Options(NamedTuple):
    """How a rebuild goes about it."""

    slice_events: int = EVENTS
    batch: int = BATCH
    workers: int | None = None  # none: as many as the ledger is worth, and the machine has cores
    progress: Progress = lambda done, total: None
    tell: Tell = lambda line: None


def rebuild(login: Login, registry: Registry, view: View, options: Options) -> int:
    """Make a view anew; returns the number of events it has taken in.

    Raises `ViewHalted` at an event that cannot be folded, changing nothing for readers, and
    `AlreadyRebuilding` where somebody else is at it.
    """
    with login.connect() as connection, login.connect() as other:
        _be_alone(connection, view)
        while True:
            try:
                return _Rebuild(connection, other, login, registry, view, options).run()
            except Changed as change:
                options.tell(f"{change}: begins anew")


def drop_old(login: Login, view: View) -> int:
    """Drop what a rebuild has replaced, or has begun and not finished; returns how many tables."""
    with login.connect() as connection:
        _be_alone(connection, view)
        with connection.transaction():
            return _drop_aside(connection, view)


def _be_alone(connection: Connection, view: View) -> None:
    """For as long as the connection lives."""
    if connection.execute(_ALONE, {"view": view.name}).fetchone() != (True,):
        raise AlreadyRebuilding(view.name)


def _drop_aside(connection: Connection, view: View) -> int:
    for statement in FORGET:
        connection.execute(statement, {"view": view.name})
    return generations.drop_aside(connection, view)


class _Rebuild:
    """One rebuild, from wherever it was left."""

    def __init__(
        self,
        connection: Connection,
        other: Connection,
        login: Login,
        registry: Registry,
        view: View,
        options: Options,
    ) -> None:
        self._connection = connection
        self._other = other
        self._login = login
        self._registry = registry
        self._view = view
        self._options = options

    def run(self) -> int:
        """All of it; returns the number of events."""
        options = self._options
        self._begin()
        options.tell("folding streams")
        self._fill()
        check_complete(self._connection, self._view.name)
        options.tell("making indexes")
        add_indexes(self._workers(), self._connection, self._login, self._job)
        options.tell("taking in what came since")
        self._follow(dict(self._connection.execute(_HEADS).fetchall()))
        self._take_place()
        generations.analyze(self._connection, self._view)
        return sum(self._reached.values())

    # --- beginning --------------------------------------------------------------------------

    def _begin(self) -> None:
        """Go on with what was begun, if it is of the same shape; else begin anew."""
        connection, name = self._connection, self._view.name
        heads: dict[int, int] = dict(connection.execute(_HEADS).fetchall())
        asides = aside_of(connection, name, heads)
        self._shape = shape_of(connection, self._view, asides)
        begun = connection.execute(_BEGUN, {"view": name}).fetchall()
        if begun and {shape for _, _, shape, _, _ in begun} == {self._shape}:
            self._options.tell("goes on where it was left")
        else:
            if begun:
                self._options.tell("code, tables or what is left out have changed: begins anew")
            self._begin_anew(heads)
            begun = connection.execute(_BEGUN, {"view": name}).fetchall()
        self._total = sum(head for _, _, _, head, _ in begun)
        self._reached = {partition: position for partition, _, _, _, position in begun}
        generation = begun[0][1]
        self._job = Job(self._view.at(generation), generation, self._registry, asides)

    def _begin_anew(self, heads: Mapping[int, int]) -> None:
        connection, name = self._connection, self._view.name
        with connection.transaction():
            _drop_aside(connection, self._view)
            generation = generations.begin(connection, self._view)
            for partition, head in heads.items():
                plan(connection, name, partition, self._options.slice_events)
                connection.execute(
                    _BEGIN,
                    {
                        "view": name,
                        "partition": partition,
                        "generation": generation,
                        "shape": self._shape,
                        "head": head,
                    },
                )

    # --- filling ----------------------------------------------------------------------------

    def _fill(self) -> None:
        """Fold every slice, with others; what they leave or fail at is done here at last."""
        others = self._workers() - 1 if can_travel(self._job) else 0
        with helpers(others, self._login, self._job) as processes:
            self._show()
            self._fold()
            while any(process.is_alive() for process in processes):
                time.sleep(_POLL_SECONDS)
                self._show()
        self._fold()  # raises what is wrong

    def _workers(self) -> int:
        if self._options.workers is not None:
            return self._options.workers
        is_worth_it = self._total >= WORTH_A_PROCESS
        return min(os.cpu_count() or 1, MOST_WORKERS) if is_worth_it else 1

    def _fold(self) -> None:
        for _ in fold_slices(self._connection, self._job):
            self._show()

    def _show(self) -> None:
        done, _ = progress(self._other, self._view.name)
        self._options.progress(done, self._total)

    # --- catching up ------------------------------------------------------------------------

    def _follow(self, heads: Mapping[int, int]) -> None:
        """Take in what was recorded since, up to these positions."""
        for partition, head in heads.items():
            while (reached := self._reached[partition]) < head:
                self._take(partition, min(self._options.batch, head - reached))

    def _take(self, partition: int, limit: int) -> None:
        """Take a batch in; where it fails, half of it, down to the event that fails."""
        job, reached = self._job, self._reached[partition]
        held = Held(job.view, partition, Place(reached, 0), job.asides[partition])
        place = {"view": job.view.name, "partition": partition}
        while True:
            try:
                with self._connection.transaction():
                    take(self._connection, Reader(self._registry), held, limit)
                    self._connection.execute(_MOVE, {**place, "position": held.position})
            except PASSING:
                raise
            except Exception as error:
                if limit == 1:
                    raise halted(
                        self._connection, job.view.name, partition, error, reached
                    ) from None
                limit = (limit + 1) // 2
                held.position = reached
            else:
                self._reached[partition] = held.position
                return

    # --- taking the place of the present one ------------------------------------------------

    def _take_place(self) -> None:
        """Try until nobody is in the way; in between the view goes on as before."""
        pause, told = _FIRST_PAUSE_SECONDS, False
        while True:
            try:
                self._try()
                return
            except NotNow:
                if not told and pause >= _LAST_PAUSE_SECONDS / 4:
                    self._options.tell("waiting for readers that began before")
                    told = True
            time.sleep(pause)
            pause = min(pause * 2, _LAST_PAUSE_SECONDS)
            self._follow(dict(self._connection.execute(_HEADS).fetchall()))

    def _bring_up(self, stand: Stand) -> None:
        """Have the view that serves come as far as the next generation, if it is nearly there.

        Then a reader finds the same rows in both. One that is far behind is better replaced: who
        reads by a snapshot from before may then find rows that are newer than the position.
        """
        behind = {p: self._reached[p] - place.position for p, place in stand.places.items()}
        if stand.is_halted or sum(behind.values()) > self._options.batch:
            return
        for partition, place in stand.places.items():
            held = Held(self._view, partition, place, self._job.asides[partition])
            while (left := self._reached[partition] - held.position) > 0:
                try:
                    advance(self._connection, Reader(self._registry), held, left)
                except ViewHalted:  # by what is wrong with the old rows: they are replaced
                    return

    def _try(self) -> None:
        stand = hold(self._connection, self._job)
        try:
            heads: dict[int, int] = dict(self._connection.execute(_HEADS).fetchall())
            asides = aside_of(self._connection, self._view.name, heads)
            if shape_of(self._connection, self._view, asides) != self._shape:
                raise Changed("what the view leaves out, or its tables")
            # Not beyond the head: a view that is ahead of a restored ledger is set back by this.
            self._follow({p: min(place.position, heads[p]) for p, place in stand.places.items()})
            self._bring_up(stand)
            await_readers(self._connection)
            take_place(self._connection, self._job, stand)
        finally:
            let_go(self._connection, self._job, stand)
