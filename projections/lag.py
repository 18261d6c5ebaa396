"""How far views and policies have come, and how far they are behind the ledger."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from projections.halting import AHEAD, BEYOND
from projections.reader import Connection

_POSITIONS = """
SELECT view, partition, position FROM views.positions
WHERE view = ANY(%(names)s) ORDER BY view, partition"""

_LAG = """
SELECT p.view, h.position - p.position,
       greatest(extract(epoch FROM ledger.clock() - e.recorded_at), 0)::float8
FROM views.positions AS p JOIN ledger.heads AS h USING (partition)
    LEFT JOIN ledger.events AS e ON e.partition = p.partition AND e.position = p.position + 1
WHERE p.view = ANY(%(names)s)"""


# What stands still and what is left out, beside how far it has come; events that are passed over
# are those of parked streams up to where the view stands.
STATES = """
SELECT p.view, p.partition, p.position, h.position - p.position AS behind,
       coalesce(greatest(extract(epoch FROM ledger.clock() - e.recorded_at), 0), 0)::float8,
       p.holder, p.halted_before, p.halted_cause,
       (SELECT count(*) FROM views.parked AS k
        WHERE k.view = p.view AND k.partition = p.partition),
       (SELECT count(*) FROM views.parked AS k JOIN ledger.events AS o
            ON o.partition = k.partition AND o.stream_id = k.stream_id
            AND o.position BETWEEN k.position AND p.position
        WHERE k.view = p.view AND k.partition = p.partition),
       (SELECT count(*) FROM views.skipped AS s
        WHERE s.view = p.view AND s.partition = p.partition)
FROM views.positions AS p JOIN ledger.heads AS h USING (partition)
    LEFT JOIN ledger.events AS e ON e.partition = p.partition AND e.position = p.position + 1
WHERE p.view = ANY(%(names)s) ORDER BY p.view, p.partition"""


class State(NamedTuple):
    """Where a view or policy stands in a partition, and what it leaves out; a row of `STATES`."""

    name: str
    partition: int
    position: int
    behind: int  # events
    seconds: float  # since the first event it has not taken in was recorded
    holder: str | None
    halted_before: str | None  # the type of the event
    halted_cause: str | None
    parked: int  # streams
    passed_over: int  # events
    skipped: int  # events

    @property
    def ahead(self) -> str | None:
        """Why it is ahead of the ledger, if it is: known to it, or plain from where it stands."""
        if self.halted_before == BEYOND:
            return self.halted_cause
        return AHEAD.format(self.position + self.behind) if self.behind < 0 else None


class Lag(msgspec.Struct, frozen=True):
    """How far a view or policy is behind the ledger."""

    events: int
    seconds: float  # since the first event it has not taken in was recorded


def positions_of(connection: Connection, names: Sequence[str]) -> dict[str, dict[int, int]]:
    """How far each has come, by partition."""
    answer: dict[str, dict[int, int]] = {name: {} for name in names}
    for name, partition, position in connection.execute(_POSITIONS, {"names": names}):
        answer[name][partition] = position
    return answer


def states_of(connection: Connection, names: Sequence[str]) -> list[State]:
    """Where each stands, partition by partition."""
    return [State(*row) for row in connection.execute(STATES, {"names": list(names)})]


def lag_of(connection: Connection, names: Sequence[str]) -> dict[str, Lag]:
    """How far each is behind, over all partitions."""
    answer = {name: Lag(0, 0.0) for name in names}
    for name, events, seconds in connection.execute(_LAG, {"names": names}):
        known = answer[name]
        answer[name] = Lag(known.events + events, max(known.seconds, seconds or 0.0))
    return answer
