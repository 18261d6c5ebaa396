"""What a worker remembers of rows is never older than the rows, whatever becomes of them."""

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest

from domain.rulebook.defaults import DEFAULT_RULES
from ledger import database
from projections import all_views, parking
from projections.engine import Runner
from projections.leases import Leases
from projections.parking import CannotSetAside
from projections.reactions import Reactions
from projections.reader import Connection
from projections.shift import Shift, Work
from tests.conftest import Database
from tests.projections.histories import REGISTRY, SECRET, store
from tests.projections.running import HISTORY, query_all

NAMES = ("complaints", "timeline", "work")
VIEWS = {view.name: view for view in all_views(SECRET) if view.name in NAMES}
TABLE = "views.complaints"
SETTINGS = "-c lock_timeout=50ms"


class World:
    """Two workers that take over from each other whenever they have a turn, and what befalls
    them."""

    def __init__(self, database: Database, connections: list[Connection], seed: int) -> None:
        self._database = database
        self._chance = random.Random(seed)
        self._left = list(HISTORY)
        self._stored: list[int] = []  # places in the history
        work = Work(
            REGISTRY,
            VIEWS,
            {},
            Reactions(REGISTRY, SECRET, DEFAULT_RULES),
            9,
            frozenset(),
            0.0,  # what was stopped is tried again at once
            lambda *step: None,
        )
        self._workers = [
            Shift(connection, work, Leases(seconds=0), {}) for connection in connections
        ]
        # The workers do nothing between their turns: it takes over from them at once, too.
        self.runner = Runner(database.app, None, REGISTRY, list(VIEWS.values()), lease_seconds=0.05)

    def step(self) -> None:
        """Something happens, mostly work."""
        happens: list[Callable[[], object]] = [
            *([self.record] * 3),
            *([self.turn] * 6),
            self.fail_to_write,
            self.find_it_locked,
            self.park,
            self.park,
            self.unpark,
            self.skip,
            self.rebuild,
        ]
        self._chance.choice(happens)()

    def record(self) -> None:
        count = self._chance.randint(1, 25)
        store(self._database.owner, self._left[:count])
        del self._left[:count]

    def turn(self) -> None:
        worker = self._chance.choice(self._workers)
        for _ in range(self._chance.randint(1, 3)):
            worker.turn(shares=False)

    def fail_to_write(self) -> None:
        """A bug in the database, which goes as it came."""
        query_all(self._database, f"ALTER TABLE {TABLE} RENAME COLUMN version TO mislaid")
        self.turn()
        query_all(self._database, f"ALTER TABLE {TABLE} RENAME COLUMN mislaid TO version")
        self.turn()

    def find_it_locked(self) -> None:
        with psycopg.connect(self._database.owner) as other:
            other.execute(f"LOCK TABLE {TABLE}")
            self.turn()

    def park(self) -> None:
        stream = self._chance.choice(HISTORY).stream_id
        self._by_hand(parking.park, VIEWS[self._view()], 1, stream)

    def unpark(self) -> None:
        view = VIEWS[self._view()]
        with psycopg.connect(self._database.app) as connection:
            streams = parking.parked_streams(connection, view.name)
        for stream in streams[:2]:
            self._by_hand(parking.unpark, REGISTRY, view, 1, stream)

    def skip(self) -> None:
        """The next event of a view, unless it began a stream: without that nothing follows."""
        view = self._view()
        with psycopg.connect(self._database.app) as connection:
            asked = "SELECT position FROM views.positions WHERE view = %s"
            [position] = connection.execute(asked, [view]).fetchone() or [0]
        if position < len(HISTORY) and type(HISTORY[position].event).__name__ == "DetailAdded":
            self._by_hand(parking.skip, view, (0, position + 1), "a test", "tester")

    def rebuild(self) -> None:
        self.runner.rebuild(self._view(), workers=1)

    def _view(self) -> str:
        return self._chance.choice(NAMES)

    def _by_hand(self, change: Callable[..., object], *arguments: object) -> None:
        try:
            with psycopg.connect(self._database.app, autocommit=True) as connection:
                change(connection, *arguments)
        except CannotSetAside:
            pass  # not parked, or not recorded yet: nothing has changed


@pytest.fixture
def connections(fresh_database: Database) -> Iterator[list[Connection]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(database.connect(fresh_database.app, options=SETTINGS))
            for _ in range(2)
        ]


@pytest.mark.parametrize("seed", range(2))
def test_rows_at_hand_are_those_of_the_database_whatever_befell_them(
    fresh_database: Database, connections: list[Connection], seed: int
) -> None:
    """Leases lost back and forth, writes that fail, locks, parking, skipping and rebuilds."""
    running = World(fresh_database, connections, seed)
    running.runner.catch_up()  # registers the views
    for _ in range(50):
        running.step()
    running.runner.catch_up()
    live = {view: running.runner.digest(view) for view in NAMES}
    for view in NAMES:
        running.runner.rebuild(view, workers=1)
    assert {view: running.runner.digest(view) for view in NAMES} == live
