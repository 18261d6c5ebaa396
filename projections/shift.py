"""One worker's shift: what it holds, and a batch for each of it, again and again."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

import psycopg
import structlog

from domain.policies.policy import Policy
from ledger.registry import Registry
from projections.aside import aside_of
from projections.batch import Held, advance
from projections.halting import BEYOND, ViewHalted, stop_ahead
from projections.leases import Lease, LeaseLost, Leases, Place, Standing, Standings
from projections.lookups import NAME as LOOKUPS
from projections.parking import park_next
from projections.reactions import HeldPolicy, Reactions
from projections.reader import Connection, Reader
from projections.view import View

log = structlog.get_logger("closedloop.views")

LOCKED_AGAIN_SECONDS = 1.0
REMEMBERED_ROWS = 40_000
"""Rows of views that a worker keeps at hand, over all it holds."""

LOCKED = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.QueryCanceled,
    psycopg.errors.DeadlockDetected,
)
"""Somebody else has the tables of a view: its transaction is taken back, the connection lives."""

_HALT = """
UPDATE views.positions SET halted_before = %(event_type)s, halted_cause = %(cause)s
WHERE view = %(view)s AND partition = %(partition)s
    AND position = %(position)s - 1 AND epoch = %(epoch)s"""

SetAside = dict[Lease, tuple[Exception, float]]
"""What does not go on for now: why, and when to try it again."""


class Work(NamedTuple):
    """What there is to do, and how."""

    registry: Registry
    views: Mapping[str, View]
    policies: Mapping[str, Policy]
    reactions: Reactions
    batch_size: int
    parks: Collection[str]  # views that park a stream rather than halt
    try_again_after: float
    on_moved: Callable[[str, int, int], None]  # view, partition, position

    @property
    def names(self) -> list[str]:
        """Views first, which policies look into."""
        return [*self.views, *self.policies]


class Shift:
    """Works on one connection; whatever it holds is lost with it."""

    def __init__(
        self, connection: Connection, work: Work, leases: Leases, set_aside: SetAside
    ) -> None:
        """Hold nothing yet; remember in `set_aside` what is stopped."""
        self._connection = connection
        self._work = work
        self._leases = leases
        self._set_aside = set_aside
        self._reader = Reader(work.registry)
        self._held: dict[Lease, Held | HeldPolicy] = {}
        self._limits: dict[Lease, int] = {}  # of events at a time, where a batch took long
        self.goes_on = False
        """Whether there was more to do after the last turn, as far as it is known without a look:
        a batch was full, or a policy has recorded something."""

    def turn(self, *, shares: bool, is_over: Callable[[], bool] = lambda: False) -> int | None:
        """One batch for all that is held and not at the head.

        Returns the number of events passed; None where everything is at the head, whoever holds
        it. Who shares takes work from busier workers too, not only what nobody holds.
        """
        standings = self._leases.look(self._connection, self._work.names)
        self._keep(standings)
        mine = self._held.keys()
        wanted = self._leases.free(standings, mine)
        if not wanted and shares:
            wanted = self._leases.share(standings, mine)
        self._take(wanted, standings)
        self._listen(standings)
        self._stop_ahead(standings)
        behind = [lease for lease in standings if _is_behind(standings[lease])]
        moved, recorded, self.goes_on = 0, self._work.reactions.recorded, False
        for lease in self._in_order(behind):
            if is_over():
                break
            if lease in self._held and not self._rests(lease):
                self._leases.beat(self._connection)
                moved += self._advance(lease)
        self._leases.beat(self._connection)
        self.goes_on |= self._work.reactions.recorded > recorded
        return moved if any(not self._rests(lease) for lease in behind) else None

    def _keep(self, standings: Standings) -> None:
        """Forget what is held no more, by whomever and however it was taken or moved."""
        for lease, held in list(self._held.items()):
            if lease not in standings or not self._is_mine(held, standings[lease]):
                del self._held[lease]

    def _is_mine(self, held: Held | HeldPolicy, standings: Sequence[Standing]) -> bool:
        if any(standing.holder != self._leases.me for standing in standings):
            return False
        if isinstance(held, Held):
            return [(held.position, held.epoch)] == [(s.position, s.epoch) for s in standings]
        places = {s.partition: (s.position, s.epoch) for s in standings}
        return places == {p: (held.positions[p], held.epochs[p]) for p in held.positions}

    def _listen(self, standings: Standings) -> None:
        """What stands still in other hands or ahead of the ledger, and what does no more."""
        told = {
            lease: (_told_of(row), float("inf"))
            for lease, rows in standings.items()
            for row in rows
            if row.halted_before == BEYOND
            or (row.halted_cause is not None and row.holder is not None and lease not in self._held)
        }
        # Whoever asks in between, from another thread, finds what stands still as it was.
        self._set_aside.update(told)
        for lease in [lease for lease in self._set_aside if lease not in told]:
            if lease not in self._held or not _is_behind(standings[lease]):
                del self._set_aside[lease]

    def _take(self, wanted: Sequence[Lease], standings: Standings) -> None:
        taken = self._leases.take(self._connection, wanted, standings)
        room = REMEMBERED_ROWS // max(len(self._held) + len(taken), 1)
        for lease, places in taken.items():
            self._set_aside.pop(lease, None)  # what stopped it may have been repaired
            self._held[lease] = held = self._hold(lease, places, room)
            if isinstance(held, Held):  # where it stands may be less than was told before a crash
                self._work.on_moved(held.name, held.partition, held.position)

    def _stop_ahead(self, standings: Standings) -> None:
        """Have a view that is ahead of the ledger stand still until it is rebuilt."""
        for lease, rows in standings.items():
            for row in rows:
                if row.position <= row.head or row.halted_before == BEYOND:
                    continue
                try:
                    problem = stop_ahead(self._connection, *row[:4])
                except LOCKED as locked:  # a rebuild may be about to swap
                    self._locked(lease, locked)
                else:
                    log.critical("view ahead of the ledger", detail=str(problem))
                    self._set_aside[lease] = problem, float("inf")

    def _hold(self, lease: Lease, places: Mapping[int, Place], room: int) -> Held | HeldPolicy:
        name, partition = lease
        asides = aside_of(self._connection, name, places)
        if (policy := self._work.policies.get(name)) is not None:
            return HeldPolicy(policy, places, asides)
        view = self._work.views[name]
        return Held(view, partition, places[partition], asides[partition], remember=room)

    def _in_order(self, behind: Sequence[Lease]) -> list[Lease]:
        """Views first, partition by partition, and then policies, each in the order given."""
        views = [lease for lease in behind if lease[0] in self._work.views]
        late = {name for name, _ in behind}
        return views + [(name, 0) for name in self._work.policies if name in late]

    def _advance(self, lease: Lease) -> int:
        """One batch for a view, or a policy's turn; the number of events passed."""
        begun = time.monotonic()
        try:
            return self._try(lease, self._held[lease])
        except LeaseLost:
            log.info("lease lost", view=lease[0], partition=lease[1])
            del self._held[lease]
            return 0
        except LOCKED as problem:
            self._locked(lease, problem)
            return 0
        finally:
            self._pace(lease, time.monotonic() - begun)

    def _locked(self, lease: Lease, problem: Exception) -> None:
        """Leave what somebody else has locked for a while, and go on with all the rest."""
        log.warning("view locked", view=lease[0], error=type(problem).__name__)
        self._set_aside[lease] = problem, time.monotonic() + LOCKED_AGAIN_SECONDS

    def _pace(self, lease: Lease, seconds: float) -> None:
        """Take less at a time of what takes long: who shows no sign of life is taken over, and two
        who take over from each other would never come to an end."""
        limit, most = self._limit(lease), self._work.batch_size
        if seconds > self._leases.seconds_between_beats:
            self._limits[lease] = max(limit // 2, 1)
        elif limit < most and seconds < self._leases.seconds_between_beats / 4:
            self._limits[lease] = min(limit * 2, most)

    def _limit(self, lease: Lease) -> int:
        return self._limits.get(lease, self._work.batch_size)

    def _try(self, lease: Lease, held: Held | HeldPolicy) -> int:
        limit = self._limit(lease)
        try:
            passed = self._batch(held, limit)
        except ViewHalted as problem:
            self._stop(lease, held, problem)
            return 1
        self.goes_on |= passed >= limit
        if passed:
            self._set_aside.pop(lease, None)
        elif isinstance(held, HeldPolicy):  # it may wait for a view that stands still
            for other in [other for other in self._set_aside if other[0] == LOOKUPS]:
                # Not as long as that one, which may be in other hands now and in ours soon.
                again_at = time.monotonic() + LOCKED_AGAIN_SECONDS
                self._set_aside[lease] = self._set_aside[other][0], again_at
        return passed

    def _batch(self, held: Held | HeldPolicy, limit: int) -> int:
        if isinstance(held, HeldPolicy):
            return self._work.reactions.advance(self._connection, self._reader, held, limit)
        passed = advance(self._connection, self._reader, held, limit)
        if passed:
            self._work.on_moved(held.name, held.partition, held.position)
        return passed

    def _stop(self, lease: Lease, held: Held | HeldPolicy, problem: ViewHalted) -> None:
        """What becomes of an event that cannot be taken in: its stream is parked, or all halts."""
        if isinstance(held, Held) and held.name in self._work.parks and problem.is_of_event:
            log.error("stream parked", detail=str(problem))
            park_next(self._connection, held, problem)
            self._work.on_moved(held.name, held.partition, held.position)
        else:
            self._halt(lease, held, problem)

    def _halt(self, lease: Lease, held: Held | HeldPolicy, problem: ViewHalted) -> None:
        """Tell everybody where it stands and why, and try again later."""
        log.error("view halted", detail=str(problem))
        epoch = held.epoch if isinstance(held, Held) else held.epochs[problem.partition]
        told = {"event_type": problem.event_type, "cause": problem.cause, "epoch": epoch}
        place = {"partition": problem.partition, "position": problem.position}
        self._connection.execute(_HALT, {"view": problem.view, **place, **told})
        self._set_aside[lease] = problem, time.monotonic() + self._work.try_again_after

    def _rests(self, lease: Lease) -> bool:
        """Whether what was stopped is not to be tried again yet."""
        _, until = self._set_aside.get(lease, (None, 0.0))
        return time.monotonic() < until


def _is_behind(standings: Sequence[Standing]) -> bool:
    """Whether there are events to take in; a position beyond the head is for the reader to tell."""
    return any(standing.position != standing.head for standing in standings)


def _told_of(standing: Standing) -> ViewHalted:
    """What another worker says of where it stands."""
    return ViewHalted(
        standing.name,
        standing.partition,
        standing.position + 1,
        standing.halted_before or "no event",
        standing.halted_cause or "",
    )
