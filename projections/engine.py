"""The runner: keeps views in step with the ledger, rebuilds them, and proves that they agree.

Each batch of a view is one transaction that locks the view's position, folds the events after
it and writes rows and position together: exactly once, whoever else runs and whatever dies.
Readers are not needed to wake it: it polls, soon after work and rarely when idle.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import msgspec
import structlog

from ledger import database
from ledger.registry import Registry
from projections.batch import Connection, CorruptLedger, Reader, ViewHalted, advance
from projections.digest import digest_of
from projections.view import View

log = structlog.get_logger("closedloop.views")

BATCH = 1000
FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS = 0.005, 0.25
FIRST_BACKOFF_SECONDS, LAST_BACKOFF_SECONDS = 0.05, 2.0

_PATIENT = (
    "-c lock_timeout=60s -c statement_timeout=0"
    " -c idle_in_transaction_session_timeout=10min -c timezone=UTC"
)

# NOT EXISTS beside ON CONFLICT: alone, that would wait for a rebuild which holds the row.
_REGISTER = """
INSERT INTO views.positions (view, partition)
SELECT v.view, h.partition FROM unnest(%(views)s::text[]) AS v (view) CROSS JOIN ledger.heads AS h
WHERE NOT EXISTS (
    SELECT FROM views.positions AS p WHERE p.view = v.view AND p.partition = h.partition)
ON CONFLICT DO NOTHING"""

# One snapshot: a position in it lies beyond a head in it only if the ledger was damaged.
_NOT_AT_HEAD = """
SELECT p.partition, p.view FROM views.positions AS p JOIN ledger.heads AS h USING (partition)
WHERE p.position <> h.position AND p.view = ANY(%(views)s) ORDER BY p.partition, p.view"""

_POSITIONS = """
SELECT view, partition, position FROM views.positions
WHERE view = ANY(%(views)s) ORDER BY view, partition"""

_LAG = """
SELECT p.view, h.position - p.position,
       greatest(extract(epoch FROM ledger.clock() - e.recorded_at), 0)::float8
FROM views.positions AS p JOIN ledger.heads AS h USING (partition)
    LEFT JOIN ledger.events AS e ON e.partition = p.partition AND e.position = p.position + 1
WHERE p.view = ANY(%(views)s)"""

_LOCK_POSITIONS = """
SELECT partition FROM views.positions WHERE view = %(view)s ORDER BY partition FOR UPDATE"""
_START_AGAIN = "UPDATE views.positions SET position = 0 WHERE view = %(view)s"
_HEADS = "SELECT partition, position FROM ledger.heads ORDER BY partition"


class Lag(msgspec.Struct, frozen=True):
    """How far a view is behind the ledger."""

    events: int
    seconds: float  # since the first event it has not taken in was recorded


Progress = Callable[[int, int], None]
"""Told how many events of how many are taken in."""


class Runner:
    """Keeps some views in step with the ledger; every call and every thread has its connection."""

    def __init__(
        self,
        uri: str,
        role: str | None,
        registry: Registry,
        views: Sequence[View],
        *,
        batch_size: int = BATCH,
        try_again_after: float = 30.0,
    ) -> None:
        """Run these views over the database at `uri`, acting as `role` where one is given.

        A halted view is tried again after some seconds: what stopped it may have been repaired.
        """
        self._uri = uri
        self._role = role
        self._registry = registry
        self._views = {view.name: view for view in views}
        self._batch_size = batch_size
        self._try_again_after = try_again_after
        self._halted: dict[str, tuple[ViewHalted, float]] = {}

    # --- keeping in step --------------------------------------------------------------------

    def catch_up(self) -> None:
        """Bring every view to the head; a halted one is raised once the others are there."""
        self._halted.clear()
        pause = FIRST_PAUSE_SECONDS
        with self._connect() as connection:
            reader = Reader(self._registry)
            while (moved := self._pass(connection, reader)) is not None:
                if moved:
                    pause = FIRST_PAUSE_SECONDS
                    continue
                threading.Event().wait(pause)  # another runner is at work on what is left
                pause = min(pause * 2, LAST_PAUSE_SECONDS)
        for problem, _ in list(self._halted.values()):
            raise problem

    def run(self, stop: threading.Event, wake: threading.Event) -> None:
        """Keep every view in step until told to stop; `wake` makes it look at once.

        A database that is away is awaited; a halted view does not hold up the others; a
        damaged ledger ends the run.
        """
        backoff = FIRST_BACKOFF_SECONDS
        while not stop.is_set():
            try:
                with self._connect() as connection:
                    backoff = FIRST_BACKOFF_SECONDS
                    self._follow(connection, stop, wake)
            except database.TRANSIENT as error:
                log.warning("database away", error=type(error).__name__, retry_in=backoff)
                stop.wait(backoff)
                backoff = min(backoff * 2, LAST_BACKOFF_SECONDS)
            except CorruptLedger as error:
                log.critical("ledger corrupt", detail=str(error))
                raise

    def halted(self) -> dict[str, str]:
        """The views that stand still before an event they cannot take in, and why."""
        return {name: str(problem) for name, (problem, _) in list(self._halted.items())}

    def _follow(self, connection: Connection, stop: threading.Event, wake: threading.Event) -> None:
        """Work while there is work, and look for more: soon at first, ever more rarely."""
        reader, pause = Reader(self._registry), FIRST_PAUSE_SECONDS
        while not stop.is_set():
            wake.clear()
            if self._pass(connection, reader, stop):
                pause = FIRST_PAUSE_SECONDS
            else:
                wake.wait(pause)
                pause = min(pause * 2, LAST_PAUSE_SECONDS)

    def _pass(
        self, connection: Connection, reader: Reader, stop: threading.Event | None = None
    ) -> int | None:
        """One batch for every view that is not at the head; None where all of them are."""
        self._forgive()
        waiting = [name for name in self._views if name not in self._halted]
        behind = connection.execute(_NOT_AT_HEAD, {"views": waiting}, prepare=True).fetchall()
        moved = 0
        for partition, name in behind:
            if name in self._halted or (stop is not None and stop.is_set()):
                continue
            try:
                moved += advance(connection, reader, self._views[name], partition, self._batch_size)
            except ViewHalted as problem:
                log.error("view halted", detail=str(problem))
                self._halted[name] = (problem, time.monotonic())
                moved += 1
        return moved if behind else None

    def _forgive(self) -> None:
        now = time.monotonic()
        for name, (_, since) in list(self._halted.items()):
            if now - since > self._try_again_after:
                self._halted.pop(name, None)

    @contextmanager
    def _connect(self) -> Iterator[Connection]:
        """A connection for keeping in step."""
        with database.connect(self._uri, role=self._role) as connection:
            # A crash may take the last batches back, rows and position together.
            connection.execute("SET synchronous_commit = off")
            connection.execute(_REGISTER, {"views": list(self._views)})
            yield connection

    # --- telling ----------------------------------------------------------------------------

    def positions(self) -> dict[str, dict[int, int]]:
        """How far each view has come, by partition."""
        answer: dict[str, dict[int, int]] = {name: {} for name in self._views}
        with self._visit() as connection:
            for name, partition, position in connection.execute(
                _POSITIONS, {"views": list(self._views)}
            ):
                answer[name][partition] = position
        return answer

    def lag(self) -> dict[str, Lag]:
        """How far each view is behind, over all partitions."""
        answer = {name: Lag(0, 0.0) for name in self._views}
        with self._visit() as connection:
            for name, events, seconds in connection.execute(_LAG, {"views": list(self._views)}):
                known = answer[name]
                answer[name] = Lag(known.events + events, max(known.seconds, seconds or 0.0))
        return answer

    def digest(self, name: str) -> str:
        """SHA-256 over every row of a view: equal for equal content, however it came about."""
        with self._visit() as connection:
            return digest_of(connection, self._views[name])

    # --- rebuilding -------------------------------------------------------------------------

    def rebuild(
        self, name: str, batch_size: int = 5 * BATCH, progress: Progress | None = None
    ) -> int:
        """Make a view anew from the first event on; returns the number of events.

        It is one transaction: readers keep the old rows until it commits, and a runner passes
        the view by, because its positions are locked. Raises `ViewHalted`, changing nothing.
        """
        view, reader = self._views[name], Reader(self._registry)
        with self._visit() as connection:
            connection.execute(_REGISTER, {"views": [name]})
            with connection.transaction():
                connection.execute(_LOCK_POSITIONS, {"view": name})
                heads = connection.execute(_HEADS).fetchall()
                connection.execute(_START_AGAIN, {"view": name})
                for table in view.tables:
                    connection.execute(table.delete_all)
                done, total = 0, sum(head for _, head in heads)
                for partition, head in heads:
                    position = 0
                    while position < head:
                        limit = min(batch_size, head - position)
                        position += advance(connection, reader, view, partition, limit)
                        if progress is not None:
                            progress(done + position, total)
                    done += head
        self._halted.pop(name, None)
        return done

    @contextmanager
    def _visit(self) -> Iterator[Connection]:
        """A connection for one errand, which may take its time."""
        with database.connect(self._uri, role=self._role, options=_PATIENT) as connection:
            yield connection
