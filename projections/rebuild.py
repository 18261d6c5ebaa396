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

from ledger.registry import Registry
from projections import generations, parked_aside
from projections.alone import be_alone, drop_aside
from projections.aside import Aside, aside_of
from projections.batch import Held, advance, passes, take
from projections.halting import ViewHalted, halted, is_fault_of_event
from projections.leases import Place
from projections.reader import Connection, Reader
from projections.shapes import shape_of
from projections.slices import Job, fold_slices
from projections.slicing import EVENTS, check_complete, plan, progress
from projections.swapping import NotNow, Stand, await_readers, hold, let_go, take_place
from projections.view import View
from projections.workers import Helpers, Login, add_indexes, analyze

BATCH = 5_000
"""How many events that came since are taken in at a time."""
WORTH_A_PROCESS = 100_000
"""Below so many events a rebuild is over before another process has started."""
MOST_WORKERS = 4
"""Unless more are asked for: PostgreSQL and whoever serves need their cores too."""
_FIRST_PAUSE_SECONDS, _LAST_PAUSE_SECONDS = 0.05, 2.0
_POLL_SECONDS = 0.02
_NEARLY_THERE = EVENTS
"""So far behind, in events, a view is brought up before it is replaced: a second's work or so."""

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
"""Told about how many events of how many are taken in: slices are counted, not what they held."""
Tell = Callable[[str], None]
"""Told what is being done, a line at a time."""


class Changed(Exception):
    """What the view is made of has changed since the rebuild began."""


class Options(NamedTuple):
    """How a rebuild goes about it."""

    slice_events: int = EVENTS
    batch: int = BATCH
    parks: bool = False  # a stream that cannot be taken in, rather than halt
    workers: int | None = None  # none: as many as the ledger is worth, and the machine has cores
    progress: Progress = lambda done, total: None
    tell: Tell = lambda line: None


def rebuild(login: Login, registry: Registry, view: View, options: Options) -> int:
    """Make a view anew; returns the number of events it has taken in.

    Raises `ViewHalted` at an event that cannot be folded, changing nothing for readers, and
    `AlreadyRebuilding` where somebody else is at it.
    """
    with login.connect() as connection, login.connect() as other:
        be_alone(connection, view)
        while True:
            try:
                return _Rebuild(connection, other, login, registry, view, options).run()
            except Changed as change:
                options.tell(f"{change}: begins anew")


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
        self._job = Job(view, 0, registry, {}, options.parks)

    def run(self) -> int:
        """All of it; returns the number of events."""
        options = self._options
        heads: dict[int, int] = dict(self._connection.execute(_HEADS).fetchall())
        self._total = sum(heads.values())
        with Helpers() as helpers:
            helpers.start(self._workers() - 1, self._login, self._job)
            self._begin(heads)
            options.tell("folding streams")
            self._fill(helpers)
        self._job = self._with_parked(self._job.asides)
        options.tell("making indexes")
        add_indexes(self._workers(), self._connection, self._login, self._job)
        options.tell("taking in what came since")
        self._follow(dict(self._connection.execute(_HEADS).fetchall()))
        self._take_place()
        analyze(self._workers(), self._login, self._view)
        if self._parked:
            options.tell(f"{len(self._parked)} streams parked: see `closedloop status`")
        return sum(self._reached.values())

    # --- beginning --------------------------------------------------------------------------

    def _begin(self, heads: Mapping[int, int]) -> None:
        """Go on with what was begun, if it is of the same shape; else begin anew."""
        connection, name = self._connection, self._view.name
        left_out = aside_of(connection, name, heads)
        parked = parked_aside.noted(connection, name)
        asides = parked_aside.without_parked(left_out, parked)
        self._shape = self._shape_of(asides)
        begun = connection.execute(_BEGUN, {"view": name}).fetchall()
        if begun and {shape for _, _, shape, _, _ in begun} == {self._shape}:
            self._options.tell("goes on where it was left")
        else:
            if begun:
                self._options.tell("code, tables or what is left out have changed: begins anew")
            asides, self._shape = left_out, self._shape_of(left_out)
            self._begin_anew(heads)
            begun = connection.execute(_BEGUN, {"view": name}).fetchall()
        self._total = sum(head for _, _, _, head, _ in begun)
        self._reached = {partition: position for partition, _, _, _, position in begun}
        self._job = self._job.begun(begun[0][1], asides)
        self._job = self._with_parked(asides)

    def _shape_of(self, asides: Mapping[int, Aside]) -> str:
        return shape_of(self._connection, self._view, asides, parks=self._options.parks)

    def _with_parked(self, asides: Mapping[int, Aside]) -> Job:
        """The job, knowing what has been parked in it."""
        self._parked = parked_aside.noted(self._connection, self._view.name)
        return self._job._replace(asides=parked_aside.with_parked(asides, self._parked))

    def _begin_anew(self, heads: Mapping[int, int]) -> None:
        connection, name = self._connection, self._view.name
        with connection.transaction():
            drop_aside(connection, self._view)
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

    def _fill(self, helpers: Helpers) -> None:
        """Fold every slice, with others; what they leave or fail at is done here at last."""
        helpers.fold(self._job)
        check_complete(self._connection, self._view.name)
        self._show()
        self._fold()
        while self._show() and helpers.are_at_work:
            time.sleep(_POLL_SECONDS)
        self._fold()  # raises what is wrong

    def _workers(self) -> int:
        if self._options.workers is not None:
            return self._options.workers
        is_worth_it = self._total >= WORTH_A_PROCESS
        return min(os.cpu_count() or 1, MOST_WORKERS) if is_worth_it else 1

    def _fold(self) -> None:
        for _ in fold_slices(self._connection, self._job):
            self._show()

    def _show(self) -> int:
        """Tell how far it is; returns how many slices are not folded yet."""
        folded, slices = progress(self._other, self._view.name)
        self._options.progress(self._total * folded // slices, self._total)
        return slices - folded

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
            except Exception as error:
                if passes(error):
                    raise
                if limit == 1:
                    self._park(partition, error)
                    return
                limit = (limit + 1) // 2
                held.position = reached
            else:
                self._reached[partition] = held.position
                return

    def _park(self, partition: int, error: Exception) -> None:
        """Park the stream of the next event, which cannot be taken in; or raise `ViewHalted`."""
        job, reached = self._job, self._reached[partition]
        if not (job.parks and is_fault_of_event(error)):
            raise halted(self._connection, job.view.name, partition, error, reached) from None
        place = {"view": job.view.name, "partition": partition}
        with self._connection.transaction():
            parked_aside.note(self._connection, job.view.name, (partition, reached + 1), error)
            self._connection.execute(_MOVE, {**place, "position": reached + 1})
        self._reached[partition] = reached + 1
        self._job = self._with_parked(job.asides)

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

    def _bring_up(self, stand: Stand, asides: Mapping[int, Aside]) -> None:
        """Have the view that serves come as far as the next generation, if it is nearly there.

        Then a reader finds the same rows in both. One that is far behind is better replaced: who
        reads by a snapshot from before may then find rows that are newer than the position.
        """
        behind = {p: self._reached[p] - place.position for p, place in stand.places.items()}
        if stand.is_halted or sum(behind.values()) > _NEARLY_THERE:
            return
        for partition, place in stand.places.items():
            held = Held(self._view, partition, place, asides[partition])
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
            begun = parked_aside.without_parked(asides, self._parked)
            if self._shape_of(begun) != self._shape:
                raise Changed("what the view leaves out, or its tables")
            # Not beyond the head: a view that is ahead of a restored ledger is set back by this.
            self._follow({p: min(place.position, heads[p]) for p, place in stand.places.items()})
            self._bring_up(stand, asides)
            await_readers(self._connection)
            take_place(self._connection, self._job, stand)
        finally:
            let_go(self._connection, self._job, stand)
