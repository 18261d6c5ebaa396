"""The append: the one place where events enter the ledger.

Written as a generator of SQL statements that performs no I/O itself, so that the asynchronous
writer, the synchronous recorder of the library and the policies run the very same statements.

Order, always: first lock the head of the partition, which makes positions dense and in commit
order; second, in a statement of its own (one statement would read a snapshot from before the
wait for the lock), look up the known command ids and the current versions; those that lost are
refused here, without failing their neighbours; third, insert. That is two round trips for a
batch of any size: lock and look-ups, then inserts and COMMIT.

Before that, one statement tries to take the whole batch at once (docs/adr/0007): it locks the head
only if nobody has touched it since the snapshot, which therefore shows all that is recorded, and
inserts nothing unless everything fits. What it does not take goes the long way, which says why.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any
from uuid import UUID

import msgspec

from ledger.entry import (
    Entry,
    KeyReused,
    Lost,
    Outcome,
    Receipt,
    Round,
    Statement,
    Steps,
    TrackingConflict,
)

LOCK_HEAD = """
SELECT position, greatest(recorded_at, ledger.clock())
FROM ledger.heads WHERE partition = %(partition)b FOR UPDATE"""

_SELECT_COMMANDS = """
SELECT command_id, digest, status, stream_id, version, position, events, recorded_at
FROM ledger.commands
WHERE partition = %(partition)b AND command_id = ANY(%(command_ids)b::uuid[])"""

_SELECT_VERSIONS = """
SELECT (SELECT max(version) FROM ledger.events AS e
        WHERE e.partition = %(partition)b AND e.stream_id = s.stream_id)
FROM unnest(%(stream_ids)b::uuid[]) WITH ORDINALITY AS s (stream_id, number) ORDER BY number"""

_INSERT_EVENTS = """
INSERT INTO ledger.events (partition, position, stream_id, version, type, schema_version,
                           recorded_at, data, metadata)
SELECT %(partition)b, %(head)b::bigint + number, stream_id, version, type, schema_version,
       %(recorded_at)b, data, metadata
FROM unnest(%(event_stream_ids)b::uuid[], %(event_versions)b::int[], %(types)b::text[],
            %(schema_versions)b::smallint[], %(data)b::bytea[], %(metadata)b::bytea[])
    WITH ORDINALITY AS e (stream_id, version, type, schema_version, data, metadata, number)"""

# An array a row cannot be unnested, so the names of a command's events travel as one text.
_INSERT_COMMANDS = """
INSERT INTO ledger.commands (partition, command_id, digest, status, stream_id, version,
                             position, events, recorded_at)
SELECT %(partition)b, command_id, digest, status, stream_id, version, %(head)b::bigint + place,
       string_to_array(events, ','), %(recorded_at)b
FROM unnest(%(command_ids)b::uuid[], %(digests)b::bytea[], %(statuses)b::smallint[],
            %(stream_ids)b::uuid[], %(versions)b::int[], %(places)b::int[], %(events)b::text[])
    AS c (command_id, digest, status, stream_id, version, place, events)
WHERE command_id IS NOT NULL"""

# Whoever inserts anything moves the head, be it by nothing: the short path relies on it.
_MOVE_HEAD = """
UPDATE ledger.heads SET position = %(position)b, recorded_at = %(recorded_at)b
WHERE partition = %(partition)b"""

# PostgreSQL looks again at a row for which it had to wait: if another append moved the head in
# the meantime, its xmin is no longer that of the snapshot, and nothing is inserted.
_APPEND_AT_ONCE = """
WITH head AS (
    UPDATE ledger.heads
    SET position = position + %(count)b, recorded_at = greatest(recorded_at, ledger.clock())
    WHERE partition = %(partition)b
      AND xmin = (SELECT xmin FROM ledger.heads WHERE partition = %(partition)b)
      AND NOT EXISTS (
          SELECT FROM unnest(%(command_ids)b::uuid[], %(stream_ids)b::uuid[],
                             %(expected_versions)b::int[])
              AS b (command_id, stream_id, expected_version)
          WHERE (SELECT true FROM ledger.commands AS c
                 WHERE c.partition = %(partition)b AND c.command_id = b.command_id)
             OR expected_version <> coalesce(
                 (SELECT max(version) FROM ledger.events AS e
                  WHERE e.partition = %(partition)b AND e.stream_id = b.stream_id),
                 least(expected_version, 0)))
    RETURNING position, position - %(count)b AS before, recorded_at
), inserted AS (
    INSERT INTO ledger.events (partition, position, stream_id, version, type, schema_version,
                               recorded_at, data, metadata)
    SELECT %(partition)b, before + number, stream_id, version, type, schema_version,
           recorded_at, data, metadata
    FROM head, unnest(%(event_stream_ids)b::uuid[], %(event_versions)b::int[], %(types)b::text[],
                      %(schema_versions)b::smallint[], %(data)b::bytea[], %(metadata)b::bytea[])
        WITH ORDINALITY AS e (stream_id, version, type, schema_version, data, metadata, number)
), remembered AS (
    INSERT INTO ledger.commands (partition, command_id, digest, status, stream_id, version,
                                 position, events, recorded_at)
    SELECT %(partition)b, command_id, digest, status, stream_id, version, before + place,
           string_to_array(events, ','), recorded_at
    FROM head, unnest(%(command_ids)b::uuid[], %(digests)b::bytea[], %(statuses)b::smallint[],
                      %(stream_ids)b::uuid[], %(versions)b::int[], %(places)b::int[],
                      %(events)b::text[])
        AS c (command_id, digest, status, stream_id, version, place, events)
    WHERE command_id IS NOT NULL
)
SELECT before, recorded_at FROM head"""

_TRACK = """
INSERT INTO ledger.tracking AS t (partition, application_name, notification_id)
VALUES (%(partition)s, %(application_name)s, %(notification_id)s)
ON CONFLICT (partition, application_name) DO UPDATE SET notification_id = EXCLUDED.notification_id
WHERE t.notification_id < EXCLUDED.notification_id
RETURNING notification_id"""


def append(
    partition: int, batch: Sequence[Entry], tracking: tuple[str, int] | None = None
) -> Steps[list[Outcome]]:
    """Append the entries of a batch in one transaction; each has an outcome of its own.

    Returns one `Outcome` an entry, in order. `tracking` is the name and position of a process
    recorder of the library, recorded with the events or refused with `TrackingConflict`.
    """
    if tracking is None and _are_apart(batch):
        receipts = yield from _append_at_once(partition, batch)
        if receipts:
            return receipts

    (head, recorded_at), known, versions = yield from _lock_and_look(partition, batch)
    if tracking is not None:
        yield from _track(partition, tracking)

    position = head
    outcomes: list[Outcome] = []
    accepted: list[Entry] = []
    for entry in batch:
        outcome = _judge(entry, known, versions, partition, position, recorded_at)
        if isinstance(outcome, Receipt) and not outcome.is_replay:
            accepted.append(entry)
            position = outcome.position
            versions[entry.stream_id] = outcome.version
            if entry.command is not None:
                known[entry.command.command_id] = (entry.command.digest, outcome)
        outcomes.append(outcome)

    params = {"partition": partition, "recorded_at": recorded_at, "head": head}
    params |= {"position": position, **_columns(accepted)}
    # A unique violation is a bug, not a lost race.
    inserts = (_INSERT_EVENTS, _INSERT_COMMANDS, _MOVE_HEAD) if accepted else ()
    yield Round([Statement(sql, params) for sql in inserts], is_last=True)
    return outcomes


Known = dict[UUID, tuple[bytes, Receipt]]
Versions = dict[UUID, int | None]


def receipt_of(partition: int, row: tuple[Any, ...]) -> tuple[bytes, Receipt]:
    """The digest and the answer that a row of `ledger.commands` remembers."""
    _, digest, status, stream_id, version, position, events, recorded_at = row
    return bytes(digest), Receipt(
        stream_id=stream_id,
        version=version,
        partition=partition,
        position=position,
        events=tuple(events),
        recorded_at=recorded_at,
        status=status,
        is_replay=True,
    )


def _are_apart(batch: Sequence[Entry]) -> bool:
    """Whether no entry of a batch depends on another."""
    keys = [entry.command.command_id for entry in batch if entry.command is not None]
    return len(set(keys)) == len(keys) and len({entry.stream_id for entry in batch}) == len(batch)


def _append_at_once(partition: int, batch: Sequence[Entry]) -> Steps[list[Outcome]]:
    """The short path: everything, or nothing for whatever reason."""
    columns = _columns(batch)
    params = {
        "partition": partition,
        "count": len(columns["types"]),
        "expected_versions": [entry.expected_version for entry in batch],
        **columns,
    }
    [rows] = yield Round([Statement(_APPEND_AT_ONCE, params)], is_last=True)
    return [
        _receipt(entry, partition, before + place, recorded_at)
        for before, recorded_at in rows
        for entry, place in zip(batch, columns["places"], strict=True)
    ]


def _lock_and_look(
    partition: int, batch: Sequence[Entry]
) -> Steps[tuple[tuple[int, datetime], Known, Versions]]:
    """Lock the head, then look up what is recorded of the commands and streams of a batch."""
    command_ids = [entry.command.command_id for entry in batch if entry.command is not None]
    stream_ids = list({entry.stream_id for entry in batch})
    asked = {"partition": partition, "command_ids": command_ids, "stream_ids": stream_ids}
    statements = [
        Statement(LOCK_HEAD, {"partition": partition}),
        Statement(_SELECT_COMMANDS, asked),
        Statement(_SELECT_VERSIONS, asked),
    ]
    [head], commands, versions = yield Round(statements)
    known = {row[0]: receipt_of(partition, row) for row in commands}
    current = (version for (version,) in versions)
    return head, known, dict(zip(stream_ids, current, strict=True))


def _judge(
    entry: Entry,
    known: Known,
    versions: Versions,
    partition: int,
    position: int,
    recorded_at: datetime,
) -> Outcome:
    """What becomes of an entry, given what is recorded before it."""
    if entry.command is not None and entry.command.command_id in known:
        digest, receipt = known[entry.command.command_id]
        if digest != entry.command.digest:
            return KeyReused()
        return msgspec.structs.replace(receipt, is_replay=True)
    current = versions[entry.stream_id]
    # A new stream starts at version 1 with us; the library's own tests also start one at 0.
    is_as_expected = (
        entry.expected_version <= 0 if current is None else (entry.expected_version == current)
    )
    if not is_as_expected:
        return Lost(version=current or 0)
    return _receipt(entry, partition, position + len(entry.events), recorded_at)


def _receipt(entry: Entry, partition: int, position: int, recorded_at: datetime) -> Receipt:
    """The answer to an entry whose last event has this position."""
    return Receipt(
        stream_id=entry.stream_id,
        version=entry.expected_version + len(entry.events),
        partition=partition,
        position=position,
        events=tuple(event.type for event in entry.events),
        recorded_at=recorded_at,
        status=entry.status,
    )


def _columns(entries: Sequence[Entry]) -> dict[str, list[Any]]:
    """Events and commands as arrays; `places` count the events up to the last of a command."""
    events = [event for entry in entries for event in entry.events]
    commands = [entry.command or (None, None) for entry in entries]
    return {
        "event_stream_ids": [entry.stream_id for entry in entries for _ in entry.events],
        "event_versions": [
            entry.expected_version + number
            for entry in entries
            for number in range(1, len(entry.events) + 1)
        ],
        "types": [event.type for event in events],
        "schema_versions": [event.schema_version for event in events],
        "data": [event.data for event in events],
        "metadata": [event.metadata for event in events],
        "command_ids": [command_id for command_id, _ in commands],
        "digests": [digest for _, digest in commands],
        "statuses": [entry.status for entry in entries],
        "stream_ids": [entry.stream_id for entry in entries],
        "versions": [entry.expected_version + len(entry.events) for entry in entries],
        "places": list(accumulate(len(entry.events) for entry in entries)),
        "events": [",".join(event.type for event in entry.events) for entry in entries],
    }


def _track(partition: int, tracking: tuple[str, int]) -> Steps[None]:
    name, position = tracking
    place = {"partition": partition, "application_name": name, "notification_id": position}
    [rows] = yield Round([Statement(_TRACK, place)])
    if not rows:
        raise TrackingConflict(f"{name} is at {position} or beyond already")
