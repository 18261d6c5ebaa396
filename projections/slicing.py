"""How a rebuild cuts the ledger into slices, how far it is, and whether nothing is missing."""

from projections.reader import Connection, CorruptLedger

EVENTS = 10_000
"""About how many events a slice holds."""
_SEEN = 500  # of them, to tell where the next one begins

# Some pages tell where slices begin, near enough; what came after the head is folded later.
_PLAN = """
INSERT INTO views.rebuild_slices (view, partition, slice, from_stream, to_stream)
SELECT %(view)s, %(partition)s, row_number() OVER begun, stream_id, lead(stream_id) OVER begun
FROM (
    SELECT '00000000-0000-0000-0000-000000000000'::uuid AS stream_id
    UNION
    SELECT stream_id FROM (
        SELECT stream_id, row_number() OVER (ORDER BY stream_id) AS number
        FROM ledger.events TABLESAMPLE SYSTEM (%(percent)s) WHERE partition = %(partition)s
    ) AS each WHERE number %% %(events)s = 0
) AS firsts
WINDOW begun AS (ORDER BY stream_id)"""

_PROGRESS = "SELECT count(events), count(*) FROM views.rebuild_slices WHERE view = %(view)s"

_SHORT = """
SELECT r.partition, r.head FROM views.rebuilds AS r
WHERE r.view = %(view)s AND r.head <> (
    SELECT count(*) FROM ledger.events AS e
    WHERE e.partition = r.partition AND e.position BETWEEN 1 AND r.head)
ORDER BY r.partition LIMIT 1"""

_FIRST_HOLE = """
SELECT number FROM generate_series(1, %(head)s) AS number
WHERE NOT EXISTS (
    SELECT FROM ledger.events WHERE partition = %(partition)s AND position = number)
ORDER BY number LIMIT 1"""


def plan(connection: Connection, name: str, partition: int, events: int) -> None:
    """Cut a partition into slices of about so many events."""
    seen = min(events, _SEEN)
    place = {"view": name, "partition": partition}
    connection.execute(_PLAN, {**place, "percent": 100 * seen / events, "events": seen})


def progress(connection: Connection, name: str) -> tuple[int, int]:
    """How many slices are folded, of how many."""
    [(folded, slices)] = connection.execute(_PROGRESS, {"view": name}, prepare=True).fetchall()
    return folded, slices


def check_complete(connection: Connection, name: str) -> None:
    """Make sure that no event is missing: positions are dense, so their number is the head."""
    for partition, head in connection.execute(_SHORT, {"view": name}).fetchall():
        refuse_hole(connection, partition, head)


def refuse_hole(connection: Connection, partition: int, head: int) -> None:
    """Raise `CorruptLedger` where a position up to the head is missing."""
    place = {"partition": partition, "head": head}
    for (position,) in connection.execute(_FIRST_HOLE, place).fetchall():
        raise CorruptLedger(partition, position, head)
