"""The figures of views: kept live, rebuilt, and kept live where much is stored already."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

import psycopg

from api.registry import registry
from bench import history, library
from bench.bench import Bench
from bench.figures import FIGURES, Measured
from bench.history import Row
from bench.ours import open_ours
from bench.places import SECRET, Database
from projections import VIEWS, all_views
from projections.engine import Runner
from projections.view import View

NAMES = (*(f"live/{view}" for view in VIEWS), *(f"rebuild/{view}" for view in VIEWS))
GROWTH = ("growth/append", "growth/views")
_LOOK_SECONDS = 0.002
_PATIENCE_SECONDS = 300
_REACHED = "SELECT min(position) FROM views.positions WHERE view = ANY(%s)"


def measure(bench: Bench) -> Iterator[Measured]:
    """Each view beside the library's runner; then both sizes of ledger beside each other."""
    if not bench.wants(*NAMES, *GROWTH):
        return
    with bench.places.database() as big:
        if bench.wants(*GROWTH, *(name for name in NAMES if name.startswith("rebuild/"))):
            bench.tell(f"a ledger of {bench.size.events:,} events")
            history.load(big, bench.history.events(bench.size.events))
            history.settle(big)
            bench.places.settle()
        for view in all_views(SECRET):
            if bench.wants(f"live/{view.name}", f"rebuild/{view.name}"):
                yield from _beside_the_library(bench, view, big)
        if bench.wants(*GROWTH):
            yield from _growth(bench, big)


# --- beside the library ---------------------------------------------------------------------


def _beside_the_library(bench: Bench, view: View, big: Database) -> Iterator[Measured]:
    """The library's runner and ours on the same events, leg by leg; and whole rebuilds.

    A rebuild follows every other leg of the library's runner, compared with that and the next one.
    """
    live, rebuilt = f"live/{view.name}", f"rebuild/{view.name}"
    pairs: list[tuple[float, float]] = []
    rebuilds: list[tuple[float, float]] = []
    with (
        bench.places.database() as theirs,
        bench.places.database() as mine,
        library.following(theirs, view) as stock,
        keeping(mine, [view]) as ours,
    ):
        legs = list(_legs(bench))
        for number, leg in enumerate(legs, 1):
            bench.tell(f"{view.name}: leg {number} of {len(legs)}, the library")
            baseline = stock.events_per_second(history.load(theirs, leg))
            if not bench.wants(live):
                pairs.append((baseline, 0.0))
            else:
                bench.tell(f"{view.name}: leg {number} of {len(legs)}, ours")
                pairs.append((baseline, len(leg) / ours.seconds(leg)))
            if bench.wants(rebuilt):
                rate = _rebuild(bench, view, big) if number % 2 else rebuilds[-1][1]
                rebuilds.append((baseline, rate))
        if bench.wants(live):
            if digest(theirs, view) != digest(mine, view):
                raise AssertionError(f"{view.name}: the library's runner made other rows")
            yield Measured(FIGURES[live], tuple(pairs))
    if bench.wants(rebuilt):
        yield Measured(FIGURES[rebuilt], tuple(rebuilds))


def _legs(bench: Bench) -> Iterator[list[Row]]:
    """The events that are taken in live, in as many parts as there are pairs."""
    rows = bench.history.events(bench.size.live)
    for _ in range(bench.size.pairs):
        yield list(islice(rows, bench.size.live // bench.size.pairs))


def _rebuild(bench: Bench, view: View, database: Database) -> float:
    """Events a second of a rebuild from the first event on, from beginning to end."""
    started, events = time.perf_counter(), bench.size.events

    def progress(done: int, total: int) -> None:
        rate = done / (time.perf_counter() - started)
        bench.tell(f"{view.name}: rebuild, {done:,} of {total:,} events, {rate:,.0f} a second")

    runner_of(database, [view]).rebuild(view.name, progress=progress)
    return events / (time.perf_counter() - started)


# --- kept live ------------------------------------------------------------------------------


def runner_of(database: Database, views: Sequence[View]) -> Runner:
    """Our runner, without policies."""
    return Runner(database.app, None, registry(), views, secret=SECRET)


def digest(database: Database, view: View) -> str:
    """What tells whether two databases hold the same rows of a view."""
    return runner_of(database, [view]).digest(view.name)


class Keeping:
    """A runner at work, as in `closedloop work`."""

    def __init__(
        self,
        database: Database,
        views: Sequence[View],
        connection: psycopg.Connection,
        runner: Runner,
        wake: threading.Event,
    ) -> None:
        """Measure this runner, which runs in a thread of its own."""
        self._database = database
        self._names = [view.name for view in views]
        self._connection = connection
        self._runner = runner
        self._wake = wake

    def seconds(self, rows: Sequence[Row]) -> float:
        """Record events, and wait until every view has taken in the last of them."""
        head = history.load(self._database, rows)
        started = time.perf_counter()
        self._wake.set()
        self.wait_for(head)
        return time.perf_counter() - started

    def wait_for(self, head: int) -> None:
        """Wait until every view has come so far. Raises what one of them is halted by."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            reached = self._connection.execute(_REACHED, (self._names,), prepare=True).fetchone()
            if reached is not None and (reached[0] or 0) >= head:
                return
            if (halted := self._runner.halted()) or time.monotonic() > deadline:
                raise RuntimeError(f"the views do not come to {head}: {halted}")
            time.sleep(_LOOK_SECONDS)


@contextmanager
def keeping(database: Database, views: Sequence[View]) -> Iterator[Keeping]:
    """Our runner at work on a database, woken as by an append."""
    stop, wake = threading.Event(), threading.Event()
    runner = runner_of(database, views)
    runner.catch_up()
    thread = threading.Thread(target=runner.run, args=(stop, wake))
    thread.start()
    try:
        with psycopg.connect(database.app, autocommit=True) as connection:
            yield Keeping(database, views, connection, runner, wake)
    finally:
        stop.set()
        wake.set()
        thread.join()


# --- growth ---------------------------------------------------------------------------------


def _growth(bench: Bench, big: Database) -> Iterator[Measured]:
    """The same commands, and the same new complaints, where little and where much is stored."""
    views = all_views(SECRET)
    with bench.places.database() as small:
        history.load(small, bench.history.events(bench.size.few))
        for database in (small, big):
            _catch_up(bench, database, views)
            history.settle(database)
        bench.places.settle()
        if bench.wants("growth/views"):
            yield from _growth_of_views(bench, small, big, views)
        commands = 500 * bench.size.seconds
        with open_ours(small) as few, open_ours(big) as many:
            yield from bench.in_pairs(
                "growth/append",
                lambda: 1e6 / few.commands_per_second(commands, 64),
                lambda: 1e6 / many.commands_per_second(commands, 64),
            )


def _growth_of_views(
    bench: Bench, small: Database, big: Database, views: Sequence[View]
) -> Iterator[Measured]:
    copies = iter(range(bench.size.events, bench.size.events + bench.size.pairs))

    def more() -> list[Row]:
        return list(islice(bench.history.copy(next(copies)), 2000))

    with keeping(small, views) as few, keeping(big, views) as many:
        rows: list[Row] = []

        def theirs() -> float:
            rows[:] = more()
            return few.seconds(rows) / len(rows) * 1e6

        yield from bench.in_pairs(
            "growth/views", theirs, lambda: many.seconds(rows) / len(rows) * 1e6
        )


def _catch_up(bench: Bench, database: Database, views: Sequence[View]) -> None:
    """Bring views to the head; those that have everything before them are rebuilt, it is faster."""
    runner = runner_of(database, views)
    for view, lag in runner.lag().items():
        if lag.events == bench.size.events:
            bench.tell(f"{view}: rebuild, for what follows")
            runner.rebuild(view)
    bench.tell("views come to the head")
    runner.catch_up()
