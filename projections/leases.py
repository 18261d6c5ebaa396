"""Who works on what: one worker at a time holds a view in a partition, or a policy in all of them.

A lease is a row of `views.positions` (a policy's: all its rows). Its epoch is raised by whoever
takes it and named by whatever its holder writes, so that a worker which was stopped and comes back
changes nothing. Whether a holder still lives is told by its beat: one that stood still for some
seconds of the watcher's own monotonic clock may be taken over. No wall clock is read.
"""

import random
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import uuid4

from projections.reader import Connection

LEASE_SECONDS = 5.0
BEATS_A_LEASE = 5

Lease = tuple[str, int]
"""The name of a view, and a partition; a policy has one lease, that of partition 0."""

# One snapshot: a position in it lies beyond a head in it only if the ledger was damaged.
_LOOK = """
SELECT p.view, p.partition, p.position, h.position, p.epoch, p.beat, p.holder,
       p.halted_before, p.halted_cause
FROM views.positions AS p JOIN ledger.heads AS h USING (partition)
WHERE p.view = ANY(%(names)s) ORDER BY p.partition, p.view"""

# Only what is as it was seen: of two that take the same, one gets it. What a rebuild has locked is
# passed by.
_TAKE = """
UPDATE views.positions AS p SET epoch = p.epoch + 1, beat = p.beat + 1, holder = %(me)s
FROM (
    SELECT q.view, q.partition FROM views.positions AS q
    JOIN unnest(%(views)s::text[], %(partitions)s::smallint[], %(epochs)s::bigint[],
                %(beats)s::bigint[]) AS seen (view, partition, epoch, beat)
        ON q.view = seen.view AND q.partition = seen.partition
        AND q.epoch = seen.epoch AND q.beat = seen.beat
    ORDER BY q.view, q.partition FOR UPDATE OF q SKIP LOCKED
) AS free
WHERE p.view = free.view AND p.partition = free.partition
RETURNING p.view, p.partition, p.position, p.epoch"""

_BEAT = """
UPDATE views.positions AS p SET beat = p.beat + 1
FROM (
    SELECT view, partition FROM views.positions WHERE holder = %(me)s
    ORDER BY view, partition FOR UPDATE SKIP LOCKED
) AS mine
WHERE p.view = mine.view AND p.partition = mine.partition"""

# What somebody has locked bears this name on, and is free to be taken all the same.
_LEAVE = """
UPDATE views.positions AS p SET holder = NULL
FROM (
    SELECT view, partition FROM views.positions WHERE holder = %(me)s AND view = ANY(%(views)s)
    ORDER BY view, partition FOR UPDATE SKIP LOCKED
) AS mine
WHERE p.view = mine.view AND p.partition = mine.partition"""

_GIVE_UP = "UPDATE views.positions SET holder = NULL WHERE holder = %(me)s"


class LeaseLost(Exception):
    """Somebody else has taken over: nothing was written, and what was known may be outdated."""


class Standing(NamedTuple):
    """Where a view or policy stands in a partition, and in whose hands."""

    name: str
    partition: int
    position: int
    head: int
    epoch: int
    beat: int
    holder: str | None
    halted_before: str | None
    halted_cause: str | None


class Place(NamedTuple):
    """Where a view or policy stands in a partition, for the one who holds it by this epoch."""

    position: int
    epoch: int


Standings = Mapping[Lease, Sequence[Standing]]


class Leases:
    """What one worker sees of the leases, takes, and gives up."""

    def __init__(self, policies: Iterable[str] = (), seconds: float = LEASE_SECONDS) -> None:
        """A holder that nobody has heard of; a lease lapses after so many seconds without beat."""
        self.me = uuid4().hex
        self._policies = frozenset(policies)
        self._seconds = seconds
        self._marks: dict[Lease, tuple[list[tuple[int, int]], float]] = {}  # seen, and since when
        self._beat_at = 0.0

    def look(self, connection: Connection, names: Sequence[str]) -> Standings:
        """Where everything stands now, by lease."""
        found: defaultdict[Lease, list[Standing]] = defaultdict(list)
        for row in connection.execute(_LOOK, {"names": names}, prepare=True):
            standing = Standing(*row)
            is_policy = standing.name in self._policies
            found[standing.name, 0 if is_policy else standing.partition].append(standing)
        now = time.monotonic()
        for lease, standings in found.items():
            marks = [(standing.epoch, standing.beat) for standing in standings]
            if lease not in self._marks or self._marks[lease][0] != marks:
                self._marks[lease] = marks, now
        return found

    def free(self, standings: Standings, mine: Collection[Lease]) -> list[Lease]:
        """What nobody holds: given up, or its holder has shown no sign of life for long enough.

        What bears this worker's name without being its own it lost, or held before it connected
        again.
        """
        return [
            lease for lease in standings if lease not in mine and self._is_free(lease, standings)
        ]

    def share(self, standings: Standings, mine: Collection[Lease]) -> list[Lease]:
        """What a worker that holds much less than another takes from it, so that both hold as much.

        The other is not asked: what it has in hand just then is fenced, and done again here.
        """
        others: defaultdict[str, list[Lease]] = defaultdict(list)
        for lease, [first, *_] in standings.items():
            if lease not in mine and first.holder is not None:
                others[first.holder].append(lease)
        richest = max(others.values(), key=len, default=[])
        return random.sample(richest, max(len(richest) - len(mine), 0) // 2)

    def _is_free(self, lease: Lease, standings: Standings) -> bool:
        if any(standing.holder in (None, self.me) for standing in standings[lease]):
            return True
        return time.monotonic() - self._marks[lease][1] >= self._seconds

    def take(
        self, connection: Connection, wanted: Collection[Lease], standings: Standings
    ) -> dict[Lease, dict[int, Place]]:
        """Take these leases, as far as they are still as they were seen; a policy's wholly."""
        seen = [standing for lease in wanted for standing in standings[lease]]
        if not seen:
            return {}
        taken: defaultdict[Lease, dict[int, Place]] = defaultdict(dict)
        for name, partition, position, epoch in connection.execute(
            _TAKE,
            {
                "me": self.me,
                "views": [standing.name for standing in seen],
                "partitions": [standing.partition for standing in seen],
                "epochs": [standing.epoch for standing in seen],
                "beats": [standing.beat for standing in seen],
            },
            prepare=True,
        ):
            lease = name, 0 if name in self._policies else partition
            taken[lease][partition] = Place(position, epoch)
        parts = [lease for lease, places in taken.items() if len(places) < len(standings[lease])]
        if parts:  # somebody else was about to take it too
            names = [name for name, _ in parts]
            connection.execute(_LEAVE, {"me": self.me, "views": names})
        return {lease: places for lease, places in taken.items() if lease not in parts}

    @property
    def seconds_between_beats(self) -> float:
        """How long a holder may be at one thing."""
        return self._seconds / BEATS_A_LEASE

    def beat(self, connection: Connection) -> None:
        """Show a sign of life, often enough."""
        now = time.monotonic()
        if now - self._beat_at >= self.seconds_between_beats:
            connection.execute(_BEAT, {"me": self.me}, prepare=True)
            self._beat_at = now

    def give_up(self, connection: Connection) -> None:
        """Leave everything to others."""
        connection.execute(_GIVE_UP, {"me": self.me})
