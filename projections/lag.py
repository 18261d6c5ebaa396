"""How far views and policies have come, and how far they are behind the ledger."""

from collections.abc import Sequence

import msgspec

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


def lag_of(connection: Connection, names: Sequence[str]) -> dict[str, Lag]:
    """How far each is behind, over all partitions."""
    answer = {name: Lag(0, 0.0) for name in names}
    for name, events, seconds in connection.execute(_LAG, {"names": names}):
        known = answer[name]
        answer[name] = Lag(known.events + events, max(known.seconds, seconds or 0.0))
    return answer
