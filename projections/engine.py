"""The runner: keeps views and policies in step with the ledger, and proves that views agree.

Any number of runners may be at work, in one process or many: they share what there is to do by
leases. Each batch of a view is one statement that writes rows and position together: exactly once,
whoever else runs and whatever dies. It polls, soon after work and rarely when idle.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

import structlog

from domain.policies.policy import Policy
from domain.rulebook.defaults import DEFAULT_RULES
from domain.rules import Rules
from ledger import database
from ledger.registry import Registry
from projections.alone import drop_old
from projections.digest import Digest, digest_of
from projections.halting import ViewHalted, cause_of
from projections.lag import Lag, lag_of, positions_of
from projections.leases import LEASE_SECONDS, Leases
from projections.lookups import NAME as LOOKUPS
from projections.reached import Reached
from projections.reactions import Reactions
from projections.reader import Connection, CorruptLedger
from projections.rebuild import Options, Progress, Tell, rebuild
from projections.shift import SetAside, Shift, Work
from projections.slicing import EVENTS as SLICE
from projections.view import View
from projections.workers import Login

log = structlog.get_logger("closedloop.views")

BATCH = 1000
FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS = 0.005, 0.25
GATHER_SECONDS, REST_SECONDS, REST_AS_WORK = 0.25, 0.5, 4
"""While nobody waits for a view: how long events gather to a batch, which costs the same for one as
for fifty; how long views rest at most, and how often as long as they work, while commands press."""
FIRST_BACKOFF_SECONDS, LAST_BACKOFF_SECONDS = 0.05, 5.0

_PATIENT = "-c lock_timeout=60s -c statement_timeout=0 -c idle_in_transaction_session_timeout=10min"

# NOT EXISTS beside ON CONFLICT: alone, that would wait for a rebuild which holds the row.
_REGISTER = """
INSERT INTO views.positions (view, partition)
SELECT v.view, h.partition FROM unnest(%(views)s::text[]) AS v (view) CROSS JOIN ledger.heads AS h
WHERE NOT EXISTS (
    SELECT FROM views.positions AS p WHERE p.view = v.view AND p.partition = h.partition)
ON CONFLICT DO NOTHING"""

# Rows are looked up by their keys, always. A plan made while a table was empty would read the
# whole of it for every batch, until an ANALYZE that a rebuild in one transaction never sees.
_BY_INDEX = "SET enable_seqscan = off"

_SETTINGS = (
    # A crash may take the last batches back, rows and position together.
    "SET synchronous_commit = off",
    # While it waits for the tables of one view, all the others wait with it.
    "SET lock_timeout = '200ms'",
    # A policy's transaction that is stopped lets go of the heads; stopped with half of a pipeline
    # sent it does not count as idle, and only PostgreSQL 17 and later can end it.
    "SET idle_in_transaction_session_timeout = '5s'",
    "SELECT set_config(name, '15s', false) FROM pg_settings WHERE name = 'transaction_timeout'",
    _BY_INDEX,
    # The same plan serves every batch; making one costs as much as a small batch.
    "SET plan_cache_mode = force_generic_plan",
)


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
        parks: Collection[str] = (),
        try_again_after: float = 30.0,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        """Run these views over the database at `uri`, acting as `role` where one is given.

        Policies have the positions of views, and react instead of writing rows. Of an event that
        cannot be taken in, the views named by `parks` park the stream and go on. Whatever is
        halted is tried again after some seconds: what stopped it may have been repaired. What a
        worker held that shows no sign of life is taken over after `lease_seconds`.
        """
        self._uri = uri
        self._role = role
        self._registry = registry
        self._views = {view.name: view for view in views}
        self._reactions = Reactions(registry, secret, rules)
        self._lease_seconds = lease_seconds
        self.reached = Reached()
        self._work = Work(
            registry,
            self._views,
            {policy.name: policy for policy in policies},
            self._reactions,
            batch_size,
            frozenset(parks) - {LOOKUPS},  # policies find streams by it: it takes all in, or halts
            try_again_after,
            self.reached.tell,
        )
        self._set_aside: SetAside = {}
        self._trouble: tuple[str, str] | None = None  # what holds up every view
        self._failures = 0  # in a row

    # --- keeping in step --------------------------------------------------------------------

    def catch_up(self) -> None:
        """Bring every view to the head; what stops one is raised once the others are there.

        What another worker holds is left to that one.
        """
        self._set_aside.clear()
        pause, leases = FIRST_PAUSE_SECONDS, self._leases()
        with self._leasing(leases), self._connect() as connection:
            shift = Shift(connection, self._work, leases, self._set_aside)
            while (moved := shift.turn(shares=False)) is not None:
                if moved:
                    pause = FIRST_PAUSE_SECONDS
                    continue
                threading.Event().wait(pause)  # another worker is at work on what is left
                pause = min(pause * 2, LAST_PAUSE_SECONDS)
        for problem, _ in list(self._set_aside.values()):
            raise problem

    def run(
        self,
        stop: threading.Event,
        wake: threading.Event,
        is_pressed: Callable[[], bool] = lambda: False,
    ) -> None:
        """Keep every view in step until told to stop; `wake` makes it look at once.

        While `is_pressed`, because commands come in beside it, it rests longer than it works.

        Nothing else ends it: a view that is halted or locked does not hold up the others, and
        what holds up all of them is logged, told by `halted` and tried again, ever more rarely.
        """
        leases = self._leases()
        try:
            with self._leasing(leases):
                while not stop.is_set():
                    try:
                        with self._connect() as connection:
                            shift = Shift(connection, self._work, leases, self._set_aside)
                            self._follow(shift, stop, wake, is_pressed)
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
            for (name, _), (problem, _) in list(self._set_aside.items())
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
        self.reached.forget()
        match error:
            case CorruptLedger():
                self._trouble = "ledger", str(error)
                log.critical("ledger corrupt", detail=str(error), retry_in=pause)
            case _ if database.passes(error):
                self._trouble = "runner", f"the database is away: {type(error).__name__}"
                log.warning("database away", error=type(error).__name__, retry_in=pause)
            case _:
                self._trouble = "runner", cause_of(error)
                log.error("runner failed", cause=cause_of(error), retry_in=pause)
        return pause

    def _follow(
        self,
        shift: Shift,
        stop: threading.Event,
        wake: threading.Event,
        is_pressed: Callable[[], bool],
    ) -> None:
        """Work while there is work, and look for more: soon at first, ever more rarely."""
        pause = FIRST_PAUSE_SECONDS
        while not stop.is_set():
            wake.clear()
            begun = time.monotonic()
            moved = shift.turn(shares=True, is_over=stop.is_set)
            self._trouble, self._failures = None, 0
            if moved:
                pause = FIRST_PAUSE_SECONDS
                if not shift.goes_on:
                    wake.wait(GATHER_SECONDS)
                elif is_pressed():
                    wake.wait(min(REST_AS_WORK * (time.monotonic() - begun), REST_SECONDS))
            else:
                wake.wait(pause)
                pause = min(pause * 2, LAST_PAUSE_SECONDS)

    def _leases(self) -> Leases:
        return Leases(self._work.policies, self._lease_seconds)

    @contextmanager
    def _leasing(self, leases: Leases) -> Iterator[None]:
        """Give up what is held at the end; while the database is away, it lapses by itself."""
        try:
            yield
        finally:
            try:
                with database.connect(self._uri, role=self._role, connect_timeout=2) as connection:
                    leases.give_up(connection)
            except database.TRANSIENT as error:
                log.warning("leases lapse", error=type(error).__name__)

    @contextmanager
    def _connect(self) -> Iterator[Connection]:
        """A connection for keeping in step."""
        with database.connect(self._uri, role=self._role) as connection:
            for setting in _SETTINGS:
                connection.execute(setting)
            connection.execute(_REGISTER, {"views": self._work.names})
            yield connection

    # --- telling ----------------------------------------------------------------------------

    def positions(self) -> dict[str, dict[int, int]]:
        """How far each view and policy has come, by partition."""
        with self._visit() as connection:
            return positions_of(connection, self._work.names)

    def lag(self) -> dict[str, Lag]:
        """How far each view and policy is behind, over all partitions."""
        with self._visit() as connection:
            return lag_of(connection, self._work.names)

    def digest(self, name: str) -> str:
        """SHA-256 over every row of a view: equal for equal content, however it came about."""
        return self.digest_at(name).sha256

    def digest_at(self, name: str) -> Digest:
        """The digest of a view with the positions it belongs to, read in one snapshot."""
        with self._visit() as connection:
            return digest_of(connection, self._views[name])

    # --- rebuilding -------------------------------------------------------------------------

    def rebuild(
        self,
        name: str,
        batch_size: int = SLICE,
        progress: Progress = lambda done, total: None,
        *,
        workers: int | None = None,
        tell: Tell = lambda line: None,
    ) -> int:
        """Make a view anew from the first event on; returns the number of events.

        Streams are folded in slices of about `batch_size` events. Readers keep the old rows
        meanwhile. Raises `ViewHalted`, changing nothing.
        """
        with self._visit() as connection:
            connection.execute(_REGISTER, {"views": [name]})
        parks = name in self._work.parks
        options = Options(batch_size, batch_size, parks, workers, progress, tell)
        login = Login(self._uri, self._role)
        return rebuild(login, self._registry, self._views[name], options)

    def drop_old(self, name: str) -> int:
        """Drop the rows of a view that rebuilds have replaced; returns the number of tables."""
        return drop_old(Login(self._uri, self._role), self._views[name])

    @contextmanager
    def _visit(self) -> Iterator[Connection]:
        """A connection for one errand, which may take its time."""
        with database.connect(self._uri, role=self._role, options=_PATIENT) as connection:
            yield connection
