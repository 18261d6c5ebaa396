"""The runner: keeps views and policies in step with the ledger, and proves that views agree.

Each batch of a view is one transaction that locks the view's position, folds the events after
it and writes rows and position together: exactly once, whoever else runs and whatever dies.
Readers are not needed to wake it: it polls, soon after work and rarely when idle.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import psycopg
import structlog

from domain.policies.policy import Policy
from domain.rulebook.defaults import DEFAULT_RULES
from domain.rules import Rules
from ledger import database
from ledger.registry import Registry
from projections.batch import Connection, CorruptLedger, Reader, ViewHalted, advance, cause_of
from projections.digest import Digest, digest_of
from projections.lag import Lag, lag_of, positions_of
from projections.lookups import NAME as LOOKUPS
from projections.reactions import Reactions
from projections.rebuild import Progress, rebuild
from projections.view import View

log = structlog.get_logger("closedloop.views")

BATCH = 1000
FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS = 0.005, 0.25
FIRST_BACKOFF_SECONDS, LAST_BACKOFF_SECONDS = 0.05, 5.0
LOCKED_AGAIN_SECONDS = 1.0

LOCKED = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.QueryCanceled,
    psycopg.errors.DeadlockDetected,
)
"""Somebody else has the tables of a view: its transaction is taken back, the connection lives."""

_PATIENT = (
    "-c lock_timeout=60s -c statement_timeout=0"
    " -c idle_in_transaction_session_timeout=10min -c timezone=UTC"
)

# NOT EXISTS beside ON CONFLICT: alone, that would wait for a rebuild which holds the row.
# Rows are looked up by their keys, always. A plan made while a table was empty would read the
# whole of it for every batch, until an ANALYZE that a rebuild in one transaction never sees.
_BY_INDEX = "SET enable_seqscan = off"

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


class Runner:
    """Keeps some views in step with the ledger; every call and every thread has its connection."""

    def __init__(
        self,
        uri: str,
        role: str | None,
        registry: Registry,
        views: Sequence[View],
        policies: Sequence[Policy] = (),
        *,
        secret: bytes = b"",
        rules: Rules = DEFAULT_RULES,
        batch_size: int = BATCH,
        try_again_after: float = 30.0,
    ) -> None:
        """Run these views over the database at `uri`, acting as `role` where one is given.

        Policies have the positions of views, and react instead of writing rows. Whatever is
        halted is tried again after some seconds: what stopped it may have been repaired.
        """
        self._uri = uri
        self._role = role
        self._registry = registry
        self._views = {view.name: view for view in views}
        self._policies = {policy.name: policy for policy in policies}
        self._names = [*self._views, *self._policies]
        self._reactions = Reactions(registry, secret, rules)
        self._batch_size = batch_size
        self._try_again_after = try_again_after
        self._set_aside: dict[str, tuple[Exception, float]] = {}  # and when to try it again
        self._trouble: tuple[str, str] | None = None  # what holds up every view
        self._failures = 0  # in a row

    # --- keeping in step --------------------------------------------------------------------

    def catch_up(self) -> None:
        """Bring every view to the head; what stops one is raised once the others are there."""
        self._set_aside.clear()
        pause = FIRST_PAUSE_SECONDS
        with self._connect() as connection:
            reader = Reader(self._registry)
            while (moved := self._pass(connection, reader)) is not None:
                if moved:
                    pause = FIRST_PAUSE_SECONDS
                    continue
                threading.Event().wait(pause)  # another runner is at work on what is left
                pause = min(pause * 2, LAST_PAUSE_SECONDS)
        for problem, _ in list(self._set_aside.values()):
            raise problem

    def run(self, stop: threading.Event, wake: threading.Event) -> None:
        """Keep every view in step until told to stop; `wake` makes it look at once.

        Nothing else ends it: a view that is halted or locked does not hold up the others, and
        what holds up all of them is logged, told by `halted` and tried again, ever more rarely.
        """
        try:
            while not stop.is_set():
                try:
                    with self._connect() as connection:
                        self._follow(connection, stop, wake)
                except Exception as error:
                    stop.wait(self._failed(error))
        except BaseException as error:
            self._trouble = "runner", f"its thread has ended: {cause_of(error)}"
            raise

    def halted(self) -> dict[str, str]:
        """What stands still and why: views before an event they cannot take in, or all of them.

        What holds up all of them goes by the name `ledger`, where that is damaged, or `runner`.
        """
        told = {
            name: str(problem)
            for name, (problem, _) in list(self._set_aside.items())
            if isinstance(problem, ViewHalted)
        }
        return told if (trouble := self._trouble) is None else {**told, trouble[0]: trouble[1]}

    @property
    def refused(self) -> Mapping[tuple[str, str], int]:
        """How many orders of policies were refused since it began, by policy and rule."""
        return self._reactions.refused

    def _failed(self, error: Exception) -> float:
        """Remember and log what holds up every view; returns the seconds to wait before a retry."""
        pause = min(FIRST_BACKOFF_SECONDS * 2.0 ** min(self._failures, 20), LAST_BACKOFF_SECONDS)
        self._failures += 1
        match error:
            case CorruptLedger():
                self._trouble = "ledger", str(error)
                log.critical("ledger corrupt", detail=str(error), retry_in=pause)
            case _ if isinstance(error, database.TRANSIENT):
                self._trouble = "runner", f"the database is away: {type(error).__name__}"
                log.warning("database away", error=type(error).__name__, retry_in=pause)
            case _:
                self._trouble = "runner", cause_of(error)
                log.error("runner failed", cause=cause_of(error), retry_in=pause)
        return pause

    def _follow(self, connection: Connection, stop: threading.Event, wake: threading.Event) -> None:
        """Work while there is work, and look for more: soon at first, ever more rarely."""
        reader, pause = Reader(self._registry), FIRST_PAUSE_SECONDS
        while not stop.is_set():
            wake.clear()
            moved = self._pass(connection, reader, stop)
            self._trouble, self._failures = None, 0
            if moved:
                pause = FIRST_PAUSE_SECONDS
            else:
                wake.wait(pause)
                pause = min(pause * 2, LAST_PAUSE_SECONDS)

    def _pass(
        self, connection: Connection, reader: Reader, stop: threading.Event | None = None
    ) -> int | None:
        """One batch for every view that is not at the head; None where all of them are."""
        trying = [name for name in self._names if not self._rests(name)]
        behind = connection.execute(_NOT_AT_HEAD, {"views": trying}, prepare=True).fetchall()
        for name in set(trying) - {name for _, name in behind}:
            self._set_aside.pop(name, None)  # somebody else has taken in what stopped it
        moved = 0
        for partition, name in self._in_order(behind):
            if self._rests(name) or (stop is not None and stop.is_set()):
                continue
            try:
                passed = self._advance(connection, reader, name, partition)
            except ViewHalted as problem:
                log.error("view halted", detail=str(problem))
                self._set_aside[name] = problem, time.monotonic() + self._try_again_after
                moved += 1
            except LOCKED as problem:
                log.warning("view locked", view=name, error=type(problem).__name__)
                self._set_aside[name] = problem, time.monotonic() + LOCKED_AGAIN_SECONDS
            else:
                moved += passed
                if passed:
                    self._set_aside.pop(name, None)
        return moved if behind else None

    def _in_order(self, behind: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
        """What is to be done: views first, which policies look into, and a policy once."""
        late = {name for _, name in behind}
        views = [(partition, name) for partition, name in behind if name in self._views]
        return views + [(0, name) for name in self._policies if name in late]

    def _advance(self, connection: Connection, reader: Reader, name: str, partition: int) -> int:
        """One batch for a view, or a policy's turn; the number of events passed."""
        if (policy := self._policies.get(name)) is None:
            return advance(connection, reader, self._views[name], partition, self._batch_size)
        passed = self._reactions.advance(connection, reader, policy, self._batch_size)
        if not passed and self._rests(LOOKUPS):  # it may wait for a view that stands still
            self._set_aside[name] = self._set_aside[LOOKUPS]
        return passed

    def _rests(self, name: str) -> bool:
        """Whether a view that was stopped is not to be tried again yet."""
        _, until = self._set_aside.get(name, (None, 0.0))
        return time.monotonic() < until

    @contextmanager
    def _connect(self) -> Iterator[Connection]:
        """A connection for keeping in step."""
        with database.connect(self._uri, role=self._role) as connection:
            # A crash may take the last batches back, rows and position together.
            connection.execute("SET synchronous_commit = off")
            connection.execute(_REGISTER, {"views": self._names})
            # While it waits for the tables of one view, all the others wait with it.
            connection.execute("SET lock_timeout = '200ms'")
            connection.execute(_BY_INDEX)
            yield connection

    # --- telling ----------------------------------------------------------------------------

    def positions(self) -> dict[str, dict[int, int]]:
        """How far each view and policy has come, by partition."""
        with self._visit() as connection:
            return positions_of(connection, self._names)

    def lag(self) -> dict[str, Lag]:
        """How far each view and policy is behind, over all partitions."""
        with self._visit() as connection:
            return lag_of(connection, self._names)

    def digest(self, name: str) -> str:
        """SHA-256 over every row of a view: equal for equal content, however it came about."""
        return self.digest_at(name).sha256

    def digest_at(self, name: str) -> Digest:
        """The digest of a view with the positions it belongs to, read in one snapshot."""
        with self._visit() as connection:
            return digest_of(connection, self._views[name])

    # --- rebuilding -------------------------------------------------------------------------

    def rebuild(
        self, name: str, batch_size: int = 5 * BATCH, progress: Progress | None = None
    ) -> int:
        """Make a view anew from the first event on; returns the number of events.

        Readers keep the old rows meanwhile. Raises `ViewHalted`, changing nothing.
        """
        with self._visit() as connection:
            connection.execute(_REGISTER, {"views": [name]})
            connection.execute(_BY_INDEX)
            reader = Reader(self._registry)
            done = rebuild(connection, reader, self._views[name], batch_size, progress)
        self._set_aside.pop(name, None)
        return done

    @contextmanager
    def _visit(self) -> Iterator[Connection]:
        """A connection for one errand, which may take its time."""
        with database.connect(self._uri, role=self._role, options=_PATIENT) as connection:
            yield connection
